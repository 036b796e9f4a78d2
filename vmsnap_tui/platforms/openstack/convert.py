"""From the services' JSON to the model. Pure: what is not understood is never turned into something plausible."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.model.vm import AgentState, Backend, Disk, Vm, VmRef, VmState
from vmsnap_tui.platforms.openstack.stamps import DISK, VM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Record = dict[str, Any]

GIB = 1 << 30
ROOT = "root"
"""The id of a server's own root disk; its device has a name that only administrators are told."""
_YES = {"yes", "true", "1", "on"}
_STATES = {
    "active": VmState.RUNNING,
    "rescued": VmState.RUNNING,
    "resized": VmState.RUNNING,
    "paused": VmState.PAUSED,
    "suspended": VmState.SUSPENDED,
    "stopped": VmState.OFF,
    "shelved": VmState.OFF,
    "shelved_offloaded": VmState.OFF,
    "building": VmState.CHANGING,
}
_POWER = {3: VmState.PAUSED, 4: VmState.OFF, 6: VmState.CRASHED, 7: VmState.SUSPENDED}


def moment(text: object) -> datetime | None:
    """A time as the services write it: with a Z, with microseconds, or bare; always UTC."""
    if not isinstance(text, str) or not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def is_yes(value: object) -> bool:
    """Whether a property or metadata value means yes."""
    return str(value).strip().lower() in _YES


def task_of(server: Mapping[str, Any]) -> str:
    """The task state, "" for none."""
    return str(server.get("OS-EXT-STS:task_state") or "")


def state_of(server: Mapping[str, Any]) -> VmState:
    """What a server is doing. While its image is taken it goes on as it was."""
    task = task_of(server)
    if task and not task.startswith("image_"):
        return VmState.CHANGING
    state = _STATES.get(str(server.get("OS-EXT-STS:vm_state")), VmState.UNKNOWN)
    if state is VmState.RUNNING:
        return _POWER.get(server.get("OS-EXT-STS:power_state") or 0, state)
    return state


def image_id(server: Mapping[str, Any]) -> str:
    """The image that a server was launched from or rebuilt with, "" where there was none."""
    image = server.get("image")
    return str(image["id"]) if isinstance(image, dict) else ""


def base_id(server: Mapping[str, Any], volumes: Sequence[Mapping[str, Any]]) -> str:
    """The image that a server's root disk was made from, "" where it boots from a volume.

    A server that was launched from the image of one that boots from a volume boots from a volume too, and yet names
    that image, which holds nothing. Before microversion 2.98 only the volume in the first place gives it away.
    """
    found = image_id(server)
    told = (server.get("image") or {}).get("properties") if found else None
    if told is not None:
        return "" if is_yes(told.get("bdm_v2", "no")) else found
    boots = (volume for volume in volumes if is_yes(volume.get("bootable", "no")) and is_attached(volume, server["id"]))
    return "" if any(disk_id(volume, server["id"]).endswith("da") for volume in boots) else found


def properties(server: Mapping[str, Any], volumes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The image properties that Nova goes by, None where they are not told."""
    if base_id(server, volumes):
        found = server["image"].get("properties")  # microversion 2.98
        return found if isinstance(found, dict) else None
    boots = [volume for volume in volumes if is_yes(volume.get("bootable")) and is_attached(volume, server["id"])]
    return boots[0].get("volume_image_metadata") or {} if boots else None


def is_attached(volume: Mapping[str, Any], server_id: str) -> bool:
    """Whether a volume is attached to that server."""
    return any(each.get("server_id") == server_id for each in volume.get("attachments") or ())


def disk_id(volume: Mapping[str, Any], server_id: str) -> str:
    """What the server calls a volume (vdb), or called it before it was swapped out; else the volume's id."""
    for each in volume.get("attachments") or ():
        if each.get("server_id") == server_id and each.get("device"):
            return clean(str(each["device"]).rpartition("/")[2])
    metadata = volume.get("metadata") or {}
    if metadata.get(VM) == server_id and metadata.get(DISK):
        return clean(str(metadata[DISK]))
    return str(volume["id"])


def vm_of(server: Record, volumes: Sequence[Record], site: str, group: str) -> Vm:
    """A vm from its server and its attached volumes."""
    flavor = server.get("flavor") or {}
    found = properties(server, volumes)
    agent = AgentState.UNKNOWN  # whether it answers is known to nobody but Nova
    if found is not None and not is_yes(found.get("hw_qemu_guest_agent", "no")):
        agent = AgentState.ABSENT
    places = [f"az:{server['OS-EXT-AZ:availability_zone']}"] if server.get("OS-EXT-AZ:availability_zone") else []
    if server.get("OS-EXT-SRV-ATTR:host"):
        places.append(f"host:{server['OS-EXT-SRV-ATTR:host']}")
    if server.get("locked"):
        places.append("locked")
    return Vm(
        VmRef(site, str(server["id"])),
        clean(str(server.get("name") or "")),
        state_of(server),
        agent,
        description=clean_lines(str(server.get("description") or "")),
        group=clean(group),
        memory=flavor["ram"] << 20 if isinstance(flavor.get("ram"), int) else None,
        vcpus=flavor.get("vcpus"),
        disks=tuple(disks_of(server, volumes)),
        saved=server.get("OS-EXT-STS:vm_state") == "suspended",
        tags=tuple(clean(tag) for tag in (*(server.get("tags") or ()), *places)),
    )


def disks_of(server: Record, volumes: Sequence[Record]) -> list[Disk]:
    """The root disk, then the volumes by device."""
    disks = []
    if base_id(server, volumes):
        gigabytes = (server.get("flavor") or {}).get("disk")
        size = gigabytes * GIB if gigabytes else None
        disks.append(Disk(ROOT, f"server {server['id']}", backend=Backend.EPHEMERAL, capacity=size))
    known = {volume["id"]: volume for volume in volumes if is_attached(volume, server["id"])}
    for each in server.get("os-extended-volumes:volumes_attached") or ():
        known.setdefault(each["id"], {"id": each["id"]})
    attached = [_volume_disk(volume, server["id"]) for volume in known.values()]
    return disks + sorted(attached, key=lambda disk: (disk.id, disk.source))


def _volume_disk(volume: Mapping[str, Any], server_id: str) -> Disk:
    size = volume.get("size")
    return Disk(
        disk_id(volume, server_id),
        str(volume["id"]),
        backend=Backend.VOLUME,
        protocol=clean(str(volume.get("volume_type") or "")),
        capacity=size * GIB if isinstance(size, int) else None,
        writable=not is_yes((volume.get("metadata") or {}).get("readonly", "no")),
        shared=len(volume.get("attachments") or ()) > 1,
    )
