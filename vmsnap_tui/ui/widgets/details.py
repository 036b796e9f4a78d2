"""Details of what is highlighted: its values, the ways to take a snapshot, the platform's own text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer
from textual.content import Content
from textual.highlight import highlight
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from vmsnap_tui.ui.widgets.fields import Fields, field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from vmsnap_tui.ui.widgets.fields import Item

_LARGEST_COLOURED = 200_000


class Tab(Enum):
    """What the details show."""

    SNAPSHOT = "Snapshot"
    ADVICE = "Advice"
    SOURCE = "Source"

    def turn(self, step: int) -> Tab:
        """The one so many places further."""
        tabs = list(Tab)
        return tabs[(tabs.index(self) + step) % len(tabs)]


class Details(ScrollableContainer, can_focus=True):
    """Three tabs, named in the border. What a tab shows is asked for by `Wanted` once it is seen."""

    DEFAULT_CSS = """
    Details {
        scrollbar-size: 1 1;
        #source { width: auto; height: auto; display: none; }
        &.-source { #source { display: block; } Fields { display: none; } }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", id="details.down", show=False, tooltip="One line down"),
        Binding("k", "scroll_up", "Up", id="details.up", show=False, tooltip="One line up"),
        Binding("g", "scroll_home", "Top", id="details.top", show=False, tooltip="To the first line"),
        Binding("G", "scroll_end", "Bottom", id="details.bottom", show=False, tooltip="To the last line"),
    ]

    tab: reactive[Tab] = reactive(Tab.SNAPSHOT)

    @dataclass
    class Wanted(Message):
        """This tab is on the screen now and has to be filled."""

        tab: Tab

    def compose(self) -> ComposeResult:
        yield Fields()
        yield Static(id="source", markup=False)

    def watch_tab(self, tab: Tab) -> None:
        names = [
            (f" {number} {each.value} ", f"{'bold $border' if each is tab else '$text-muted'}")
            for number, each in enumerate(Tab, 1)
        ]
        parts = [
            Content.styled(text, style).stylize(f"@click=screen.tab({number})")
            for number, (text, style) in enumerate(names, 1)
        ]
        self.border_title = Content("").join(parts)
        self.set_class(tab is Tab.SOURCE, "-source")
        self.scroll_home(animate=False)
        self.post_message(self.Wanted(tab))

    def show(self, tab: Tab, items: Sequence[Item]) -> None:
        """Fill one of the first two tabs, if it is still the one on the screen."""
        if tab is self.tab:
            self.query_one(Fields).show(items)
            self.remove_class("-source")

    def show_source(self, text: str, language: str) -> None:
        """Fill the last tab. The text is never read as markup; a huge one stays uncoloured."""
        if self.tab is Tab.SOURCE:
            coloured = highlight(text, language=language) if len(text) <= _LARGEST_COLOURED else Content(text)
            self.query_one("#source", Static).update(coloured)
            self.add_class("-source")

    def say(self, tab: Tab, words: str, hint: str = "", *, style: str = "text-muted") -> None:
        """Say why there is nothing to show (yet)."""
        self.show(tab, [field("", words, style), *([field("", hint)] if hint else [])])
