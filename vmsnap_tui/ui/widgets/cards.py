"""The vms of a lab as cards in a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import clamp
from textual.message import Message
from textual.strip import Strip

from vmsnap_tui.present.card import HEIGHT, card
from vmsnap_tui.present.graph import Piece, exactly
from vmsnap_tui.ui.widgets.ink import InkedView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.present.card import Card

_WIDTH = 29
"""Cells of a card at least, its frame and a gap included."""


class CardsView(InkedView, can_focus=True):
    """It is told what is known, keeps the cursor by id and the marks, and posts what is chosen."""

    DEFAULT_CSS = """
    CardsView { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1, 0)", "Left", id="cards.left", show=False, tooltip="The card to the left"),
        Binding("right,l", "move(1, 0)", "Right", id="cards.right", show=False, tooltip="The card to the right"),
        Binding("up,k", "move(0, -1)", "Up", id="list.up", show=False, tooltip="One line up"),
        Binding("down,j", "move(0, 1)", "Down", id="list.down", show=False, tooltip="One line down"),
        Binding("home,g", "edge(-1)", "Top", id="list.top", show=False, tooltip="To the first line"),
        Binding("end,G", "edge(1)", "Bottom", id="list.bottom", show=False, tooltip="To the last line"),
        Binding("space", "mark", "Mark", id="cards.mark", tooltip="Mark a vm of the lab"),
    ]

    @dataclass
    class Highlighted(Message):
        """The cursor stands on this vm now."""

        vm: VmRef

    @dataclass
    class Marked(Message):
        """These are marked now."""

        vms: frozenset[VmRef]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id, classes=classes)
        self._cards: Sequence[Card] = ()
        self._words: tuple[tuple[str, str], ...] = ()
        self._at = 0
        self.marked: frozenset[VmRef] = frozenset()

    @property
    def vm(self) -> VmRef | None:
        """The one under the cursor."""
        return self._cards[self._at].vm if self._at < len(self._cards) else None

    def show(self, cards: Sequence[Card], words: Sequence[tuple[str, str]] = ()) -> None:
        """Show these; `words`, each with a style, where there are none."""
        here = self.vm
        self._cards, self._words = cards, tuple(words)
        self._at = next((index for index, each in enumerate(cards) if each.vm == here), min(self._at, len(cards)))
        self.marked &= {each.vm for each in cards}
        self._fit()
        self.refresh()

    @property
    def _across(self) -> int:
        return max(1, self.size.width // _WIDTH)

    def _fit(self) -> None:
        self.set_lines(-(-len(self._cards) // self._across) * HEIGHT)

    def on_resize(self) -> None:
        """More or fewer beside each other."""
        self._fit()
        self._into_sight()

    def watch_has_focus(self, _has_focus: bool) -> None:
        """The cursor looks different."""
        super().watch_has_focus(_has_focus)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line through a row of cards."""
        row, line = divmod(self.scroll_offset.y + y, HEIGHT)
        if not self._cards:
            said = self._words[y : y + 1]
            return self.strip([Piece("  " + text, style) for text, style in said], self.rich_style)
        width = self.size.width // self._across
        strips = []
        for index in range(row * self._across, min((row + 1) * self._across, len(self._cards))):
            each = self._cards[index]
            is_here = index == self._at
            frame = "accent" if is_here and self.has_focus else "foreground" if is_here else "border-blurred"
            pieces = card(each, width - 1, frame, marked=each.vm in self.marked)[line]
            strip = self.strip(exactly((*pieces, Piece(" ", "foreground")), width), self.rich_style)
            strips.append(strip.crop(0, width))
        return Strip.join(strips).adjust_cell_length(self.size.width, self.rich_style)

    def action_move(self, across: int, down: int) -> None:
        """To another card."""
        self._go(self._at + across + down * self._across)

    def action_edge(self, towards: int) -> None:
        """To the first or the last."""
        self._go(0 if towards < 0 else len(self._cards) - 1)

    def _go(self, at: int) -> None:
        self._at = clamp(at, 0, max(0, len(self._cards) - 1))
        self._into_sight()
        self.refresh()
        if self.vm:
            self.post_message(self.Highlighted(self.vm))

    @property
    def card(self) -> Card | None:
        """What is said of the one under the cursor."""
        return self._cards[self._at] if self._at < len(self._cards) else None

    def _into_sight(self) -> None:
        top = self._at // self._across * HEIGHT
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)
        elif top + HEIGHT > self.scroll_offset.y + self.size.height:
            self.scroll_to(y=top + HEIGHT - self.size.height, animate=False, force=True)

    def action_mark(self) -> None:
        """Mark it, or unmark it, and go on."""
        if self.vm:
            self.marked ^= {self.vm}
            self._go(self._at + 1)
            self.post_message(self.Marked(self.marked))

    def on_click(self, event: events.Click) -> None:
        """Go there; with ctrl, or twice: mark."""
        at = event.get_content_offset(self)
        if at is None or not self._cards:
            return
        index = (self.scroll_offset.y + at.y) // HEIGHT * self._across + at.x // (self.size.width // self._across)
        if index < len(self._cards):
            self._go(index)
            if event.ctrl or event.chain == 2:
                self.marked ^= {self._cards[index].vm}
                self.post_message(self.Marked(self.marked))
                self.refresh()
