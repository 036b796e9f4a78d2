"""Details of what is highlighted: its values, the ways to take a snapshot, the platform's own text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.highlight import highlight
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from vmsnap_tui.ui.widgets.fields import field, lay_out
from vmsnap_tui.ui.widgets.ink import InkedView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.ui.widgets.fields import Item

_LARGEST_COLOURED = 200_000
"""Characters of the longest text that is coloured."""


class Tab(Enum):
    """What the details show."""

    SNAPSHOT = "Snapshot"
    ADVICE = "Advice"
    SOURCE = "Source"

    def turn(self, step: int) -> Tab:
        """The one so many places further."""
        tabs = list(Tab)
        return tabs[(tabs.index(self) + step) % len(tabs)]


class Details(InkedView, can_focus=True):
    """Three tabs, named in the border. What a tab shows is asked for by `Wanted` once it is seen."""

    DEFAULT_CSS = """
    Details { scrollbar-size: 1 1; overflow: auto scroll; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", id="details.down", show=False, tooltip="One line down"),
        Binding("k", "scroll_up", "Up", id="details.up", show=False, tooltip="One line up"),
        Binding("g", "scroll_home", "Top", id="details.top", show=False, tooltip="To the first line"),
        Binding("G", "scroll_end", "Bottom", id="details.bottom", show=False, tooltip="To the last line"),
    ]

    tab: reactive[Tab] = reactive(Tab.SNAPSHOT, repaint=False)

    @dataclass
    class Wanted(Message):
        """This tab is on the screen now and has to be filled."""

        tab: Tab

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._items: Sequence[Item] | None = ()
        self._lines: list[Content] = []

    def watch_tab(self, tab: Tab) -> None:
        """Name the tabs, and ask for what the new one shows."""
        parts = [
            Content.styled(f" {number} {each.value} ", "bold $border" if each is tab else "$text-muted").stylize(
                f"@click=screen.tab({number})"
            )
            for number, each in enumerate(Tab, 1)
        ]
        self.border_title = Content("").join(parts)
        self.scroll_home(animate=False)
        self.post_message(self.Wanted(tab))

    def show(self, tab: Tab, items: Sequence[Item]) -> None:
        """Fill one of the first two tabs, if it is still the one on the screen."""
        if tab is self.tab and items != self._items:
            self._items = items
            self._take(lay_out(items, self._room))

    def show_source(self, text: str, language: str) -> None:
        """Fill the last tab. The text is never read as markup; a huge one stays uncoloured."""
        if self.tab is Tab.SOURCE:
            self._items = None
            coloured = highlight(text, language=language) if len(text) <= _LARGEST_COLOURED else Content(text)
            self._take(coloured.split())

    def say(self, tab: Tab, words: str, hint: str = "", *, style: str = "text-muted") -> None:
        """Say why there is nothing to show (yet)."""
        self.show(tab, [field("", words, style), *([field("", hint)] if hint else [])])

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
