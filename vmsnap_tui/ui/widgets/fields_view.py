"""A view that scrolls over labelled values or lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.strip import Strip

from vmsnap_tui.ui.widgets.fields import lay_out
from vmsnap_tui.ui.widgets.ink import InkedView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.content import Content

    from vmsnap_tui.ui.widgets.fields import Item


class FieldsView(InkedView, can_focus=True):
    """Wraps what it shows to the width there is, and draws only the lines that change."""

    DEFAULT_CSS = """
    FieldsView { scrollbar-size: 1 1; overflow: auto scroll; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", id="details.down", show=False, tooltip="One line down"),
        Binding("k", "scroll_up", "Up", id="details.up", show=False, tooltip="One line up"),
        Binding("g", "scroll_home", "Top", id="details.top", show=False, tooltip="To the first line"),
        Binding("G", "scroll_end", "Bottom", id="details.bottom", show=False, tooltip="To the last line"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id, classes=classes)
        self._items: Sequence[Item] | None = ()
        self._lines: list[Content] = []

    def show_items(self, items: Sequence[Item]) -> None:
        """Show these, wrapped."""
        if items != self._items:
            self._items = items
            self._take(lay_out(items, self._room))

    def show_lines(self, lines: list[Content]) -> None:
        """Show these as they are; one scrolls to see the end of a long one."""
        self._items = None
        self._take(lines)

    @property
    def _room(self) -> int:
        """Cells beside the scrollbar, which is always there."""
        return max(0, self.size.width - self.styles.scrollbar_size_vertical)

    def _take(self, lines: list[Content]) -> None:
        before, self._lines = self._lines, lines
        widest = 0 if self._items is not None else max((line.cell_length for line in lines), default=0)
        self.set_lines(len(lines), max(widest, self._room))
        top = self.scroll_offset.y
        for y in range(top, top + self.size.height):
            old, new = before[y : y + 1], lines[y : y + 1]
            if not (old and new and old[0].is_same(new[0])) and (old or new):
                self.refresh_line(y)

    def on_resize(self) -> None:
        """Wrap anew."""
        if self._items is not None:
            self._take(lay_out(self._items, self._room))

    def render_line(self, y: int) -> Strip:
        """One line, as far to the right as is scrolled."""
        left, top = self.scroll_offset
        width, style = self.size.width, self.visual_style
        if top + y >= len(self._lines):
            return Strip.blank(width, style.rich_style)
        pieces = self._lines[top + y].render(style, end="", parse_style=self.app.stylesheet.parse_style)
        strip = Strip([Segment(text, ink.rich_style) for text, ink in pieces])
        return strip.crop_extend(left, left + width, style.rich_style)
