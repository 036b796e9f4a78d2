"""A stretch of time laid out on the cells of a line: where a moment stands, and where its marks go. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORTEST, LONGEST = 60.0, 100 * 365.25 * 86_400
"""Seconds that a whole line may stand for."""
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1902, 2200))
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(each * _MINUTE for each in (1, 2, 5, 10, 15, 30)),
    *(each * _HOUR for each in (1, 2, 3, 6, 12)),
    *(each * _DAY for each in (1, 2, 7, 14)),
)
"""So close that a line of time never bears a single one."""
_ROUND = (1, 5, 10, 30, _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, _HOUR, 6 * _HOUR, _DAY)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600)
_MONTH = 30.44 * _DAY


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark at a round time (aware, in this machine's zone)."""

    cell: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Scale:
    """`width` cells that begin at `start` (seconds since 1970) and last `span` seconds together."""

    start: float
    span: float
    width: int

    @property
    def each(self) -> float:
        """Seconds that one cell stands for."""
        return self.span / max(1, self.width)

    def cell(self, at: datetime) -> int:
        """Where a moment stands; below 0 or from `width` on where it is out of sight."""
        return int((at.timestamp() - self.start) // self.each)

    def time(self, cell: int) -> datetime:
        """The roundest time within a cell, by this machine's wall clock."""
        begin = self.start + cell * self.each
        unit = max((each for each in _ROUND if each <= self.each), default=self.each)
        ahead = datetime.fromtimestamp(begin, UTC).astimezone().utcoffset() or timedelta()
        wall = begin + ahead.total_seconds()
        return datetime.fromtimestamp(-(-wall // unit) * unit - ahead.total_seconds(), UTC)

    def zoomed(self, factor: float, about: datetime) -> Scale:
        """As long as before times `factor`, with one moment staying where it is."""
        span = min(max(self.span * factor, SHORTEST), LONGEST)
        at = about.timestamp()
        return self._from(at - (at - self.start) * span / self.span, span)

    def moved(self, cells: int) -> Scale:
        """Some cells later."""
        return self._from(self.start + cells * self.each, self.span)

    def _from(self, start: float, span: float) -> Scale:
        """Within what a calendar can say."""
        return replace(self, start=min(max(start, _FIRST), _LAST - span), span=span)

    def resized(self, width: int) -> Scale:
        """The same stretch on another number of cells."""
        return replace(self, width=width)

    def showing(self, at: datetime) -> Scale:
        """The same length, moved just far enough that a moment is in sight."""
        cell = self.cell(at)
        if cell < 0:
            return self.moved(cell)
        return self.moved(cell - self.width + 1) if cell >= self.width else self

    def ticks(self, room: int) -> Iterator[Tick]:
        """Marks at what is a round time on this machine's wall clock, at least `room` cells apart."""
        wanted = room * self.each
        step = next((each for each in _STEPS if each >= wanted), None)
        times = self._by_months(wanted) if step is None else self._by_seconds(step)
        for at in times:
            cell = self.cell(at)
            if cell >= self.width:
                return
            if cell >= 0:
                yield Tick(cell, at)

    def _by_seconds(self, step: int) -> Iterator[datetime]:
        midnight = self._begin.replace(hour=0, minute=0, second=0, microsecond=0)
        if step >= 7 * _DAY:  # the first of all days was a Monday
            midnight -= timedelta(days=(midnight.toordinal() - 1) % (step // _DAY))
        elif step > _DAY:
            midnight -= timedelta(days=midnight.toordinal() % (step // _DAY))
        wall, last = midnight, float("-inf")
        while True:
            at = wall.astimezone()
            if at.timestamp() > last:  # where the clock is put back, the same is said twice
                yield at
                last = at.timestamp()
            wall += timedelta(seconds=step)

    def _by_months(self, wanted: float) -> Iterator[datetime]:
        step = next((each for each in _MONTHS if each * _MONTH >= wanted), _MONTHS[-1])
        month = (self._begin.year * 12 + self._begin.month - 1) // step * step
        while True:
            yield self._begin.replace(
                year=month // 12, month=month % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
            ).astimezone()
            month += step

    @property
    def _begin(self) -> datetime:
        """Where the line begins, as the clock on the wall says it: without a zone."""
        return datetime.fromtimestamp(self.start, UTC).astimezone().replace(tzinfo=None)


def around(times: Iterable[datetime], now: datetime, width: int) -> Scale:
    """A stretch that holds all these and now, with a little room at both ends."""
    seconds = [at.timestamp() for at in times] + [now.timestamp()]
    first, last = min(seconds), max(seconds)
    span = min(max((last - first) * 1.06, 3600.0), LONGEST)
    return Scale((first + last - span) / 2, span, max(1, width))
