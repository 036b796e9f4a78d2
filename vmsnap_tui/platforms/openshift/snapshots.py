"""The snapshots of a vm, put together from VirtualMachineSnapshots and the VolumeSnapshots of its claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.model.together import group_of
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.openshift import stamps
from vmsnap_tui.platforms.openshift.lineage import Member, Origin, origin_by, with_lineage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.openshift.records import (
        Claim,
        Condition,
        VirtualMachine,
        VirtualMachineInstance,
        VmRestore,
        VmSnapshot,
        VolumeSnapshot,
    )

_LOOSE, _GROUP = "pvc:", "group:"
"""What ids of snapshots begin with that are none of a whole vm: VolumeSnapshots, alone or taken together."""

ONLINE, AGENT, NO_AGENT, PAUSED, PARTIAL = "Online", "GuestAgent", "NoGuestAgent", "Paused", "PartialSnapshot"
_UNPROVEN = {NO_AGENT, PAUSED, "QuiesceTimeout", "QuiesceFailed"}  # the last is what 1.7 calls the one before
_WORDS = {
    "QuiesceFailed": "Guest agent could not quiesce the filesystem. Snapshot is crash-consistent and may not be "
    "application-consistent.",
}
_EARLIER = "earlier"
"""Instead of the uid of a vm that had the name before."""
_KNOWN = {ONLINE, AGENT, PARTIAL, *_UNPROVEN}


@dataclass(frozen=True, slots=True)
class Things:
    """What the cluster knows of one vm. `origins` are of those snapshots whose content was read, by uid."""

    machine: VirtualMachine
    instance: VirtualMachineInstance | None = None
    claims: Mapping[str, Claim] = field(default_factory=dict)
    snapshots: tuple[VmSnapshot, ...] = ()
    restores: tuple[VmRestore, ...] = ()
    volume_snapshots: tuple[VolumeSnapshot, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def here(self) -> Origin:
        """Where the vm as it is now is from."""
        return origin_by(self.machine.metadata.annotations.last_restore, self.claims.values())


def snapshots_of(things: Things, vm: VmRef) -> tuple[Snapshot, ...]:
    """All snapshots of a vm, as trees."""
    return with_lineage(members_of(things, vm), things.restores, things.machine.metadata.uid, things.here)


def members_of(things: Things, vm: VmRef) -> list[Member]:
    """All snapshots of a vm, to be placed."""
    volumes = {volume.claim: volume.name for volume in things.machine.spec.template.spec.volumes if volume.claim}
    whole = [_member(each, things, vm, set(volumes.values())) for each in things.snapshots]
    return whole + [_loose_member(id_, parts, vm, volumes) for id_, parts in loose_of(things).items()]


def loose_of(things: Things) -> dict[str, tuple[VolumeSnapshot, ...]]:
    """The VolumeSnapshots that belong to no snapshot of the whole vm, by the snapshot's id: those of a group as one."""
    found: dict[str, tuple[VolumeSnapshot, ...]] = {}
    for each in things.volume_snapshots:
        meta = each.metadata
        group = meta.annotations.group or each.status.volume_group_snapshot_name
        id_ = f"{_GROUP}{meta.namespace}/{group}" if group else f"{_LOOSE}{meta.namespace}/{meta.name}"
        found[id_] = (*found.get(id_, ()), each)
    return {id_: tuple(sorted(parts, key=lambda part: part.metadata.name)) for id_, parts in found.items()}


def _member(snapshot: VmSnapshot, things: Things, vm: VmRef, backed: set[str]) -> Member:
    meta, status = snapshot.metadata, snapshot.status
    error = error_of(snapshot)
    failed = status.phase == "Failed"
    words = indications(snapshot)
    record = Snapshot(
        SnapRef(vm, f"{meta.namespace}/{meta.name}"),
        clean(meta.name),
        _at(status.creation_time or meta.created),
        state=state_of(snapshot),
        kind=SnapshotKind.VM,
        consistency=consistency_of(snapshot),
        description=clean_lines(meta.annotations.description),
        disks=_disks(snapshot, backed),
        ready=not error and status.ready_to_use is True and not failed and meta.deleted is None,
        error=error,
        protected=meta.labels.protected == stamps.YES,
        baseline=clean(meta.annotations.baseline),
        group=group_of(meta.annotations.together),
        notes=_notes(snapshot, things.machine, words),
    )
    return Member(
        record,
        meta.uid,
        _EARLIER if _is_of_an_earlier(snapshot, things.machine) else status.source_uid,
        meta.annotations.parents,
        things.origins.get(meta.uid),
        is_base=status.creation_time is not None and not failed,
    )


def _disks(snapshot: VmSnapshot, backed: set[str]) -> tuple[SnapshotDisk, ...]:
    """Those that are in it, and those that are missing. What holds nothing worth keeping is not missed."""
    volumes = snapshot.status.snapshot_volumes
    if volumes is None:
        return ()
    missing = (name for name in volumes.excluded_volumes if name in backed)
    return (
        *(SnapshotDisk(clean(name), SnapshotKind.VOLUME) for name in volumes.included_volumes),
        *(SnapshotDisk(clean(name), included=False) for name in missing),
    )


def indications(snapshot: VmSnapshot) -> dict[str, str]:
    """How it came about: the cluster's words by name. Names alone are told by clusters before 1.8."""
    status = snapshot.status
    said = {each.indication: each.message for each in status.source_indications}
    return {name: said.get(name) or _WORDS.get(name, "") for name in dict.fromkeys((*said, *status.indications))}


def state_of(snapshot: VmSnapshot) -> VmState:
    """What the vm was doing: told once the snapshot is taken."""
    if not _is_taken(snapshot):
        return VmState.UNKNOWN
    words = indications(snapshot)
    if PAUSED in words:
        return VmState.PAUSED
    return VmState.RUNNING if ONLINE in words else VmState.OFF if words.keys() <= {PARTIAL} else VmState.UNKNOWN


def consistency_of(snapshot: VmSnapshot) -> Consistency:
    """What the indications prove. A word that is not known may mean anything."""
    if not _is_taken(snapshot):
        return Consistency.UNKNOWN
    words = indications(snapshot).keys()
    if words <= {PARTIAL}:
        return Consistency.CLEAN  # of a vm that was off, KubeVirt has nothing to say
    if words & _UNPROVEN:
        return Consistency.CRASH
    if {ONLINE, AGENT} <= words <= _KNOWN:
        return Consistency.FILESYSTEM
    return Consistency.UNKNOWN


def _is_taken(snapshot: VmSnapshot) -> bool:
    return snapshot.status.phase == "Succeeded" and snapshot.status.creation_time is not None


def error_of(snapshot: VmSnapshot) -> str:
    """Why it cannot be restored from, "" where it can or is just being taken. Its conditions say it in `reason`."""
    meta, status = snapshot.metadata, snapshot.status
    why = status.error.message if status.error is not None else ""
    if meta.deleted is not None:
        return clean(f"it is being deleted: waiting for {', '.join(meta.finalizers) or 'the cluster'}")
    if status.phase == "Failed":
        failure = said(status.conditions, "Failure") or "the snapshot has failed"
        return clean(f"{failure}: {why}" if why else failure)
    if why and (status.phase == "Succeeded" or not status.ready_to_use):
        return clean(why)
    if status.phase in {"", "InProgress", "Succeeded", "Unknown"} and not status.ready_to_use:
        waiting = said(status.conditions, "Progressing", "False") if status.phase != "Succeeded" else ""
        return clean(waiting)
    return ""


def said(conditions: Iterable[Condition], type_: str, status: str = "True") -> str:
    """What a condition says, "" where it does not hold."""
    return next(
        (each.reason or each.message for each in conditions if each.type == type_ and each.status == status), ""
    )


def _notes(snapshot: VmSnapshot, machine: VirtualMachine, words: Mapping[str, str]) -> tuple[str, ...]:
    notes = [clean(f"{name}: {text}" if text else name) for name, text in words.items()]
    if _is_of_an_earlier(snapshot, machine):
        notes.append("taken of an earlier vm of this name")
    if snapshot.spec.deletion_policy == "Retain":
        notes.append("its data is retained when it is deleted")
    if snapshot.status.snapshot_volumes is not None and not snapshot.status.snapshot_volumes.included_volumes:
        notes.append("it holds no disks, but the vm's definition alone")
    return tuple(notes)


def _is_of_an_earlier(snapshot: VmSnapshot, machine: VirtualMachine) -> bool:
    """Whether it is of another vm of the same name. KubeVirt notes the new one's uid with it, but its age remains."""
    uid, taken, born = snapshot.status.source_uid, snapshot.metadata.created, machine.metadata.created
    return bool(uid and uid != machine.metadata.uid) or (taken is not None and born is not None and taken < born)


# VolumeSnapshots


def _loose_member(id_: str, parts: Sequence[VolumeSnapshot], vm: VmRef, volumes: Mapping[str, str]) -> Member:
    head = parts[0]
    notes = head.metadata.annotations
    error = _loose_error(parts)
    is_group = id_.startswith(_GROUP)
    included = {_disk_of(part, volumes): part for part in parts}
    state = _state_noted(notes.state)
    record = Snapshot(
        SnapRef(vm, id_),
        clean(id_.partition("/")[2]),
        min(_at(part.status.creation_time or part.metadata.created) for part in parts),
        state=state,
        kind=SnapshotKind.GROUP if is_group else SnapshotKind.VOLUME,
        consistency=Consistency.UNKNOWN if error else _loose_consistency(parts, state),
        description=clean_lines(notes.description),
        disks=(
            *(SnapshotDisk(disk, SnapshotKind.VOLUME, clean(part.metadata.name)) for disk, part in included.items()),
            *(SnapshotDisk(clean(disk), included=False) for disk in volumes.values() if disk not in included),
        ),
        ready=not error and all(part.status.ready_to_use for part in parts),
        error=error,
        protected=any(part.metadata.labels.protected == stamps.YES for part in parts),
        baseline=clean(notes.baseline),
        group=group_of(notes.together),
    )
    names = tuple(part.metadata.name for part in parts)
    return Member(record, head.metadata.uid, "", notes.parents, is_base=not error, parts=names)


def _disk_of(part: VolumeSnapshot, volumes: Mapping[str, str]) -> str:
    claim = part.spec.source.claim
    return clean(volumes.get(claim) or part.metadata.annotations.disk or claim or part.metadata.name)


def _loose_error(parts: Sequence[VolumeSnapshot]) -> str:
    for part in parts:
        meta = part.metadata
        if meta.deleted is not None:
            return clean(f"{meta.name} is being deleted: waiting for {', '.join(meta.finalizers) or 'the cluster'}")
        # What the storage said last may be overcome by now: it is tried again until it works.
        if part.status.error is not None and not part.status.ready_to_use:
            return clean(part.status.error.message or f"the snapshot {meta.name} has failed")
    wanted = parts[0].metadata.annotations.parts
    if wanted.isdigit() and len(parts) < int(wanted):
        return f"{len(parts)} of its {wanted} parts are there"
    return ""


def _loose_consistency(parts: Sequence[VolumeSnapshot], state: VmState) -> Consistency:
    """What was noted when it was taken: of a single volume the cluster itself says nothing."""
    if not all(part.status.creation_time for part in parts) or state is VmState.UNKNOWN:
        return Consistency.UNKNOWN
    if state is VmState.OFF:
        return Consistency.CLEAN
    frozen = all(part.metadata.annotations.frozen == stamps.YES for part in parts)
    return Consistency.FILESYSTEM if frozen else Consistency.CRASH


def _state_noted(text: str) -> VmState:
    try:
        return VmState(text)
    except ValueError:
        return VmState.UNKNOWN


def _at(time: datetime | None) -> datetime:
    return time or datetime.fromtimestamp(0, UTC)
