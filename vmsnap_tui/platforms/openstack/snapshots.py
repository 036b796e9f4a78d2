"""The snapshots of a server, put together from images and volume snapshots."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.model.together import group_of
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.openstack.convert import ROOT, disk_id, disks_of, is_yes, moment
from vmsnap_tui.platforms.openstack.lineage import with_lineage
from vmsnap_tui.platforms.openstack.stamps import (
    BASELINE,
    NOTE,
    PROTECTED,
    TOGETHER,
    Stamp,
    image_stamp,
    is_own,
    stamp_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vmsnap_tui.model.vm import VmRef

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Things:
    """What the services know of one server, as raw as they say it.

    `volumes` are the attached ones and those that were swapped out; `snaps` are the snapshots of all of these. `heirs`
    are the names of other servers, by the image or snapshot that they were launched from.
    """

    server: Record
    volumes: tuple[Record, ...] = ()
    images: tuple[Record, ...] = ()
    snaps: tuple[Record, ...] = ()
    heirs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Part:
    """The image and the volume snapshots that make up one snapshot.

    `cinder_group` says that Cinder made the volume snapshots as a group of its own; `follows` are those that Nova
    made along with the image.
    """

    id: str
    images: list[Record] = field(default_factory=list)
    snaps: list[Record] = field(default_factory=list)
    stamp: Stamp | None = None
    cinder_group: bool = False
    follows: frozenset[str] = frozenset()


def mapping_of(image: Mapping[str, Any]) -> list[Record]:
    """The block device mapping of an image that was taken of a server that boots from a volume."""
    text = image.get("block_device_mapping")
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def parts_of(things: Things) -> dict[str, Part]:
    """The parts of each snapshot, by the snapshot's id."""
    parts: dict[str, Part] = {}
    owners: dict[str, str] = {}
    for image in things.images:
        stamp = image_stamp(image)
        id_ = stamp.group if stamp and stamp.group else str(image["id"])
        part = parts.setdefault(id_, Part(id_))
        part.images.append(image)
        part.stamp = part.stamp or stamp
        follows = {str(each["snapshot_id"]) for each in mapping_of(image) if each.get("snapshot_id")}
        part.follows |= follows
        owners |= dict.fromkeys(follows, id_)
    for snap in things.snaps:
        stamp = stamp_of(snap.get("metadata") or {})
        cinder_group = str(snap.get("group_snapshot_id") or "")
        id_ = owners.get(snap["id"]) or (stamp.group if stamp else "") or cinder_group or str(snap["id"])
        part = parts.setdefault(id_, Part(id_))
        part.snaps.append(snap)
        part.stamp = part.stamp or stamp
        part.cinder_group |= bool(cinder_group)
    return parts


def snapshots_of(things: Things, vm: VmRef) -> tuple[Snapshot, ...]:
    """All snapshots of a server, as trees."""
    parts = parts_of(things)
    disks = [disk.id for disk in disks_of(things.server, things.volumes)]
    names = {str(volume["id"]): disk_id(volume, vm.id) for volume in things.volumes}
    found = [_snapshot(part, vm, disks, names, things.heirs) for part in parts.values()]
    lines = {id_: part.stamp.line for id_, part in parts.items() if part.stamp is not None}
    return with_lineage(found, lines, things.server)


def _snapshot(
    part: Part, vm: VmRef, disks: Sequence[str], names: Mapping[str, str], heirs: Mapping[str, tuple[str, ...]]
) -> Snapshot:
    members = [*part.images, *part.snaps]
    head = members[0]
    created = [at for at in (moment(each.get("created_at")) for each in members) if at is not None]
    included = {disk.disk: disk for disk in _disks(part, names)}
    error = _error(part)
    size = part.images[0].get("size") if part.images and not part.snaps and not part.follows else None
    text = _description(part)
    return Snapshot(
        SnapRef(vm, part.id),
        clean(str(head.get("name") or head["id"])),
        min(created, default=datetime.fromtimestamp(0, UTC)),
        state=part.stamp.state if part.stamp else VmState.UNKNOWN,
        kind=_kind(part),
        consistency=Consistency.UNKNOWN if error else consistency_of(part),
        description=clean_lines(text),
        disks=(*included.values(), *(SnapshotDisk(disk, included=False) for disk in disks if disk not in included)),
        ready=not error,
        error=error,
        size=size,
        protected=_is_protected(part),
        baseline=_noted(part, BASELINE),
        group=group_of(_noted(part, TOGETHER)),
        forks=tuple(
            sorted({name for id_ in (part.id, *(each["id"] for each in part.images)) for name in heirs.get(id_, ())})
        ),
    )


def _is_protected(part: Part) -> bool:
    """By Glance's own mark, or by ours on any part; what an image inherited does not count."""
    marks = [image.get(PROTECTED) for image in part.images if is_own(image)]
    marks += [(snap.get("metadata") or {}).get(PROTECTED) for snap in part.snaps]
    return "yes" in marks or any(is_yes(image.get("protected")) for image in part.images)


def _noted(part: Part, key: str) -> str:
    """What is noted on any part."""
    marks = [image.get(key) for image in part.images if is_own(image)]
    marks += [(snap.get("metadata") or {}).get(key) for snap in part.snaps]
    return clean(str(next(filter(None, marks), "")))


def _description(part: Part) -> str:
    if part.images:
        head = part.images[0]
        return str(head.get(NOTE) or "") if is_own(head) else ""
    head = part.snaps[0]
    return str((head.get("metadata") or {}).get(NOTE) or head.get("description") or "")


def _disks(part: Part, names: Mapping[str, str]) -> Iterator[SnapshotDisk]:
    for image in part.images:
        if not mapping_of(image):
            yield SnapshotDisk(ROOT, SnapshotKind.IMAGE, str(image["id"]))
    cuts = [(names.get(volume, volume), str(snap["id"])) for snap in part.snaps for volume in [str(snap["volume_id"])]]
    for disk, cut in sorted(cuts):
        yield SnapshotDisk(disk, SnapshotKind.VOLUME, cut)


def _kind(part: Part) -> SnapshotKind:
    if part.cinder_group or (part.stamp and part.stamp.group) or len(part.snaps) + len(part.images) > 1:
        return SnapshotKind.IMAGE if part.images and not _beside(part) else SnapshotKind.GROUP
    return SnapshotKind.IMAGE if part.images else SnapshotKind.VOLUME


def _beside(part: Part) -> list[Record]:
    """The volume snapshots that Nova did not make along with the image."""
    return [snap for snap in part.snaps if snap["id"] not in part.follows]


def _error(part: Part) -> str:
    """Why it cannot be restored from, "" where it can."""
    for image in part.images:
        if image.get("status") != "active":
            return clean(f"the image is {image.get('status')}")
    for snap in part.snaps:
        if snap.get("status") != "available":
            return clean(f"the snapshot of a volume is {snap.get('status')}")
    if lost := part.follows - {str(snap["id"]) for snap in part.snaps}:
        return f"{len(lost)} of the volume snapshots that the image names are gone"
    count = len(part.images) + len(_beside(part))
    if part.stamp and count < part.stamp.parts:
        return f"{count} of its {part.stamp.parts} parts are there"
    return ""


def consistency_of(part: Part) -> Consistency:
    """What is proven.

    Of a server that boots from a volume, Nova takes no image that has to be frozen and cannot be. Of a local disk its
    libvirt driver goes on without the freeze, whatever the image demands, and tells the host's log alone.
    """
    state = part.stamp.state if part.stamp else VmState.UNKNOWN
    if state is VmState.OFF:
        return Consistency.CLEAN
    if state is VmState.RUNNING and part.images and not _beside(part) and any(map(_had_to_freeze, part.images)):
        return Consistency.FILESYSTEM if part.follows else Consistency.UNKNOWN
    return Consistency.UNKNOWN if state is VmState.UNKNOWN else Consistency.CRASH


def _had_to_freeze(image: Mapping[str, Any]) -> bool:
    return is_yes(image.get("os_require_quiesce", "no")) and is_yes(image.get("hw_qemu_guest_agent", "no"))


def fingerprint(things: Iterable[Record]) -> int:
    """Changes when any of these images or volume snapshots does."""
    keys = ("id", "status", "name", "updated_at", "description")
    return hash(frozenset(tuple(str(each.get(key)) for key in keys) for each in things))
