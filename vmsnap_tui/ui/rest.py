"""Waits for a cursor to rest, before what it stands on is shown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.message_pump import MessagePump
    from textual.timer import Timer

ROW = 0.2
"""Seconds that a cursor has to rest after one of several moves in a row."""


class Rest:
    """Does something once a cursor rests: `soon` seconds after one move, later after one of several in a row.

    What was painted for a place on the way would make the next key wait, and that for up to two frames of Textual's.
    """

    def __init__(self, owner: MessagePump, do: Callable[[], None], *, soon: float = 0.0) -> None:
        self._owner = owner
        self._do = do
        self._soon = soon
        self._moved = float("-inf")
        self._timer: Timer | None = None

    @property
    def waits(self) -> bool:
        """Whether there is something to do yet."""
        return self._timer is not None

    def moved(self) -> None:
        """The cursor has moved."""
        now = time.monotonic()
        is_row, self._moved = now - self._moved < ROW, now
        self.drop()
        if pause := max(self._soon, ROW if is_row else 0.0):
            self._timer = self._owner.set_timer(pause, self.over)
        else:
            self._do()

    def over(self) -> None:
        """Do at once what waits, if anything does."""
        if self._timer is not None:
            self.drop()
            self._do()

    def drop(self) -> None:
        """It is done already, or not wanted any more."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
