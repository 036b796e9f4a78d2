"""Which snapshot descends from which, and where "now" is. KubeVirt keeps a flat list; a restore is the branch.

An *epoch* is the time between two restores of a vm. KubeVirt notes the last restore as an annotation on the vm, and
keeps a copy of that with the content of each snapshot; the restore names the snapshot that the epoch began with, and
so do the claims that it filled. Where none of these is left, the times of the restores must do. Of volumes that were
swapped in nobody keeps a record but their claims, which note whose they are and name the VolumeSnapshot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vmsnap_tui.platforms.openshift import stamps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openshift.records import BackedClaim, Claim, SnapshotContent, VmRestore, VmSnapshot

_CUT = re.compile(r"vmsnapshot-([0-9a-f-]{36})-volume-")


@dataclass(frozen=True, slots=True)
class Origin:
    """The epoch in which something was made, and what its claims were filled from.

    `base` is the uid of a VirtualMachineSnapshot, or the name of a VolumeSnapshot that was swapped in after `since`.
    """

    epoch: str = ""
    base: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A snapshot to be placed.

    `epoch` holds its vm's uid too: another vm of the same name began another history. `origin` is None where its
    content was not read. `is_base` says that others can descend from it: it holds data. `parts` are the names of its
    VolumeSnapshots, where it consists of such.
    """

    snapshot: Snapshot
    uid: str
    vm_uid: str
    noted: str = ""
    origin: Origin | None = None
    is_base: bool = True
    parts: tuple[str, ...] = ()


def origin_of(content: SnapshotContent) -> Origin:
    """What the content of a snapshot says of where it is from."""
    claims = (backup.claim for backup in content.spec.volume_backups)
    return origin_by(content.spec.source.virtual_machine.metadata.annotations.last_restore, claims)


def origin_by(last_restore: str, claims: Iterable[Claim | BackedClaim]) -> Origin:
    """Where a vm with these claims is from. The newest that was filled says it."""
    for claim in sorted(claims, key=_birth, reverse=True):
        source = claim.spec.data_source
        if source is None:
            continue
        if match := _CUT.match(source.name):
            return Origin(last_restore, match[1])
        if claim.metadata.annotations.vm:  # images that vms are made of are filled from snapshots too, and note nothing
            return Origin(f"{last_restore}+{source.name}", source.name, claim.metadata.created)
    return Origin(last_restore)


def _birth(claim: Claim | BackedClaim) -> datetime:
    return claim.metadata.created or datetime.fromtimestamp(0, UTC)


def needs_origin(snapshot: VmSnapshot, here: Origin, restores: Iterable[VmRestore]) -> bool:
    """Whether a content has to be read to place a snapshot of a vm that was restored.

    What is noted with it says what it descends from, and its time whether a restore came between. Times are told in
    whole seconds: of two things in the same one, it does not say which came first.
    """
    taken = snapshot.status.creation_time
    if taken is None:
        return False
    return not snapshot.metadata.annotations.parents or taken in {
        here.since,
        *(each.status.restore_time for each in restores),
    }


def with_lineage(
    members: Sequence[Member], restores: Iterable[VmRestore], vm_uid: str, here: Origin
) -> tuple[Snapshot, ...]:
    """The snapshots with their parents, and the current one marked. `here` is the origin of the vm as it is now."""
    return _Tree(members, restores, here).placed(vm_uid)


class _Tree:
    def __init__(self, members: Sequence[Member], restores: Iterable[VmRestore], here: Origin) -> None:
        self._by_uid = {each.uid: each for each in members}
        self._members = sorted(members, key=self._turn)
        self._by_part = {part: each for each in self._members for part in each.parts}
        self._here = here
        done = [(at, each) for each in restores if (at := each.status.restore_time) is not None]
        self._named = {each.epoch: each for _, each in done}
        began = [(at, Origin(each.epoch)) for at, each in done]
        if here.since is not None:
            began.append((here.since, here))
        self._began = sorted(began, key=itemgetter(0))

    def placed(self, vm_uid: str) -> tuple[Snapshot, ...]:
        last: dict[tuple[str, str], str] = {}
        found = []
        for each in self._members:
            origin, is_known = self._origin(each)
            epoch = each.vm_uid or vm_uid, origin.epoch
            parent = self._noted(each)
            is_noted = parent is not None or stamps.read(each.noted) == ()
            if not is_noted:
                parent = last.get(epoch) or self._base(origin, each)
            inferred = parent is not None and not is_noted and not is_known
            found.append(replace(each.snapshot, parent=parent, inferred=inferred))
            if each.is_base:
                last[epoch] = each.snapshot.id
        current = last.get((vm_uid, self._here.epoch)) or self._base(self._here, None)
        return tuple(replace(each, current=each.id == current) for each in found)

    def _turn(self, member: Member) -> tuple[datetime, int, str]:
        """By when it was taken. Of those of one second, which is all that is told, a child comes after its parents."""
        at = member.snapshot.created
        above = (self._by_uid.get(uid) for uid in stamps.read(member.noted) or ())
        return at, sum(each is not None and each.snapshot.created == at for each in above), member.snapshot.id

    def _origin(self, member: Member) -> tuple[Origin, bool]:
        """The epoch of a snapshot, and whether that is known for certain."""
        if member.origin is not None:
            return member.origin, True
        if not self._here.epoch:
            return Origin(), True  # a vm that was never restored
        before = [origin for at, origin in self._began if at < member.snapshot.created]
        return before[-1] if before else Origin(), False

    def _noted(self, member: Member) -> str | None:
        """The nearest of the parents that were noted and are still there."""
        for uid in stamps.read(member.noted) or ():
            if uid in self._by_uid and uid != member.uid:
                return self._by_uid[uid].snapshot.id
        return None

    def _base(self, origin: Origin, member: Member | None) -> str | None:
        """The snapshot that an epoch began with, where it is still there."""
        restore = self._named.get(origin.epoch)
        if restore is not None:
            wanted = restore.spec.virtual_machine_snapshot_name
            at = restore.status.restore_time
            for each in self._members:
                # One of the same name that was taken later is another.
                if each.snapshot.name == wanted and at is not None and each.snapshot.created <= at:
                    return each.snapshot.id
        base = self._by_uid.get(origin.base) or self._by_part.get(origin.base)
        return None if base is None or base is member else base.snapshot.id


def line_to(snapshot_id: str | None, snapshots: Sequence[Snapshot], uids: Mapping[str, str]) -> tuple[str, ...]:
    """The uids of a snapshot and of those above it, nearest first, as many as can be noted."""
    parents = {snapshot.id: snapshot.parent for snapshot in snapshots}
    return tuple(uids[id_] for id_ in _upwards(snapshot_id, parents) if id_ in uids)[: stamps.REACH]


def _upwards(snapshot_id: str | None, parents: Mapping[str, str | None]) -> Iterator[str]:
    seen: set[str] = set()
    while snapshot_id is not None and snapshot_id not in seen:
        yield snapshot_id
        seen.add(snapshot_id)
        snapshot_id = parents.get(snapshot_id)
