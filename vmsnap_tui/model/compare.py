"""What differs between two moments of a vm: its definition, its disks, and how much of these was written."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import FILES, LayerKind
from vmsnap_tui.model.stack import held_by, read_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.survey import Holdings
    from vmsnap_tui.model.vm import VmRef

_CONTEXT = 3
"""Lines that are alike before and after each change."""
_GUEST = {LayerKind.ACTIVE, LayerKind.VOLUME}
"""Layers that have the size that the guest sees now."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a vm was made of at a moment, without what the platform changes by itself: two of a vm can be compared.

    `lacks` says what the platform doesn't keep of it.
    """

    text: str
    language: str
    lacks: str = ""


class Change(Enum):
    """What a line of a difference is."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    GAP = "gap"  # lines that are alike are left out here


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a difference."""

    change: Change
    text: str = ""


class Fate(Enum):
    """What became of a disk from the older moment to the newer one."""

    KEPT = "kept"
    RESIZED = "resized"
    ADDED = "added"
    REMOVED = "removed"
    LEFT_OUT = "left out"  # it may have been there, but isn't part of one of the snapshots


@dataclass(frozen=True, slots=True)
class DiskChange:
    """One disk. `before` and `after` are its sizes as the guest saw them, in bytes, None where not known.

    `changed` is the most that can have been written to it in between, in bytes; None where the storage doesn't tell.
    """

    disk: str
    fate: Fate
    before: int | None = None
    after: int | None = None
    changed: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs from `older` to `newer`, None being now. `unknown` says why definitions can't be compared."""

    vm: VmRef
    older: Snapshot
    newer: Snapshot | None
    language: str = ""
    lines: tuple[DiffLine, ...] = ()
    disks: tuple[DiskChange, ...] = ()
    lacks: str = ""
    unknown: str = ""

    @property
    def is_same_definition(self) -> bool:
        """Whether the definitions are known to be alike."""
        return not self.lines and not self.unknown


def in_order(first: Snapshot | None, second: Snapshot | None) -> tuple[Snapshot | None, Snapshot | None]:
    """The older one first; None, being now, is the newest of all."""
    if first is None or (second is not None and (second.created, second.id) < (first.created, first.id)):
        return second, first
    return first, second


def difference(before: str, after: str) -> tuple[DiffLine, ...]:
    """The lines that differ, with some that are alike around them. None where all are alike."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[DiffLine] = []
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT):
        if lines or group[0][1]:
            lines.append(DiffLine(Change.GAP))
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                lines += [DiffLine(Change.SAME, line) for line in old[old_start:old_end]]
            else:
                lines += [DiffLine(Change.REMOVED, line) for line in old[old_start:old_end]]
                lines += [DiffLine(Change.ADDED, line) for line in new[new_start:new_end]]
    return tuple(lines)


def disk_changes(held: Holdings, older: Snapshot, newer: Snapshot | None) -> Iterator[DiskChange]:
    """Of each disk of either moment, in the order of the newer one."""
    before, after = _disks(held, older), _disks(held, newer)
    left_out = {*older.missing, *(newer.missing if newer else ())}
    for disk in dict.fromkeys([*after, *before]):
        old_size = _size(held, disk, older) if disk in before else None
        new_size = _size(held, disk, newer) if disk in after else None
        if disk in left_out:
            yield DiskChange(disk, Fate.LEFT_OUT, old_size, new_size)
        elif disk not in before:
            yield DiskChange(disk, Fate.ADDED, old_size, new_size)
        elif disk not in after:
            yield DiskChange(disk, Fate.REMOVED, old_size, new_size)
        else:
            most = changed(held.layers, disk, older, newer)
            if most is not None and old_size is not None and new_size is not None:
                most = min(most, max(old_size, new_size))
            yield DiskChange(disk, _kept(old_size, new_size), old_size, new_size, most)


def _kept(before: int | None, after: int | None) -> Fate:
    return Fate.RESIZED if before is not None and after is not None and before != after else Fate.KEPT


def changed(layers: Sequence[Layer], disk: str, older: Snapshot, newer: Snapshot | None) -> int | None:
    """The most that can differ on a disk, in bytes; None where the storage doesn't tell.

    Both moments read the same where they read through the same layers: only what lies in layers of one alone can
    differ. What is written to a file that also keeps a snapshot inside itself can't be told apart.
    """
    mine = [layer for layer in layers if layer.disk == disk]
    inside = {id_ for layer in mine if layer.kind is LayerKind.INTERNAL for id_ in layer.snapshots}
    if older.id in inside or (newer and newer.id in inside):
        return None
    reads, wrote = _reads(mine, older), _reads(mine, newer)
    if not reads or not wrote:
        return None
    total = 0
    for layer in mine:
        if (layer.place in reads) != (layer.place in wrote):
            if layer.kind not in FILES or layer.used is None:
                return None
            total += layer.used
    return total


def _reads(layers: Sequence[Layer], snapshot: Snapshot | None) -> frozenset[str]:
    """The places that a moment reads through."""
    if snapshot is None:
        return frozenset(layer.place for layer in read_now(layers) if layer.kind in FILES or layer.kind in _GUEST)
    return frozenset(
        layer.place for layer in layers if snapshot.id in layer.snapshots and layer.kind is not LayerKind.MEMORY
    )


def _disks(held: Holdings, snapshot: Snapshot | None) -> list[str]:
    if snapshot is None:
        return [disk.id for disk in held.vm.disks]
    return [part.disk for part in snapshot.disks]


def _size(held: Holdings, disk: str, snapshot: Snapshot | None) -> int | None:
    mine = [layer for layer in held.layers if layer.disk == disk and layer.kind is not LayerKind.MEMORY]
    if snapshot is None:
        found = [layer.virtual for layer in read_now(mine) if layer.kind in _GUEST]
        known = [each.capacity for each in held.vm.disks if each.id == disk]
        return next((size for size in (*found, *known) if size is not None), None)
    begins = held_by(mine)
    mine.sort(key=lambda layer: snapshot.id not in begins.get((disk, layer.place), ()))
    return next((each.virtual for each in mine if snapshot.id in each.snapshots and each.virtual is not None), None)
