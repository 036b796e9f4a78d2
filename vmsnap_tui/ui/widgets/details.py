"""Details of what is highlighted: its values, the ways to take a snapshot, the platform's own text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.highlight import highlight
from textual.message import Message
from textual.reactive import reactive

from vmsnap_tui.model.text import clean
from vmsnap_tui.ui.widgets.fields import field
from vmsnap_tui.ui.widgets.fields_view import FieldsView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.ui.widgets.fields import Item

_LARGEST_COLOURED = 200_000
"""Characters of the longest text that is coloured."""


class Tab(Enum):
    """What the details show."""

    SNAPSHOT = "Snapshot"
    CHAIN = "Chain"
    ADVICE = "Advice"
    SOURCE = "Source"

    def turn(self, step: int) -> Tab:
        """The one so many places further."""
        tabs = list(Tab)
        return tabs[(tabs.index(self) + step) % len(tabs)]


class Details(FieldsView):
    """Four tabs, named in the border. What a tab shows is asked for by `Wanted` once it is seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy", id="details.copy", show=False, tooltip="Copy the source, or the advised commands"),
    ]

    tab: reactive[Tab] = reactive(Tab.SNAPSHOT, repaint=False)

    @dataclass
    class Wanted(Message):
        """This tab is on the screen now and has to be filled."""

        tab: Tab

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id, classes=classes)
        self._to_copy = ""

    def watch_tab(self, tab: Tab) -> None:
        """Name the tabs, and ask for what the new one shows."""
        parts: list[Content] = []
        for number, each in enumerate(Tab, 1):
            name = (each.value, "bold $border" if each is tab else "$text-muted")
            title = Content.assemble((str(number), "$text-muted"), name).stylize(f"@click=screen.tab({number})")
            parts.append(title)
        self.border_title = Content(" ").join(parts)
        self.scroll_home(animate=False)
        self.post_message(self.Wanted(tab))

    def show(self, tab: Tab, items: Sequence[Item], *, to_copy: str = "") -> None:
        """Fill one of the first tabs, if it is still the one on the screen. `to_copy` is for the clipboard."""
        if tab is self.tab:
            self._to_copy = to_copy
            self.show_items(items)

    def show_source(self, text: str, language: str) -> None:
        """Fill the last tab. The text is never read as markup; a huge one stays uncoloured."""
        if self.tab is Tab.SOURCE:
            coloured = highlight(text, language=language) if len(text) <= _LARGEST_COLOURED else Content(text)
            self._to_copy = text
            self.show_lines(coloured.split())

    def action_copy(self) -> None:
        """Copy what there is to copy here."""
        if self._to_copy:
            self.app.copy_to_clipboard(self._to_copy)
            self.notify(clean(self._to_copy, limit=300), title="Copied", timeout=4, markup=False)
        else:
            self.notify("There is nothing to copy here.", severity="warning", markup=False)

    def say(self, tab: Tab, words: str, hint: str = "", *, style: str = "text-muted") -> None:
        """Say why there is nothing to show (yet)."""
        self.show(tab, [field("", words, style), *([field("", hint)] if hint else [])])
