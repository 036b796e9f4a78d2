"""What takes space, as bars to scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from vmsnap_tui.model.text import clean
from vmsnap_tui.present import sizes
from vmsnap_tui.present.graph import Piece, exactly
from vmsnap_tui.present.reclaim import in_words
from vmsnap_tui.present.stack import bar, middle
from vmsnap_tui.ui.widgets.cursor_view import CursorView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.geometry import Offset
    from textual.strip import Strip

    from vmsnap_tui.model.space import Use

_LEAST_NOTE = 30


class SpaceView(CursorView):
    """A line for each heap, the largest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open", id="space.open", tooltip="Go to the vm that takes it"),
    ]

    @dataclass
    class Selected(Message):
        """This heap's vm is wanted."""

        use: Use

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id, classes=classes)
        self._uses: Sequence[Use] = ()
        self._words: tuple[tuple[str, str], ...] = ()
        self._scale = 0
        self._label = 0
        self._site = 0

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._uses)

    def show(self, uses: Sequence[Use], words: Sequence[tuple[str, str]] = ()) -> None:
        """Show these; below them `words`, each with a style."""
        at = self._uses[self.cursor] if self.cursor < len(self._uses) else None
        self._uses, self._words = uses, tuple(words)
        self._scale = max((use.used for use in uses), default=0)
        self._label = max((cell_len(clean(use.label)) for use in uses), default=0)
        self._site = max((cell_len(use.site) for use in uses), default=0)
        same = [(use.site, use.label) for use in uses]
        # Whoever stands on the largest stays there, whatever comes in.
        place = same.index((at.site, at.label)) if self.cursor and at and (at.site, at.label) in same else 0
        self.replace_rows(place, keep=at is not None)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = self.scroll_offset.y + y
        if index >= len(self._uses):
            said = self._words[index - len(self._uses) :][:1]
            return self.strip([Piece("  " + text, style) for text, style in said], self.rich_style)
        is_cursor = index == self.cursor
        lead = self.bar(is_cursor=is_cursor)
        pieces = exactly((lead, Piece(" ", "foreground"), *self._cells(self._uses[index])), max(1, self.size.width))
        return self.strip(pieces, self.ground(cursor=is_cursor, hover=index == self.hover))

    def _cells(self, use: Use) -> tuple[Piece, ...]:
        width = self.size.width - 3
        label = min(self._label, max(12, width // 3))
        site = min(self._site, 16) if width >= 90 and use.site != use.label else 0
        note = _LEAST_NOTE if width >= 100 else 0
        room = max(4, width - label - site - note - sizes.SIZE_WIDTH - 6)
        said = in_words(use.freed) if use.freed else f"and {use.unknown} of unknown size" if use.unknown else ""
        return (
            Piece(middle(clean(use.label), label).ljust(label) + "  ", "foreground"),
            Piece(middle(use.site, site).ljust(site) + "  " if site else "", "foreground-muted"),
            Piece(bar(use.used, self._scale, room) + " ", "primary"),
            Piece(sizes.size(use.used).rjust(sizes.SIZE_WIDTH), "foreground"),
            Piece("  " + said if note else "", "foreground-muted"),
        )

    def moved(self) -> None:
        """Nothing hangs on where the cursor is."""

    def clicked(self, at: Offset, event: events.Click) -> None:
        """Twice: go there."""
        if event.chain == 2:
            self.action_select()

    def action_select(self) -> None:
        """Go to the vm under the cursor."""
        if self.cursor < len(self._uses):
            self.post_message(self.Selected(self._uses[self.cursor]))
