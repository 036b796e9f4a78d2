"""A vm of a lab as a card: how it is, where it stands, how far it is from its baseline, what is being done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import set_cell_size

from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.graph import Piece, cut
from vmsnap_tui.present.marks import mark

if TYPE_CHECKING:
    from datetime import datetime

    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.lab import Seat
    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.present.graph import Line

HEIGHT = 6
"""Lines of a card with its frame."""
_CORNERS = tuple("+-+|+-+" if marks.PLAIN else "╭─╮│╰─╯")
_DONE, _OPEN = ("#", ".") if marks.PLAIN else ("━", "─")


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says. `fraction` and `doing` are of what runs on the vm, None and "" where nothing does."""

    seat: Seat
    now: datetime
    freeze: Freeze | None = None
    fraction: float | None = None
    doing: str = ""
    trouble: bool = False

    @property
    def vm(self) -> VmRef:
        """Whose it is."""
        return self.seat.vm.ref


def card(of: Card, width: int, frame: str, *, marked: bool = False) -> tuple[Line, ...]:
    """Its lines, each `width` cells wide; `frame` is the style of the frame."""
    top_left, across, top_right, side, low_left, _, low_right = _CORNERS
    room = max(1, width - 4)
    name = cut(clean(of.seat.vm.name), max(1, room - 3))
    sign = f" {marks.MARKED.glyph}" if marked else ""
    title = f" {name}{sign} "
    rule = across * max(0, width - 3 - len(title))
    lines = [(Piece(top_left + across, frame), Piece(title, "foreground"), Piece(rule + top_right, frame))]
    for text, style in (_state(of), _place(of), _drift(of), _doing(of, room)):
        inside = set_cell_size(cut(text, room), room)
        lines.append((Piece(f"{side} ", frame), Piece(inside, style), Piece(f" {side}", frame)))
    lines.append((Piece(low_left + across * max(0, width - 2) + low_right, frame), Piece("", frame), Piece("", frame)))
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
    seat = of.seat
    if seat.baseline is None:
        return "", "foreground-muted"
    shown = mark(marks.Flag.PROTECTED).glyph if seat.baseline.protected else ""
    age = sizes.age(seat.baseline.created, of.now)
    if seat.is_off_baseline and seat.here is not None:
        return f"drifts since {sizes.age(seat.here.created, of.now)} {shown}".rstrip(), "foreground-muted"
    return f"baseline of {age} {shown}".rstrip(), "foreground-muted"


def _doing(of: Card, room: int) -> tuple[str, str]:
    if of.fraction is None:
        return of.doing, "error" if of.trouble else "foreground-muted"
    bar = max(4, min(10, room // 3))
    full = round(of.fraction * bar)
    return f"{_DONE * full}{_OPEN * (bar - full)} {of.doing}", "accent"
