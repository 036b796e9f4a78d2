"""Where the steps of a group snapshot wait for each other, each in its own thread.

Nothing is frozen before all are ready, nothing is cut before all that can be frozen are, nothing is thawed before
all are cut. From the first freeze on a clock runs: when it is up, nobody waits for anybody any more.
"""

from __future__ import annotations

import time
from threading import Condition, Event
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vmsnap_tui.model.errors import Cancelled, Failed
from vmsnap_tui.model.together import Group, Hold, Stand, window_of

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK = 0.1  # seconds between two looks whether a step that waits is to stop
_NOTING = 2.0  # seconds beyond the limit that the end of the others is waited for, to know whether it was one moment


class Rendezvous:
    """All parts of one group snapshot. Made on the loop, used from the threads of the steps."""

    def __init__(self, id_: str, count: int, limit: float, opened: Callable[[], None] = lambda: None) -> None:
        """`count` parts are waited for. `opened` is called, in one of their threads, before any guest is frozen.

        It may raise OSError: then none is.
        """
        self.id = id_
        self.limit = limit
        self._opened = opened
        self._change = Condition()
        self._stands: dict[int, Stand] = {number: Stand() for number in range(count)}
        self._ready: set[int] = set()
        self._last: set[int] = set()
        self._began: float | None = None
        self._broken = ""
        self._noted: float | None = None
        self._is_noted = False
        self._free = list(range(count))

    def gate(self) -> Place:
        """The next part's place. Raises IndexError beyond `count`."""
        return Place(self, self._free.pop(0))

    @property
    def window(self) -> float | None:
        """Seconds in which the guests stood still together; None where it was not one moment, or is not over."""
        with self._change:
            return self._noted if self._is_noted else self._measured()

    @property
    def parts(self) -> int:
        """How many are still in it."""
        with self._change:
            return len(self._stands)

    # For the places

    def leave(self, number: int) -> None:
        """A part comes to nothing: nobody waits for it, and what the others are does not hang on it."""
        with self._change:
            if self._stands.get(number, Stand(over=0.0)).over is None:
                del self._stands[number]
                self._ready.discard(number)
                self._open()
                self._change.notify_all()

    def ready(self, number: int, stop: Event) -> None:
        """Wait until all are. Raises Cancelled, and Failed where nobody would look after frozen guests."""
        with self._change:
            self._ready.add(number)
            self._open()
            self._change.notify_all()
            while self._began is None:
                if self._broken:
                    raise Failed(f"the watchdog is gone ({self._broken}), and nothing was frozen", "try it again")
                self._change.wait(_LOOK)
                if stop.is_set() and self._began is None:
                    self._ready.discard(number)
                    raise Cancelled("it was stopped before anything was frozen")

    def mark(self, number: int, stage: str, hold: Hold = Hold.TORN, *, patience: float = 0.0) -> None:
        """Note that a part has come to a stage, and wait until all have, or the time and `patience` are up."""
        with self._change:
            now = self._stands.get(number)
            if now is None:  # its job was given up while it was at work
                return
            self._stands[number] = replace(now, **{stage: time.monotonic(), "hold": hold})
            self._change.notify_all()
            until = (self._began or 0.0) + self.limit + patience
            while not self._all_at(stage) and (left := until - time.monotonic()) > 0:
                self._change.wait(left)
            if (now := self._stands.get(number)) is None:
                return
            if stage == "cut":
                self._stands[number] = replace(now, free=time.monotonic())
            elif stage == "still" and not self._all_at(stage):
                self._stands[number] = replace(now, early=True)

    def verdict(self, number: int) -> Group:
        """What is noted with a part. What the first one was told holds for all: one that is still not over then
        cannot make it another one.
        """
        with self._change:
            if number not in self._stands:  # nobody has waited for it
                return Group(self.id)
            if not self._is_noted:
                self._noted, self._is_noted = self._measured(), True
            return Group(self.id, self._noted)

    def _measured(self) -> float | None:
        window = None if self._began is None else window_of(tuple(self._stands.values()), self._began)
        return None if window is None else round(window, 3)  # as it is kept

    def last(self, number: int) -> None:
        """Wait until all others are cut but those that come last too, or the time is up."""
        with self._change:
            self._last.add(number)
            self._change.notify_all()
            until = (self._began or 0.0) + self.limit
            while not self._others_cut() and (left := until - time.monotonic()) > 0:
                self._change.wait(left)
            if now := self._stands.get(number):
                self._stands[number] = replace(now, last=time.monotonic())

    def _others_cut(self) -> bool:
        return all(each.cut is not None for number, each in self._stands.items() if number not in self._last)

    def _all_at(self, stage: str) -> bool:
        return all(getattr(each, stage) is not None for each in self._stands.values())

    def _open(self) -> None:
        """Begin, where all that are left are ready."""
        if self._began is None and not self._broken and self._stands and self._ready >= self._stands.keys():
            try:
                self._opened()
            except OSError as error:
                self._broken = str(error)
            else:
                self._began = time.monotonic()


class Place:
    """One part's gate. `bind` gives it the sign that stops its step."""

    def __init__(self, rendezvous: Rendezvous, number: int) -> None:
        self._all = rendezvous
        self._number = number
        self._stop = Event()
        self.limit = rendezvous.limit

    def bind(self, stop: Event) -> None:
        """Whoever stops its step by this takes it out of the wait for the others."""
        self._stop = stop

    def leave(self) -> None:
        """Its step has ended, well or badly."""
        self._all.leave(self._number)

    def ready(self) -> None:
        """As the gate has it."""
        self._all.ready(self._number, self._stop)

    def still(self) -> None:
        """As the gate has it."""
        self._all.mark(self._number, "still")

    def last(self) -> None:
        """As the gate has it."""
        self._all.last(self._number)

    def cut(self) -> None:
        """As the gate has it."""
        self._all.mark(self._number, "cut")

    def over(self, hold: Hold) -> Group | None:
        """As the gate has it."""
        self._all.mark(self._number, "over", hold, patience=_NOTING)
        return self._all.verdict(self._number)
