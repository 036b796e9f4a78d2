"""The chains of one vm as stacks of layers, with a cursor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from vmsnap_tui.present import marks, stack
from vmsnap_tui.present.graph import Piece
from vmsnap_tui.ui.widgets.cursor_view import CursorView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.geometry import Offset
    from textual.strip import Strip

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.present.stack import Row

_GUTTER = 2


class StackView(CursorView):
    """Draws the visible lines alone, keeps its cursor by layer, and tells what is chosen."""

    @dataclass
    class Highlighted(Message):
        """The cursor came to stand on another layer, on a disk's heading, or there is nothing."""

        row: Row | None

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id, classes=classes)
        self._rows: tuple[Row, ...] = ()
        self._columns = stack.Columns(0, 0, 0)
        self._words: tuple[tuple[str, str], ...] = ()
        self._lit: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._rows)

    @property
    def row(self) -> Row | None:
        """What the cursor stands on."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def show(self, layers: Sequence[Layer], names: Mapping[str, str]) -> None:
        """Show these; the cursor stays with its layer, or else with its line."""
        before = _key(self.row)
        was_empty = not self._rows
        self._rows = stack.rows(layers, names)
        self._words = () if self._rows else (("No disk of this vm is known.", "foreground-muted"),)
        self._fit()
        keys = [_key(row) for row in self._rows]
        place = keys.index(before) if before in keys else min(self.cursor, max(0, len(keys) - 1))
        self.replace_rows(1 if was_empty and len(keys) > 1 else place, keep=True)
        if was_empty:
            self.scroll_to(y=0, animate=False, force=True)
        self.moved()

    def say(self, words: str, hint: str = "", style: str = "foreground-muted") -> None:
        """Show words in place of stacks."""
        self._rows = ()
        self._words = ((words, style), *(((hint, "foreground-muted"),) if hint else ()))
        self.replace_rows(0, keep=False)
        self.moved()

    def light(self, snapshots: frozenset[str]) -> None:
        """Show which layers these snapshots need."""
        if snapshots != self._lit:
            self._lit = snapshots
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = self.scroll_offset.y + y
        if index < len(self._rows):
            return self._draw(index)
        said = self._words[index - len(self._rows) :][:1]
        return self.strip([Piece("  " + text, style) for text, style in said], self.rich_style)

    def _draw(self, index: int) -> Strip:
        row, is_cursor = self._rows[index], index == self.cursor
        gutter = (
            self.bar(is_cursor=is_cursor),
            Piece(marks.LIT.glyph if stack.needs(row, self._lit) else " ", marks.LIT.style),
        )
        ground = self.ground(cursor=is_cursor, hover=index == self.hover)
        return self.strip((*gutter, *stack.line(row, self._columns)), ground)

    def _fit(self) -> None:
        self._columns = stack.fit_columns(max(1, self.size.width - _GUTTER - 1), self._rows)

    def on_resize(self) -> None:
        """The cursor stays in sight."""
        self._fit()
        self.scroll_to_cursor()
        self.refresh()

    def moved(self) -> None:
        """Tell where the cursor is."""
        self.post_message(self.Highlighted(self.row))

    def clicked(self, at: Offset, event: events.Click) -> None:
        """A click only chooses."""


def _key(row: Row | None) -> tuple[object, ...]:
    if row is None:
        return ()
    return (row.stack.disk, row.layer.place, row.layer.kind) if row.layer else (row.stack.disk,)
