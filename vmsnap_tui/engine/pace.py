"""How fast a step goes, and how long it will still take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmsnap_tui.model.progress import Progress

_MEMORY = 3.0
"""Seconds over which the rate is smoothed."""
_SHORTEST = 0.1
"""Seconds between two samples below which their difference says little."""


class Pace:
    """The smoothed rate of one step's progress. It begins anew with each phase."""

    def __init__(self) -> None:
        self.rate: float | None = None
        """Bytes per second."""
        self.left: float | None = None
        """Seconds."""
        self._phase = ""
        self._total: int | None = None
        self._done = 0
        self._at: float | None = None

    def note(self, progress: Progress, now: float) -> None:
        """Take in progress that was seen at `now` (seconds of a steady clock)."""
        done = progress.done
        if done is None:
            self.rate = self.left = self._at = None
            return
        if self._at is None or done < self._done or (progress.phase, progress.total) != (self._phase, self._total):
            self.rate = self.left = None
            self._phase, self._total, self._done, self._at = progress.phase, progress.total, done, now
            return
        passed = now - self._at
        if passed >= _SHORTEST:
            latest = (done - self._done) / passed
            weight = 1 - math.exp(-passed / _MEMORY)
            self.rate = latest if self.rate is None else self.rate + weight * (latest - self.rate)
            self._done, self._at = done, now
        if self.rate and progress.total:
            self.left = max(0, progress.total - done) / self.rate
