"""The apps to compare with: `python -m tests.bench.plain` starts the empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App
from textual.widgets import OptionList, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult

HELLO = "nothing here"


class EmptyApp(App[None]):
    """A line of text."""

    def compose(self) -> ComposeResult:
        yield Static(HELLO)


class ListApp(App[None]):
    """Textual's own list, of 50 rows."""

    def compose(self) -> ComposeResult:
        yield OptionList(*(f"row {number}" for number in range(50)))


if __name__ == "__main__":
    EmptyApp().run()
