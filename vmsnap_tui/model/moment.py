"""Back to a moment: which snapshot of each vm stands for it, how far off it is, whether they fit together. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from statistics import median_low
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef

CLOCKS_MAY_DIFFER = timedelta(minutes=1)
"""Up to this a clock that runs ahead of ours is not worth a word."""


class Side(Enum):
    """On which side of the moment a snapshot may lie."""

    BEFORE = "before"  # the latest at or before it
    AFTER = "after"  # the earliest at or after it
    NEAREST = "nearest"

    @property
    def next(self) -> Side:
        """The one that follows, going round."""
        sides = list(Side)
        return sides[(sides.index(self) + 1) % len(sides)]


@dataclass(frozen=True, slots=True)
class Pick:
    """What a vm is put back to: None where it has no snapshot that fits. `off` is negative where that lies before."""

    vm: Vm
    snapshot: Snapshot | None
    off: timedelta | None = None


class History:
    """The snapshots of a vm in the order of time; picks are found in it without looking at each."""

    def __init__(self, vm: Vm, snapshots: Iterable[Snapshot]) -> None:
        self.vm = vm
        self.snapshots = tuple(sorted(snapshots, key=lambda each: (each.created, each.id)))
        """All, oldest first; of equals by id."""
        self._ready = tuple(each for each in self.snapshots if each.ready)
        self._times = [each.created.timestamp() for each in self._ready]

    def pick(self, moment: datetime, side: Side = Side.BEFORE) -> Pick:
        """The snapshot that stands for a moment (aware). Only those that are ready count; of equals the last by id."""
        place = self._place(moment.timestamp(), side)
        if place is None:
            return Pick(self.vm, None)
        chosen = self._ready[place]
        return Pick(self.vm, chosen, chosen.created - moment)

    def _place(self, at: float, side: Side) -> int | None:
        times = self._times
        before = bisect_right(times, at) - 1
        after = bisect_left(times, at)
        # The last of those that were taken together.
        after = bisect_right(times, times[after]) - 1 if after < len(times) else -1
        if side is Side.BEFORE or (side is Side.NEAREST and after < 0):
            return before if before >= 0 else None
        if side is Side.AFTER or before < 0:
            return after if after >= 0 else None
        # Of two that are as near, the one before: what came after it has not happened yet.
        return before if at - times[before] <= times[after] - at else after


def pick(vm: Vm, snapshots: Iterable[Snapshot], moment: datetime, side: Side = Side.BEFORE) -> Pick:
    """The snapshot of one vm that stands for a moment; see `History.pick`."""
    return History(vm, snapshots).pick(moment, side)


class Moments:
    """When the group snapshots were taken of which several vms are known: all parts of one show the same moment,
    whatever their platforms' clocks say.
    """

    def __init__(self) -> None:
        self._times: dict[str, dict[VmRef, datetime]] = {}
        self._groups: dict[VmRef, frozenset[str]] = {}

    def take_in(self, vm: VmRef, snapshots: Iterable[Snapshot]) -> frozenset[VmRef]:
        """Of a vm that is new or has changed. The other vms whose snapshots may stand elsewhere now."""
        times = {each.group.id: each.created for each in snapshots if each.group and each.group.is_one_moment}
        before = self._groups.pop(vm, frozenset())
        for group in before:
            del self._times[group][vm]
        for group, at in times.items():
            self._times.setdefault(group, {})[vm] = at
        if times:
            self._groups[vm] = frozenset(times)
        return frozenset(other for group in before | times.keys() for other in self._times[group] if other != vm)

    def aligned(self, snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
        """The same, each part of a group snapshot at the time of the group: the one in the middle of what is said."""
        return tuple(
            replace(each, created=median_low(self._times[each.group.id].values()))
            if each.group and each.group.id in self._times and each.group.is_one_moment
            else each
            for each in snapshots
        )


def picks_of(
    known: Iterable[tuple[Vm, Sequence[Snapshot]]], moment: datetime, side: Side = Side.BEFORE
) -> tuple[Pick, ...]:
    """What stands for a moment of several vms, with the parts of a group snapshot at one time."""
    histories, moments = tuple(known), Moments()
    for vm, snapshots in histories:
        moments.take_in(vm.ref, snapshots)
    return tuple(pick(vm, moments.aligned(snapshots), moment, side) for vm, snapshots in histories)


def is_group(picks: Iterable[Pick]) -> bool:
    """Whether they are the parts of one group snapshot, and so fit together for certain."""
    groups = {each.snapshot.group if each.snapshot else None for each in picks}
    found = groups.pop() if len(groups) == 1 else None
    return found is not None and found.is_one_moment


def spread(picks: Iterable[Pick]) -> timedelta | None:
    """From the oldest pick to the newest: machines that talk to each other must fit together. None without any."""
    times = [each.snapshot.created for each in picks if each.snapshot]
    return max(times) - min(times) if times else None


def wrong_clock(snapshots: Iterable[Snapshot], now: datetime) -> frozenset[str]:
    """The ids of those whose time cannot be right: it lies ahead, or before that of the parent it was made from.

    A parent that is only concluded was concluded from the times, so it proves nothing.
    """
    by_id = {each.id: each for each in snapshots}
    return frozenset(
        each.id
        for each in by_id.values()
        if each.created > now + CLOCKS_MAY_DIFFER
        or (
            each.parent in by_id and not each.inferred and each.created < by_id[each.parent].created - CLOCKS_MAY_DIFFER
        )
    )
