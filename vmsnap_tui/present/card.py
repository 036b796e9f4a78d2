"""A vm of a lab as a card: how it is, where it stands, how far it is from its baseline, what is being done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes, when
from vmsnap_tui.present.graph import Piece, cut
from vmsnap_tui.present.marks import mark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.lab import Lab, Seat
    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.present.graph import Line

HEIGHT = 6
"""Lines of a card with its frame."""
_CORNERS = tuple("+-+|+-+" if marks.PLAIN else "╭─╮│╰─╯")
_DONE, _OPEN = ("#", ".") if marks.PLAIN else ("━", "─")
_LESS, _BEYOND = ("<", ">") if marks.PLAIN else ("‹", "›")
"""Before how many more labs there are to the left and to the right."""
_MORE, _LAB_NAME = 5, 63
_AT_MOST = "<=" if marks.PLAIN else "≤"


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says. `fraction` and `doing` are of what runs on the vm, None and "" where nothing does.

    `written` is the most that was written since the baseline, in bytes, None where that is not known.
    """

    seat: Seat
    now: datetime
    freeze: Freeze | None = None
    fraction: float | None = None
    doing: str = ""
    trouble: bool = False
    written: int | None = None

    @property
    def vm(self) -> VmRef:
        """Whose it is."""
        return self.seat.vm.ref


def lab_names(names: Sequence[str], here: int, width: int) -> Line:
    """As many names of labs as there is room for, the chosen one among them, and how many more there are."""
    shown = [clean(name, limit=_LAB_NAME) for name in names]
    first, last, room = here, here + 1, width - cell_len(shown[here]) - 2 - 2 * _MORE
    while True:
        # To the right first: so the beginning stays as long as it can.
        if last < len(shown) and (need := cell_len(shown[last]) + 3) <= room:
            last += 1
        elif first and (need := cell_len(shown[first - 1]) + 3) <= room:
            first -= 1
        else:
            break
        room -= need
    pieces = [Piece(f" {_LESS}{first}" if first else "", "foreground-muted")]
    for index in range(first, last):
        pieces += [
            Piece(f" {shown[index]} ", "accent" if index == here else "foreground-muted"),
            Piece(" ", "foreground"),
        ]
    more = len(shown) - last
    return (*pieces, Piece(f"{_BEYOND}{more}" if more else "", "foreground-muted"))


def unseen_words(sites: Sequence[str]) -> str:
    """What a lab may lack while these do not answer, "" where all do."""
    return f"unknown what is on {', '.join(map(clean, sites))}: no answer" if sites else ""


def none_fits(lab: Lab) -> str:
    """Which names of a lab's rule stand for nothing, "" where all do."""
    return f"no vm fits {', '.join(clean(each) for each in lab.unmet)}" if lab.unmet else ""


def card(of: Card, width: int, frame: str, *, marked: bool = False) -> tuple[Line, ...]:
    """Its lines, each `width` cells wide; `frame` is the style of the frame, whose foot is the bar of what runs."""
    top_left, across, top_right, side, low_left, _, low_right = _CORNERS
    room = max(1, width - 4)
    name = cut(clean(of.seat.vm.name), max(1, room - 3))
    sign = f" {marks.MARKED.glyph}" if marked else ""
    title = f" {name}{sign} "
    rule = across * max(0, width - 3 - cell_len(title))
    lines = [(Piece(top_left + across, frame), Piece(title, "foreground"), Piece(rule + top_right, frame))]
    for text, style in (_state(of), _place(of), _drift(of), _last(of)):
        inside = set_cell_size(cut(text, room), room)
        lines.append((Piece(f"{side} ", frame), Piece(inside, style), Piece(f" {side}", frame)))
    foot = max(0, width - 2)
    full = round(of.fraction * foot) if of.fraction is not None else 0
    rest = _OPEN if of.fraction is not None else across
    lines.append(
        (
            Piece(low_left, frame),
            Piece(_DONE * full, "accent"),
            Piece(rest * (foot - full) + low_right, frame),
        )
    )
    return tuple(lines)


def _state(of: Card) -> tuple[str, str]:
    vm = of.seat.vm
    if of.freeze is not None:
        shown = mark(of.freeze.state)
        return f"{mark(vm.state).text}  {shown.text}", shown.style
    agent = f"  {mark(vm.agent).glyph} agent" if vm.state.is_active else ""
    return f"{mark(vm.state).text}{agent}", mark(vm.state).style


def _place(of: Card) -> tuple[str, str]:
    seat = of.seat
    if not seat.known:
        return "reading its snapshots…", "foreground-muted"
    if seat.baseline is None:
        return f"{marks.CAUTION.glyph} no baseline yet", "warning"
    if seat.here is None:
        return f"{marks.CAUTION.glyph} at none of its snapshots", "warning"
    if seat.is_off_baseline:
        return f"{marks.CAUTION.glyph} at {clean(seat.here.name)}", "warning"
    return f"{marks.mark(marks.Flag.BASELINE).glyph} at {clean(seat.here.name)}", "success"


def _drift(of: Card) -> tuple[str, str]:
    """Since when it is away from its baseline, and how much was written since, as far as that is known."""
    seat = of.seat
    if seat.baseline is None:
        return "", "foreground-muted"
    amount = f"{_AT_MOST} {sizes.size(of.written)}" if of.written is not None else ""
    written = f"{amount} written" if amount else ""
    if seat.left is not None:
        since = sizes.age(seat.left, of.now)
        return f"drift {since}, {amount}" if amount else f"drifts for {since}", "foreground-muted"
    if seat.is_off_baseline:
        return written or "drifts, nobody knows since when", "foreground-muted"
    return written or "no drift known", "foreground-muted"


def _last(of: Card) -> tuple[str, str]:
    """What is being done, or came of it; else what it is reset to."""
    if of.doing:
        percent = f"{of.fraction:.0%} " if of.fraction else ""
        style = "error" if of.trouble else "foreground-muted" if of.fraction is None else "accent"
        return percent + of.doing, style
    base = of.seat.baseline
    if base is None:
        return "", "foreground-muted"
    shield = mark(marks.Flag.PROTECTED).text if base.protected else f"{marks.CAUTION.glyph} unprotected"
    return f"base {sizes.age(base.created, of.now)}  {shield}", "foreground-muted" if base.protected else "warning"


def sentence(of: Card) -> Line:
    """All that is to say of one, on a line that is as long as it needs to be."""
    seat, base = of.seat, of.seat.baseline
    pieces = [Piece(f" {clean(seat.vm.name)}", "foreground"), Piece(f"  {seat.vm.ref.site}", "foreground-muted")]
    if base is not None:
        worth = mark(base.consistency)
        named = f"  baseline “{clean(base.name)}” of {when.full(base.created)}  "
        pieces += [Piece(named, "foreground-muted"), Piece(worth.text, worth.style)]
    if of.doing:
        style = "error" if of.trouble else "accent" if of.fraction is not None else "success"
        pieces.append(Piece(f"  {clean(of.doing)}", style))
    return tuple(pieces)
