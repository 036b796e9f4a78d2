"""Moments as people type and read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmsnap_tui.model.moment import Pick

_PARTS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m"), (timedelta(seconds=1), "s"))


_EXAMPLES = 'try "2026-03-02 14:00", "yesterday noon" or "-3h"'
_EPOCH = 1970
_MONTHS = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_NUMBER = re.compile(r"(\d{1,3}|[-+]\d+)([.,]\d+)?")
_RECKONED = re.compile(r"(?<!\bday) (before|after) |\bday (before|after) (?!yesterday|tomorrow)", re.IGNORECASE)
"""An hour before noon: of this the library would take the noon alone."""
_EITHER_WAY = re.compile(r"(\d{1,2})[/-](\d{1,2})\b(?![-/]\d{1,2}\b)")
_FULLER = (
    (re.compile(r"(\d{4})"), r"\1-01-01 00:00"),
    (re.compile(rf"(?P<month>{_MONTHS})\.?(?P<year> \d{{4}})?"), r"1 \g<month>\g<year> 00:00"),
    (re.compile(rf"(?P<year>\d{{4}})[- ](?P<month>{_MONTHS}|\d\d?)"), r"1 \g<month> \g<year> 00:00"),
    (re.compile(r"(today|yesterday|(the )?day before yesterday)"), r"\1 00:00"),
    (re.compile(r"(.*\d) ?w"), r"\1 weeks"),
)
"""What the library reads as the hour of now on that day, in that month or year, or not at all."""


def parse(text: str, now: datetime) -> datetime:
    """The moment that is meant, aware, in this machine's zone: "2026-03-02 14:00", "yesterday noon", "last tuesday",
    "-3h". What names a day, a month or a year alone means its beginning, and "before …" means that too.

    Raises ValueError with what to do next. What can be read in two ways is not guessed at: much may hang on it.
    """
    import dateparser  # a tenth of a second

    words = re.sub(r"^before\b", "", " ".join(text.split()), flags=re.IGNORECASE).strip()
    if _NUMBER.fullmatch(words):
        raise ValueError(f'"{text}" is a number alone: write "-3h" for hours, "-3d" for days, or "14:00"')
    either = _EITHER_WAY.match(words)
    if either and either[1] != either[2] and max(int(either[1]), int(either[2])) <= 12:
        raise ValueError(f'"{text}" can be read in two ways: begin with the year, as in "2026-03-02"')
    for short, fuller in _FULLER:
        if found_short := short.fullmatch(words.lower()):
            words = found_short.expand(fuller)
    settings = {
        "RELATIVE_BASE": now.astimezone().replace(tzinfo=None),
        "PREFER_DATES_FROM": "past",
        "DATE_ORDER": "DMY",
    }
    try:
        # English alone, so that the same words mean the same everywhere.
        found: datetime | None = dateparser.parse(words, languages=["en"], settings=settings)
        found = found and found.astimezone()
    except (ValueError, OverflowError):  # a year that no calendar has
        found = None
    is_back = words.startswith("-")
    if found is None or found.year < _EPOCH or _RECKONED.search(words) or (is_back and found > now):
        raise ValueError(f'"{text}" is no time that is understood: {_EXAMPLES}')
    if found > now:
        raise ValueError(f"{full(found)} lies ahead: choose a moment that has been")
    return found


def warm_up() -> None:
    """Have the library at hand before somebody waits for it."""
    parse("now", datetime.now().astimezone())


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
