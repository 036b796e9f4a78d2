"""What really holds the data of a server's disks: images, volumes, their snapshots, and what those are made from."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.layer import Hop, Layer, LayerKind
from vmsnap_tui.model.plan import Delete
from vmsnap_tui.model.snapshot import SnapRef
from vmsnap_tui.model.survey import Finding, Mend, Severity
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openstack.convert import GIB, ROOT, base_id, disk_id, is_attached, moment
from vmsnap_tui.platforms.openstack.snapshots import mapping_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.openstack.snapshots import Things

Record = dict[str, Any]
Details = tuple[tuple[str, str], ...]

PATIENCE = timedelta(hours=1)
"""How long an image may be uploaded before it is said to be stuck."""
_MADE_FROM = (("source_volid", "volume"), ("snapshot_id", "volume snapshot"))


def layers(things: Things, snapshots: Sequence[Snapshot]) -> tuple[Layer, ...]:
    """What the server's disks read through, newest first, disk by disk; images taken of it stand aside."""
    server, known = things.server, {snapshot.id for snapshot in snapshots}
    owner = {disk.place: snapshot.id for snapshot in snapshots for disk in snapshot.disks if disk.place}
    found: list[Layer] = []
    if base := base_id(server, things.volumes):
        size = (server.get("flavor") or {}).get("disk")
        place = f"server {server['id']}"
        found.append(
            Layer(ROOT, LayerKind.ACTIVE, place, virtual=size * GIB if size else None, hops=(_of_server(server),))
        )
        image = next((each for each in things.images if each["id"] == base), {"id": base})
        held: str = owner.get(base, base)
        found.append(_image(image, (held,) if held in known else (), things))
        for each in things.images:
            if each["id"] != base and not mapping_of(each):
                held = owner.get(each["id"], str(each["id"]))
                found.append(_image(each, (held,) if held in known else (), things, aside=True))
    for volume in sorted(things.volumes, key=lambda each: (disk_id(each, server["id"]), each["id"])):
        if is_attached(volume, server["id"]):
            found += _volume_layers(volume, things, owner)
    return tuple(found)


def _image(image: Record, held: tuple[str, ...], things: Things, *, aside: bool = False) -> Layer:
    return Layer(
        ROOT,
        LayerKind.IMAGE,
        image["id"],
        clean(str(image.get("disk_format") or "")),
        used=image.get("size"),
        snapshots=held,
        aside=aside,
        users=tuple(map(clean, things.heirs.get(image["id"], ()))),
        hops=(_of_image(image),) if "status" in image else (),
    )


def _volume_layers(volume: Record, things: Things, owner: Mapping[str, str]) -> Iterator[Layer]:
    disk, size = disk_id(volume, things.server["id"]), volume["size"] * GIB
    yield Layer(disk, LayerKind.VOLUME, volume["id"], virtual=size, hops=(_of_volume(volume),))
    cuts = [snap for snap in things.snaps if snap["volume_id"] == volume["id"]]
    by_snap = {each.get("snapshot_id"): image for image in things.images for each in mapping_of(image)}
    for snap in sorted(cuts, key=lambda each: str(each.get("created_at")), reverse=True):
        held = owner.get(snap["id"])
        image = by_snap.get(snap["id"])
        yield Layer(
            disk,
            LayerKind.VOLUME_SNAPSHOT,
            snap["id"],
            virtual=snap["size"] * GIB,
            snapshots=(held,) if held else (),
            users=tuple(map(clean, things.heirs.get(snap["id"], ()))),
            hops=(*((_of_image(image),) if image else ()), _of_snap(snap)),
        )
    if source := volume.get("snapshot_id"):
        held = owner.get(source)
        yield Layer(disk, LayerKind.VOLUME_SNAPSHOT, source, snapshots=(held,) if held else ())


def _of_server(server: Record) -> Hop:
    host = server.get("OS-EXT-SRV-ATTR:host")
    return Hop("server", clean(str(server.get("name") or server["id"])), details=_told(("host", host)))


def _of_image(image: Record) -> Hop:
    return _hop(
        "image",
        image,
        {"active"},
        image.get("status") in {"killed", "deactivated", "pending_delete"},
        ("created", image.get("created_at")),
        ("based on", image.get("base_image_ref")),
        ("visibility", image.get("visibility")),
        ("protected", "yes" if image.get("protected") else ""),
    )


def _of_volume(volume: Record) -> Hop:
    image = (volume.get("volume_image_metadata") or {}).get("image_id")
    return _hop(
        "volume",
        volume,
        {"available", "in-use"},
        "error" in str(volume.get("status")),
        ("type", volume.get("volume_type")),
        ("backend", volume.get("os-vol-host-attr:host")),
        ("made from", f"image {image}" if image else ""),
        *(("made from", f"{what} {volume[key]}") for key, what in _MADE_FROM if volume.get(key)),
    )


def _of_snap(snap: Record) -> Hop:
    is_wrong = "error" in str(snap.get("status"))
    return _hop("volume snapshot", snap, {"available"}, is_wrong, ("created", snap.get("created_at")))


def _hop(kind: str, record: Record, good: set[str], is_wrong: bool, *more: tuple[str, object]) -> Hop:
    status = str(record.get("status") or "")
    error = f"it is {clean(status)}" if is_wrong else ""
    details = _told(("name", record.get("name")), ("status", status), *more)
    return Hop(kind, clean(record["id"]), status in good, error, details)


def _told(*details: tuple[str, object]) -> Details:
    return tuple((label, clean(str(text))) for label, text in details if text)


def findings_of(things: Things, vm: VmRef, now: datetime) -> Iterator[Finding]:
    """What only this platform can have wrong: images that never become complete, volumes and snapshots in error."""
    parts = {image["id"]: id_ for id_, part in parts_of(things).items() for image in part.images}
    for image in things.images:
        since = moment(image.get("updated_at") or image.get("created_at"))
        if image.get("status") in {"queued", "saving"} and since is not None and now - since > PATIENCE:
            name, id_ = clean(str(image.get("name") or image["id"])), parts[image["id"]]
            yield Finding(
                "stuck-image", Severity.WARNING,
                f"image “{name}” is {image['status']} since {since:%Y-%m-%d %H:%M} UTC",
                "its upload takes very long, or was cut off", "if it was, it holds quota and never becomes restorable",
                vm, ROOT, clean(image["id"]), id_,
                (Mend(f"delete “{name}”, if nobody uploads it any more", Delete(SnapRef(vm, id_))),),
            )  # fmt: skip
    for volume in things.volumes:
        status = str(volume.get("status") or "")
        if "error" in status:
            disk = disk_id(volume, things.server["id"])
            yield Finding(
                "volume-in-error", Severity.ERROR, f"volume {clean(volume['id'])} ({disk}) is {clean(status)}",
                "the storage failed in the middle of something", "its data may be incomplete; it cannot be snapshotted",
                vm, disk, clean(volume["id"]),
                mends=(Mend("see why", command=f"openstack volume message list --resource-uuid {volume['id']}"),),
            )  # fmt: skip
