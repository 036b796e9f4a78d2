"""Asks how a new lab is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from vmsnap_tui.model.lab import LONGEST_NAME, bad_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult


class LabNameScreen(ModalScreen[str]):
    """Ends with a name, "" for none."""

    DEFAULT_CSS = """
    LabNameScreen {
        align: center middle;
        #frame {
            width: 64; max-width: 100%; height: auto; padding: 0 1; border: round $border; background: $surface;
            border-title-color: $text-primary; border-title-style: bold; border-subtitle-color: $text-muted;
        }
        #hint { color: $text-muted; height: auto; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back", id="lab-name.leave")]

    def __init__(self, count: int, names: Sequence[str]) -> None:
        super().__init__()
        self._count = count
        self._names = names

    def compose(self) -> ComposeResult:
        """One field."""
        with Vertical(id="frame") as frame:
            frame.border_title = f"A lab of {self._count} VM{'s' * (self._count != 1)}"
            frame.border_subtitle = "enter go on · esc back"
            yield Input(id="lab-name", compact=True, placeholder="networks-101", max_length=LONGEST_NAME)
            known = f" There are: {', '.join(self._names)}; with one of these names it grows." if self._names else ""
            yield Static(f"How is it called?{known}", id="hint", markup=False)

    @on(Input.Submitted)
    def _go(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if why := bad_name(name):
            self.notify(f"{why[0].upper()}{why[1:]}.", severity="warning", markup=False)
        else:
            self.dismiss(name)

    def action_leave(self) -> None:
        """None."""
        self.dismiss("")
