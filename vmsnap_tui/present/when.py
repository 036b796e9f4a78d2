"""Moments as people type and read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmsnap_tui.model.moment import Pick

_PARTS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m"), (timedelta(seconds=1), "s"))


def parse(text: str, now: datetime) -> datetime:
    """The moment that is meant, aware, in this machine's zone: "2026-03-02 14:00", "yesterday noon", "last tuesday",
    "-3h". What names a day alone means its beginning, and "before …" means that too.

    Raises ValueError with what to do next.
    """
    import dateparser  # a tenth of a second

    words = text.strip().removeprefix("before ").strip()
    settings = {"RELATIVE_BASE": now.astimezone().replace(tzinfo=None), "PREFER_DATES_FROM": "past"}
    # English alone, so that the same words mean the same everywhere.
    found: datetime | None = dateparser.parse(words, languages=["en"], settings=settings)
    if found is None:
        raise ValueError(f'"{text}" is no time that is understood: try "2026-03-02 14:00", "yesterday noon" or "-3h"')
    found = found.astimezone()
    if found > now:
        raise ValueError(f"{full(found)} lies ahead: choose a moment that has been")
    return found


def full(at: datetime) -> str:
    """A moment with its zone: "2026-03-02 14:00:00 CET"."""
    local = at.astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def span(length: timedelta) -> str:
    """A length of time by its two largest parts: "3 h 12 m", "0 s"."""
    rest, words = abs(length), list[str]()
    for unit, letter in _PARTS:
        count, left = divmod(rest, unit)
        if count and len(words) < 2:
            words.append(f"{count} {letter}")
            rest = left
        elif words:
            break
    return " ".join(words) or "0 s"


def off(pick: Pick) -> str:
    """How far a pick is off the moment: "3 h 12 m before"."""
    if pick.off is None:
        return ""
    return f"{span(pick.off)} {'before' if pick.off < timedelta() else 'after'}" if pick.off else "exactly"
