"""A short list of which one is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from collections.abc import Sequence


class Choice(OptionList):
    """Rows of which the highlighted one is chosen, so that moving is choosing.

    Rows that are not possible stay reachable: standing on one shows why it is not.
    """

    DEFAULT_CSS = """
    Choice {
        height: auto;
        max-height: 100%;
        scrollbar-size-vertical: 1;
        border: none;
        padding: 0;
        background: transparent;
        &:focus { border: none; background-tint: transparent; }
        & > .option-list--option { padding: 0 1; }
        & > .option-list--option-highlighted { background: $surface; text-style: none; }
        &:focus > .option-list--option-highlighted {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: none;
        }
    }
    """

    BINDINGS = [
        ("j", "cursor_down", "Down"),
        ("k", "cursor_up", "Up"),
    ]

    class Chosen(Message):
        """Another row was chosen; `value` is its id."""

        def __init__(self, choice: Choice, value: str) -> None:
            super().__init__()
            self.choice = choice
            self.value = value

        @property
        def control(self) -> Choice:
            """The list that it was chosen in."""
            return self.choice

    class Entered(Message):
        """Enter or a double click on the row that was chosen already."""

    def __init__(self, rows: Sequence[tuple[str, Content]], chosen: str, *, id: str | None = None) -> None:  # noqa: A002
        self._rows = dict(rows)
        self._chosen = chosen if chosen in self._rows else next(iter(self._rows), "")
        super().__init__(*(Option(self._prompt(value), id=value) for value in self._rows), id=id, markup=False)

    @property
    def chosen(self) -> str:
        """The id of the chosen row."""
        return self._chosen

    def on_mount(self) -> None:
        """Stand on the chosen row."""
        super().on_mount()
        if self._rows:
            self.highlighted = self.get_option_index(self._chosen)

    def _prompt(self, value: str) -> Content:
        return Content.assemble("● " if value == self._chosen else "○ ", self._rows[value])

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Choose what is moved to."""
        event.stop()
        value = event.option_id
        if value is None or value == self._chosen:
            return
        before, self._chosen = self._chosen, value
        for changed in (before, value):
            self.replace_option_prompt(changed, self._prompt(changed))
        self.post_message(self.Chosen(self, value))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a row goes on."""
        event.stop()
        self.post_message(self.Entered())
