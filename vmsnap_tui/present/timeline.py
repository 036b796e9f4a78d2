"""A timeline as lines of text: the axis above, and for each vm its snapshots with what a moment picks of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from rich.cells import set_cell_size

from vmsnap_tui.model.moment import is_group, spread
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, when
from vmsnap_tui.present.graph import Piece, cut
from vmsnap_tui.present.marks import mark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vmsnap_tui.model.moment import History, Pick, Side
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.model.timescale import Scale, Tick
    from vmsnap_tui.model.together import Group
    from vmsnap_tui.present.graph import Line

MOMENT = "|" if marks.PLAIN else "┃"
_RAIL, _REACH, _NOW, _TICK = "-=:'" if marks.PLAIN else "─━┊╷"
_EARLIER, _LATER = "<>" if marks.PLAIN else "◂▸"
"""Where the moment is, when it is out of sight."""
_EMPTY = {" ", _RAIL, _NOW}
_LABEL, _SHORT_LABEL = 12, 9
"""Cells from one label of the axis to the next at least: of any, and of short ones."""
_OFF = 12
_WORTH = 12
_LOST = 4
_NAMED = 3
_DAY = timedelta(days=1)
SIDES = {"before": "latest at or before", "after": "first at or after", "nearest": "nearest"}
"""How a side is called, by `Side.value`."""


@dataclass(frozen=True, slots=True)
class Columns:
    """How `width` cells are shared: name and site, the line of time, then what is picked."""

    name: int
    site: int
    line: int
    pick: int
    off: int
    worth: int
    lost: int


def columns(width: int, names: int, sites: int) -> Columns:
    """For names and sites that are so long. In a narrow place the site goes, then the pick's name and word."""
    wide = width >= 100
    name = min(names, 22 if wide else 14)
    site = min(sites, 12) if width >= 116 else 0
    pick = 18 if wide else 0
    worth = _WORTH if wide else 1
    taken = name + 1 + (site + 1 if site else 0) + 1 + (pick + 1 if pick else 0) + _OFF + 1 + worth + 1 + _LOST
    return Columns(name, site, max(10, width - taken), pick, _OFF, worth, _LOST)


def left_of(shown: Columns) -> int:
    """Cells before the line of time."""
    return shown.name + 1 + (shown.site + 1 if shown.site else 0)


def axis(scale: Scale, moment: datetime, now: datetime) -> tuple[Line, Line]:
    """Two lines: days or years above, round times below, and the moment between them, or an arrow towards it.

    A label that now or the moment would cut through is left out.
    """
    upper, lower = Row(scale.width), Row(scale.width)
    today, here = scale.cell(now), scale.cell(moment)
    seen = min(max(here, 0), scale.width - 1)
    ticks = _ticks(scale)
    step = (ticks[1].at - ticks[0].at) if len(ticks) > 1 else timedelta(seconds=scale.span)
    said = ""
    for tick in ticks:
        above, below = _labels(tick.at, step)
        room = scale.width - tick.cell
        is_whole = len(below) < room and not 0 < seen - tick.cell <= len(below)
        lower.write(tick.cell, _TICK + below if is_whole else _TICK, "foreground-muted")
        if above != said and len(above) <= room and not 0 <= today - tick.cell < len(above):
            upper.write(tick.cell, above, "secondary")
            said = above
    upper.write(today, marks.NOW.glyph, marks.NOW.style)
    lower.write(seen, MOMENT if seen == here else _EARLIER if here < 0 else _LATER, "accent")
    return upper.line(), lower.line()


def _ticks(scale: Scale) -> list[Tick]:
    """As close as their labels allow."""
    ticks = list(scale.ticks(_LABEL))
    closer = list(scale.ticks(_SHORT_LABEL))
    steps = [after.at - before.at for before, after in pairwise(closer)]
    fits = all(len(_labels(each.at, min(steps))[1]) + 2 < _SHORT_LABEL for each in closer) if steps else False
    return closer if fits else ticks


def _labels(at: datetime, step: timedelta) -> tuple[str, str]:
    if step < timedelta(minutes=1):
        return f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}"
    if step < _DAY * 0.9:
        return f"{at:%Y-%m-%d}", f"{at:%H:%M}"
    if step < 27 * _DAY:
        return f"{at:%B %Y}", f"{at:%a %d}"
    if step < 360 * _DAY:
        return f"{at:%Y}", f"{at:%b}"
    return "", f"{at:%Y}"


class Row:
    """Cells that are written over one another; what comes later stays."""

    def __init__(self, width: int) -> None:
        self._chars = [" "] * width
        self._styles = ["foreground-muted"] * width

    def write(self, at: int, text: str, style: str) -> None:
        """`text` has one cell a character; what has no place is left out."""
        begin, end = max(0, at), min(at + len(text), len(self._chars))
        if begin < end:
            self._chars[begin:end] = text[begin - at : end - at]
            self._styles[begin:end] = [style] * (end - begin)

    def fill(self, low: int, high: int, char: str, style: str) -> None:
        """The same character over whatever is no snapshot."""
        for at in range(max(0, low), min(high, len(self._chars))):
            if self._chars[at] in _EMPTY:
                self._chars[at], self._styles[at] = char, style

    def copy(self) -> Row:
        """Another one with the same cells."""
        other = Row(0)
        other._chars, other._styles = self._chars.copy(), self._styles.copy()
        return other

    def line(self) -> Line:
        """Neighbours of one style as one piece."""
        pieces, begin = [], 0
        for style, group in groupby(self._styles):
            end = begin + len(tuple(group))
            pieces.append(Piece("".join(self._chars[begin:end]), style))
            begin = end
        return tuple(pieces)


def rail(history: History, scale: Scale, now: datetime) -> Row:
    """The snapshots of a vm on the line of time, whatever the moment is."""
    row = Row(scale.width)
    begin = max(0, scale.cell(history.snapshots[0].created)) if history.snapshots else scale.width
    today = scale.cell(now)
    row.write(begin, _RAIL * max(0, min(today, scale.width) - begin), "border-blurred")
    row.write(today, _NOW, "foreground-muted")
    for snapshot in history.snapshots:
        shown = mark(snapshot.consistency)
        row.write(scale.cell(snapshot.created), shown.glyph, shown.style if snapshot.ready else "foreground-muted")
    return row


def track(on: Row, scale: Scale, chosen: Pick, moment: datetime, *, pinned: bool) -> Line:
    """A vm's rail with the moment; from the snapshot that is picked a line leads there."""
    row, here = on.copy(), scale.cell(moment)
    if chosen.snapshot is None:
        row.fill(here, here + 1, MOMENT, "accent")
        return row.line()
    place = scale.cell(chosen.snapshot.created)
    row.fill(here, here + 1, MOMENT, "accent")
    row.fill(min(place, here), max(place, here), _REACH, "secondary" if pinned else "accent")
    shown = mark(chosen.snapshot.consistency)
    row.write(place, shown.glyph, shown.style)
    return row.line()


def line(
    shown: Columns,
    history: History,
    scale: Scale,
    chosen: Pick,
    moment: datetime,
    on: Row,
    *,
    pinned: bool = False,
    wrong: frozenset[str] = frozenset(),
    lost: Line = (),
) -> Line:
    """One vm; `on` is its `rail`. `wrong` are its snapshots whose time cannot be right, `lost` what `losses` says."""
    vm, snapshot = history.vm, chosen.snapshot
    flag = Piece(marks.CAUTION.glyph if wrong else " ", "warning")
    pieces = [Piece(_fit(clean(vm.name), shown.name), "foreground"), flag]
    if shown.site:
        pieces.append(Piece(_fit(vm.ref.site, shown.site) + " ", "foreground-muted"))
    pieces += track(on, scale, chosen, moment, pinned=pinned)
    pieces.append(Piece(" ", "foreground"))
    if snapshot is None:
        words = "no snapshot that fits" if history.snapshots else "no snapshots"
        room = (shown.pick + 1 if shown.pick else 0) + shown.off + 1 + shown.worth + 1 + shown.lost
        pieces.append(Piece(cut(f"{marks.CAUTION.glyph} {words}", room), "warning"))
        return tuple(pieces)
    if shown.pick:
        sign = f"{marks.PINNED.glyph} " if pinned else ""
        name = _fit(sign + clean(snapshot.name), shown.pick) + " "
        pieces.append(Piece(name, marks.PINNED.style if pinned else "foreground"))
    is_wrong = snapshot.id in wrong
    sign = "pinned" if pinned and not shown.pick else brief_off(chosen)
    doubt = f"{marks.CAUTION.glyph} " if is_wrong else ""
    off = cut(doubt + sign, shown.off).rjust(shown.off) + " "
    pieces.append(Piece(off, "warning" if is_wrong else "foreground-muted"))
    worth = mark(snapshot.consistency)
    words = worth.text.ljust(shown.worth) if shown.worth > 1 else worth.glyph
    return (*pieces, Piece(words + " ", worth.style), *lost)


def losses(plan: Plan) -> Line:
    """What a plan would lose, a sign for each kind; whether it is refused, or loses nothing."""
    if plan.refusals:
        return (Piece(marks.REFUSED.glyph, marks.REFUSED.style),)
    kinds = dict.fromkeys(loss.kind for loss in plan.losses)
    if not kinds:
        return (Piece(marks.READY.glyph, marks.READY.style),)
    return tuple(Piece(mark(kind).glyph, mark(kind).style) for kind in list(kinds)[:_LOST])


def heading(shown: Columns, rows: tuple[Line, Line]) -> tuple[Line, Line]:
    """The axis with room for the columns beside it, which are named on its second line."""
    before = " " * left_of(shown)
    names = Piece("VM".ljust(shown.name + 1), "foreground-muted")
    site = Piece("SITE".ljust(shown.site + 1) if shown.site else "", "foreground-muted")
    pick = Piece(" " + ("PICK".ljust(shown.pick + 1) if shown.pick else ""), "foreground-muted")
    worth = "WORTH".ljust(shown.worth) if shown.worth > 1 else " "
    off = Piece(f"{'OFF'.rjust(shown.off)} {worth} LOST", "foreground-muted")
    return (Piece(before, "foreground-muted"), *rows[0]), (names, site, *rows[1], pick, off)


def brief_off(chosen: Pick) -> str:
    """How far a pick is off: "−3 h 12 m", "+2 d 1 h", "exactly"."""
    if not chosen.off:
        return "" if chosen.off is None else "exactly"
    sign = "+" if chosen.off > timedelta() else "-" if marks.PLAIN else "−"
    return sign + when.span(chosen.off)


def clock_words(names: Sequence[str]) -> str:
    """What is wrong with the times of these snapshots of a vm."""
    said = ", ".join(f"“{name}”" for name in names[:_NAMED]) + (
        f" and {len(names) - _NAMED} more" * (len(names) > _NAMED)
    )
    lie = "lies" if len(names) == 1 else "lie"
    return (
        f"{marks.CAUTION.glyph} a clock was wrong: {said} {lie} ahead of now, or before the snapshot it was made from"
    )


def summary(picks: Sequence[Pick], side: Side, wrong: int) -> Line:
    """How many have one, how far apart these are, and which clocks cannot be right."""
    found = sum(each.snapshot is not None for each in picks)
    width = spread(picks)
    pieces = [
        Piece(f"{SIDES[side.value]}  ", "foreground-muted"),
        Piece(f"{found} of {len(picks)} VMs", "foreground" if found == len(picks) else "warning"),
        Piece(" have a snapshot for it", "foreground-muted"),
    ]
    if is_group(picks) and found > 1:
        shown = mark(marks.Flag.GROUP)
        pieces += [Piece("  ·  ", "foreground-muted"), Piece(f"{shown.glyph} one moment", "success")]
    elif width is not None and found > 1:
        pieces += [
            Piece("  ·  spread ", "foreground-muted"),
            Piece(when.span(width), "success" if width <= timedelta(minutes=1) else "warning"),
        ]
    if wrong:
        pieces += [Piece(f"  ·  {marks.CAUTION.glyph} wrong clock: {wrong} VM{'s' * (wrong != 1)}", "warning")]
    return tuple(pieces)


def group_words(group: Group, picks: Sequence[Pick]) -> tuple[str, str]:
    """What there is to say of a pick that is a part of a group snapshot, and its style."""
    same = sum(each.snapshot is not None and each.snapshot.group == group for each in picks)
    if not group.is_one_moment:
        shown = mark(marks.Flag.SCATTERED)
        return f"{shown.glyph} Taken with others, but not at one moment: together as after a power cut.", shown.style
    shown = mark(marks.Flag.GROUP)
    return (
        f"{shown.glyph} Taken as one moment with others; {same} of the {len(picks)} VMs here go back to it.",
        shown.style,
    )


def _fit(text: str, width: int) -> str:
    """In exactly so many cells."""
    return set_cell_size(cut(text, width), width)
