"""Gathers the facts of one server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from vmsnap_tui.model.errors import Unreachable, VmsnapError
from vmsnap_tui.model.stack import read_now
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openstack.chain import layers
from vmsnap_tui.platforms.openstack.cloud import COMPUTE, IMAGE, VOLUME
from vmsnap_tui.platforms.openstack.convert import (
    base_id,
    disk_id,
    image_id,
    is_attached,
    is_yes,
    properties,
    task_of,
    vm_of,
)
from vmsnap_tui.platforms.openstack.facts import ImagePart, Launch, OpenStackFacts, Parts, Quota, SnapPart, Volume
from vmsnap_tui.platforms.openstack.lineage import line_to
from vmsnap_tui.platforms.openstack.snapshots import parts_of, snapshots_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.openstack.cloud import Cloud
    from vmsnap_tui.platforms.openstack.inventory import Inventory
    from vmsnap_tui.platforms.openstack.snapshots import Part, Things

Record = dict[str, Any]
T = TypeVar("T")


def gather(cloud: Cloud, inventory: Inventory, ref: VmRef, group: str, *, read_only: bool) -> OpenStackFacts:
    """Everything that the planner needs. Raises Missing."""
    inventory.known_servers(fresh=True)  # who was launched from a snapshot is named before that is deleted
    things = inventory.things(ref.id)
    server = things.server
    snapshots = snapshots_of(things, ref)
    current = next((snapshot.id for snapshot in snapshots if snapshot.current), None)
    flavor = server.get("flavor") or {}
    found = image_properties(cloud, things)
    extra = [name for name, key in (("ephemeral", "ephemeral"), ("swap", "swap")) if flavor.get(key)]
    return OpenStackFacts(
        vm_of(server, things.volumes, ref.site, group),
        snapshots,
        read_now(layers(things, snapshots)),
        read_only=read_only,
        task=task_of(server),
        vm_state=str(server.get("OS-EXT-STS:vm_state") or ""),
        locked=bool(server.get("locked")),
        quiesce=is_yes(found.get("os_require_quiesce", "no")) and is_yes(found.get("hw_qemu_guest_agent", "no")),
        base=base_id(server, things.volumes),
        flavor_disk=int(flavor.get("disk") or 0),
        extra=tuple(extra),
        volumes=tuple(
            sorted((_volume(volume, things) for volume in things.volumes), key=lambda each: (each.disk, each.id))
        ),
        parts={id_: _parts(part, things, inventory) for id_, part in parts_of(things).items()},
        compute=cloud.version(COMPUTE),
        volume=cloud.version(VOLUME),
        no_volumes=cloud.missing.get(VOLUME, ""),
        quotas=_quotas(cloud),
        here=line_to(current, snapshots),
        launch=_launch(cloud, server),
        cloud=cloud.name,
    )


def image_properties(cloud: Cloud, things: Things) -> Mapping[str, Any]:
    """The image properties that Nova goes by, from the server where that tells them, else from the image itself."""
    found = properties(things.server, things.volumes)
    base = base_id(things.server, things.volumes)
    if found is None and base:
        found = cloud.found(IMAGE, f"/images/{base}")
    return found or {}


def _volume(volume: Record, things: Things) -> Volume:
    server_id = things.server["id"]
    cuts = [snap for snap in things.snaps if snap["volume_id"] == volume["id"]]
    newest = max(cuts, key=lambda snap: str(snap.get("created_at")), default=None)
    attached = is_attached(volume, server_id)
    return Volume(
        volume["id"],
        disk_id(volume, server_id),
        int(volume.get("size") or 0),
        str(volume.get("status")),
        attached,
        attached and not base_id(things.server, things.volumes) and is_yes(volume.get("bootable", "no")),
        str(volume.get("volume_type") or ""),
        newest["id"] if newest else "",
    )


def _parts(part: Part, things: Things, inventory: Inventory) -> Parts:
    names: dict[str, str] = {volume["id"]: disk_id(volume, things.server["id"]) for volume in things.volumes}
    images = tuple(
        ImagePart(
            image["id"],
            str(image.get("status")),
            bool(image.get("protected")),
            int(image.get("min_disk") or 0),
            tuple(sorted(part.follows)),
        )
        for image in part.images
    )
    snaps = tuple(
        SnapPart(
            snap["id"],
            snap["volume_id"],
            names.get(snap["volume_id"], str(snap["volume_id"])),
            int(snap.get("size") or 0),
            str(snap.get("status")),
        )
        for snap in sorted(part.snaps, key=lambda each: each["id"])
    )
    return Parts(images, snaps, part.cinder_group, tuple(_dependents(part, things, inventory)))


def _dependents(part: Part, things: Things, inventory: Inventory) -> Iterator[str]:
    for image in part.images:
        for server in list(inventory.known_servers().values()):
            if image_id(server) == image["id"]:
                who = "This server" if server["id"] == things.server["id"] else f"Server “{clean(server['name'])}”"
                yield f"{who} was made from"
    for snap in part.snaps:
        for name in inventory.picture().made.get(snap["id"], ()):
            yield f"Volume “{clean(name)}” was made from"


def _quotas(cloud: Cloud) -> dict[str, Quota]:
    compute: Record = told(lambda: cloud.get(COMPUTE, "/limits")["limits"]["absolute"], {})
    found = {"instances": Quota(compute.get("totalInstancesUsed", 0), compute.get("maxTotalInstances", -1))}
    if not cloud.has_volumes:
        return found
    volume: Record = told(lambda: cloud.get(VOLUME, "/limits")["limits"]["absolute"], {})
    for name, key, used in (
        ("snapshots", "maxTotalSnapshots", "totalSnapshotsUsed"),
        ("volumes", "maxTotalVolumes", "totalVolumesUsed"),
        ("gigabytes", "maxTotalVolumeGigabytes", "totalGigabytesUsed"),
    ):
        found[name] = Quota(volume.get(used, 0), volume.get(key, -1))
    return found


def _launch(cloud: Cloud, server: Record) -> Launch:
    flavors: list[Record] = told(lambda: cloud.every(COMPUTE, "/flavors", "flavors"), [])
    ports: list[Record] = told(
        lambda: cloud.get(COMPUTE, f"/servers/{server['id']}/os-interface")["interfaceAttachments"], []
    )
    groups = sorted({str(group["name"]) for group in server.get("security_groups") or ()})
    return Launch(
        str((server.get("flavor") or {}).get("original_name") or ""),
        {str(each["name"]): str(each["id"]) for each in flavors},
        tuple(str(port["net_id"]) for port in ports),
        str(server.get("key_name") or ""),
        tuple(groups),
        str(server.get("OS-EXT-AZ:availability_zone") or ""),
    )


def told(ask: Callable[[], T], otherwise: T) -> T:
    """What a service says, or `otherwise` where it does not want to."""
    try:
        return ask()
    except Unreachable:
        raise
    except VmsnapError:
        return otherwise
