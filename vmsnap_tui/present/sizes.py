"""Sizes, ages, rates and clocks as people read them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from humanize.filesize import naturalsize

if TYPE_CHECKING:
    from datetime import datetime

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_MONTH = 30.44 * _DAY
_YEAR = 365.25 * _DAY
_AGES = ((_YEAR, "y"), (_MONTH, "mo"), (_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m"))

AGE_WIDTH = 5
SIZE_WIDTH = 10


@lru_cache(4096)
def size(count: int | None) -> str:
    """Bytes as "1.2 GiB"; "" where it is not known."""
    if count is None:
        return ""
    return naturalsize(count, binary=True).replace(" Bytes", " B").replace(" Byte", " B")


def rate(per_second: float | None) -> str:
    """Bytes per second as "120.0 MiB/s"; "" where it is not known."""
    return "" if per_second is None else f"{size(int(per_second))}/s"


def age(since: datetime, now: datetime) -> str:
    """How long ago, in at most five cells: "now", "3 m", "11 mo"; "ahead" where the machine's clock runs ahead."""
    seconds = (now - since).total_seconds()
    if seconds < -_MINUTE:
        return "ahead"
    for unit, letter in _AGES:
        if seconds >= unit:
            return f"{int(seconds / unit)} {letter}"
    return "now"


def ago(since: datetime, now: datetime) -> str:
    """The same for a sentence: "3 d ago", "just now"."""
    words = age(since, now)
    return {"now": "just now", "ahead": "ahead of this machine's clock"}.get(words, f"{words} ago")


def looked(since: datetime, now: datetime) -> str:
    """How old something is that is renewed every few seconds: "8 s ago", "3 m ago"."""
    seconds = max(0, round((now - since).total_seconds()))
    return f"{seconds} s ago" if seconds < _MINUTE else ago(since, now)


def clock(seconds: float | None) -> str:
    """A duration as "0:42" or "1:02:03"; "" where it is not known."""
    if seconds is None:
        return ""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // _HOUR, whole % _HOUR // _MINUTE, whole % _MINUTE
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def left(seconds: float | None) -> str:
    """The time that a job still takes, as "0:42 left"; "" where it is not known."""
    return "" if seconds is None else f"{clock(seconds)} left"


def moment(at: datetime) -> str:
    """A point in time on this machine's own clock, to the second."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
