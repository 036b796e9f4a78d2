"""Many vms on one line of time, and the moment that is chosen on it. Pure; whoever shows it holds one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vmsnap_tui.model.moment import History, Moments, Pick, Side, wrong_clock
from vmsnap_tui.model.timescale import Scale, around

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import VmRef

_ZOOM = 2.0


class Timeline:
    """Histories in the order of the rows, the stretch of time that is seen, the moment, and what it picks."""

    def __init__(self, now: datetime, width: int = 60) -> None:
        """`now` is where the moment stands at first; `width` is in cells."""
        self.now = now
        self.moment = now
        self.side = Side.BEFORE
        self.scale: Scale = around((), now, width)
        self.histories: dict[VmRef, History] = {}
        self._told: dict[VmRef, History] = {}
        self._moments = Moments()
        self._pins: dict[VmRef, str] = {}
        self._wrong: dict[VmRef, frozenset[str]] = {}
        self._times: list[float] | None = None
        self._picks: dict[VmRef, Pick] = {}

    # What is known

    def take_in(self, histories: Iterable[History], gone: Iterable[VmRef] = ()) -> None:
        """Of vms that are new, which come last, or have changed."""
        moved: set[VmRef] = set()
        for history in histories:
            ref = history.vm.ref
            moved |= self._moments.take_in(ref, history.snapshots) & self.histories.keys()
            self._told[ref] = history
            self.histories[ref] = self._aligned(history)
            self._wrong[ref] = wrong_clock(history.snapshots, self.now)
            if self._pins.get(ref) not in {each.id for each in history.snapshots if each.ready}:
                self._pins.pop(ref, None)
        for ref in gone:
            moved |= self._moments.take_in(ref, ()) & self.histories.keys()
            self._told.pop(ref, None)
            self.histories.pop(ref, None)
            self._pins.pop(ref, None)
        for ref in moved & self.histories.keys():
            self.histories[ref] = self._aligned(self._told[ref])
        self._times = None
        self._picks.clear()

    def _aligned(self, history: History) -> History:
        """With the parts of group snapshots where the group is."""
        if not any(each.group for each in history.snapshots):
            return history
        return History(history.vm, self._moments.aligned(history.snapshots))

    def pick(self, vm: VmRef) -> Pick:
        """What stands for the moment: a pinned one whatever the moment is."""
        known = self._picks.get(vm)
        if known is None:
            known = self._picks[vm] = self._pick(self.histories[vm])
        return known

    def picks(self) -> tuple[Pick, ...]:
        """Of all, in the order of the rows."""
        return tuple(self.pick(vm) for vm in self.histories)

    def _pick(self, history: History) -> Pick:
        pinned = self._pins.get(history.vm.ref)
        if pinned is None:
            return history.pick(self.moment, self.side)
        snapshot = next(each for each in history.snapshots if each.id == pinned)
        return Pick(history.vm, snapshot, snapshot.created - self.moment)

    def is_pinned(self, vm: VmRef) -> bool:
        """Whether its pick was chosen by hand."""
        return vm in self._pins

    def wrong(self, vm: VmRef) -> frozenset[str]:
        """The ids of its snapshots whose time cannot be right."""
        return self._wrong.get(vm, frozenset())

    # What is chosen

    def go_to(self, moment: datetime) -> None:
        """Choose a moment, and bring it into sight."""
        self.moment = moment.astimezone(UTC)
        self.scale = self.scale.showing(self.moment)
        self._picks.clear()

    @property
    def latest(self) -> datetime:
        """The last moment that makes sense: now, or the newest snapshot where a clock ran ahead."""
        times = self._all_times()
        return max(self.now, datetime.fromtimestamp(times[-1], UTC)) if times else self.now

    def step(self, cells: int) -> None:
        """Some cells on; never past now, since nothing is to be found there."""
        self.go_to(min(self.scale.time(self.scale.cell(self.moment) + cells), self.now))

    def jump(self, forward: int, vm: VmRef | None = None) -> bool:
        """To the next snapshot of a vm, or of any, later (1) or earlier (-1). Whether there was one."""
        times = self._all_times() if vm is None else [each.created.timestamp() for each in self.histories[vm].snapshots]
        at = self.moment.timestamp()
        place = bisect_right(times, at) if forward > 0 else bisect_left(times, at) - 1
        if not 0 <= place < len(times):
            return False
        self.go_to(datetime.fromtimestamp(times[place], UTC))
        return True

    def _all_times(self) -> list[float]:
        if self._times is None:
            self._times = sorted({at.created.timestamp() for each in self.histories.values() for at in each.snapshots})
        return self._times

    def turn(self) -> None:
        """The other side of the moment."""
        self.side = self.side.next
        self._picks.clear()

    def pin(self, vm: VmRef, snapshot: Snapshot | None = None) -> bool:
        """Keep a snapshot for a vm, what is picked now by default; pinned already, let it go. Whether that was done."""
        snapshot = snapshot or self.pick(vm).snapshot
        if snapshot is None or not snapshot.ready:
            return False
        if self._pins.get(vm) == snapshot.id:
            del self._pins[vm]
        else:
            self._pins[vm] = snapshot.id
        self._picks.pop(vm, None)
        return True

    def pin_beside(self, vm: VmRef, forward: int) -> bool:
        """Pin the snapshot before (-1) or after (1) what is picked for a vm now. Whether there is one.

        Where nothing is picked, it is the nearest one that way from the moment.
        """
        history, chosen = self.histories[vm], self.pick(vm).snapshot
        ready = [each for each in history.snapshots if each.ready]
        if chosen is None:
            beside = history.pick(self.moment, Side.AFTER if forward > 0 else Side.BEFORE).snapshot
        else:
            place = next(index for index, each in enumerate(ready) if each.id == chosen.id) + forward
            beside = ready[place] if 0 <= place < len(ready) else None
        if beside is None:
            return False
        self._pins[vm] = beside.id
        self._picks.pop(vm, None)
        return True

    # What is seen

    def resize(self, width: int) -> None:
        """So many cells."""
        self.scale = self.scale.resized(width).showing(self.moment)

    def zoom(self, steps: int, about: datetime | None = None) -> None:
        """Closer (1) or further away (-1), with a moment staying where it is: the chosen one, or what is in the middle
        where that is out of sight."""
        seen = 0 <= self.scale.cell(self.moment) < self.scale.width
        middle = self.scale.time(self.scale.width // 2)
        self.scale = self.scale.zoomed(_ZOOM**-steps, about or (self.moment if seen else middle))

    def pan(self, cells: int) -> None:
        """See what is some cells later."""
        self.scale = self.scale.moved(cells)

    def show_all(self) -> None:
        """All snapshots, the moment and now."""
        ends = [
            each.snapshots[place].created for each in self.histories.values() if each.snapshots for place in (0, -1)
        ]
        self.scale = around([*ends, self.moment], self.now, self.scale.width)
