"""Choose a theme: the one under the cursor is shown at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult


class ThemeScreen(ModalScreen[None]):
    """A list at the side, so that the rest of the screen shows the preview."""

    DEFAULT_CSS = """
    ThemeScreen {
        align: right middle;
        background: transparent;
        OptionList {
            width: 34; height: auto; max-height: 80%; margin-right: 2;
            border: round $border; background: $surface;
        }
    }
    """

    BINDINGS = [
        Binding("escape", "leave", "Back", id="themes.back", tooltip="Back to the theme that was"),
        Binding("j", "down", "Down", show=False, id="themes.down", tooltip="The next theme"),
        Binding("k", "up", "Up", show=False, id="themes.up", tooltip="The theme before"),
    ]

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = list(names)
        self._before = ""

    def compose(self) -> ComposeResult:
        listed = OptionList(*(Option(name, id=name) for name in self._names), markup=False)
        listed.border_title = "Theme"
        listed.border_subtitle = "enter keeps it · esc"
        yield listed

    def on_mount(self) -> None:
        self._before = self.app.theme
        if self._before in self._names:
            self.query_one(OptionList).highlighted = self._names.index(self._before)

    @on(OptionList.OptionHighlighted)
    def _preview(self, event: OptionList.OptionHighlighted) -> None:
        self.app.theme = event.option_id or self._before

    @on(OptionList.OptionSelected)
    def _keep(self) -> None:
        if self.app.theme != self._before:
            self.app.notify(
                f'To keep it, write theme = "{self.app.theme}" under [ui] in the config file.', markup=False
            )
        self.dismiss()

    def action_leave(self) -> None:
        self.app.theme = self._before
        self.dismiss()

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()
