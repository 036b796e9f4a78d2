"""The services' answers, as they were seen, shortened to what is read."""

from __future__ import annotations

from typing import Any

from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.openstack.facts import OpenStackFacts, Volume
from vmsnap_tui.platforms.openstack.snapshots import Things, snapshots_of

Record = dict[str, Any]

SERVER = "83e34530-88e5-4edf-8a0b-c27c973a61e0"
BASE = "7312222f-6878-4706-a74a-652d678c512d"
REF = VmRef("cloud", SERVER)


def server(**values: Any) -> Record:
    return {
        "id": SERVER,
        "name": "lab-one",
        "status": "ACTIVE",
        "tenant_id": "p1",
        "metadata": {},
        "image": {"id": BASE, "properties": {"hw_qemu_guest_agent": "yes"}},
        "flavor": {"vcpus": 1, "ram": 64, "disk": 1, "ephemeral": 0, "swap": 0, "original_name": "tiny"},
        "OS-EXT-STS:task_state": None,
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:power_state": 1,
        "OS-EXT-AZ:availability_zone": "nova",
        "OS-SRV-USG:launched_at": "2026-11-23T10:00:00.000000",
        "os-extended-volumes:volumes_attached": [],
    } | values


def image(id_: str, at: str, **values: Any) -> Record:
    return {
        "id": id_,
        "name": f"name-{id_}",
        "status": "active",
        "size": 65536,
        "created_at": f"2026-11-23T{at}Z",
        "instance_uuid": SERVER,
        "image_type": "snapshot",
        "base_image_ref": BASE,
    } | values


def stamped(id_: str, at: str, line: str = "-", state: str = "running", **values: Any) -> Record:
    noted = {"vmsnap_id": id_, "vmsnap_line": line, "vmsnap_state": state, "vmsnap_parts": "1"}
    return image(id_, at, **noted) | values


def volume(id_: str, device: str = "/dev/vdb", **values: Any) -> Record:
    attachment = {"server_id": SERVER, "device": device, "volume_id": id_}
    return {
        "id": id_,
        "name": id_,
        "size": 1,
        "status": "in-use",
        "bootable": "false",
        "metadata": {},
        "attachments": [attachment],
    } | values


def snap(id_: str, volume_id: str, at: str, **values: Any) -> Record:
    return {
        "id": id_,
        "name": f"name-{id_}",
        "volume_id": volume_id,
        "size": 1,
        "status": "available",
        "created_at": f"2026-11-23T{at}.000000",
        "metadata": {},
    } | values


def tree(things: Things) -> tuple[dict[str, str | None], str | None]:
    """Ids to their parents' ids, and the current one."""
    found = snapshots_of(things, REF)
    current = [snapshot.id for snapshot in found if snapshot.current]
    assert len(current) <= 1
    return {snapshot.id: snapshot.parent for snapshot in found}, current[0] if current else None


def facts_of(things: Things, **values: Any) -> OpenStackFacts:
    """The facts of these things, as the planner gets them."""
    from vmsnap_tui.platforms.openstack.convert import disk_id, image_id, is_attached, task_of, vm_of
    from vmsnap_tui.platforms.openstack.facts import ImagePart, Parts, SnapPart
    from vmsnap_tui.platforms.openstack.snapshots import parts_of

    names = {each["id"]: disk_id(each, SERVER) for each in things.volumes}
    parts = {
        id_: Parts(
            tuple(ImagePart(each["id"], each["status"], follows=tuple(sorted(part.follows))) for each in part.images),
            tuple(
                SnapPart(each["id"], each["volume_id"], names[each["volume_id"]], each["size"], each["status"])
                for each in part.snaps
            ),
            part.cinder_group,
        )
        for id_, part in parts_of(things).items()
    }

    def newest(volume_id: str) -> str:
        cuts = [each for each in things.snaps if each["volume_id"] == volume_id]
        return str(max(cuts, key=lambda each: str(each["created_at"]))["id"]) if cuts else ""

    volumes = tuple(
        Volume(
            each["id"],
            names[each["id"]],
            each["size"],
            each["status"],
            is_attached(each, SERVER),
            is_attached(each, SERVER) and not image_id(things.server) and each["bootable"] == "true",
            newest=newest(each["id"]),
        )
        for each in things.volumes
    )
    given: dict[str, Any] = {
        "vm": vm_of(things.server, things.volumes, "cloud", "lab"),
        "snapshots": snapshots_of(things, REF),
        "task": task_of(things.server),
        "vm_state": things.server["OS-EXT-STS:vm_state"],
        "base": image_id(things.server),
        "volumes": volumes,
        "parts": parts,
        "compute": (2, 100),
        "volume": (3, 71),
    }
    return OpenStackFacts(**(given | values))
