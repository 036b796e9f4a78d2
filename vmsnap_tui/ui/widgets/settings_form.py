"""What may be set of the chosen method or way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from vmsnap_tui.model.text import clean
from vmsnap_tui.ui.widgets.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from vmsnap_tui.model.settings import Setting, Settings


class SettingsForm(Vertical):
    """A field for each: rows to choose from where there are choices, else a line of text."""

    DEFAULT_CSS = """
    SettingsForm { height: auto; }
    """

    def __init__(self, settings: Sequence[Setting]) -> None:
        super().__init__(id="settings")
        self._fields = [(setting, _field(setting)) for setting in settings]

    def compose(self) -> ComposeResult:
        """A label and a field for each."""
        for setting, field in self._fields:
            hint = f"  {clean(setting.hint)}" if setting.hint else ""
            yield Static(Content.assemble(clean(setting.label), (hint, "italic")), classes="label")
            yield field

    @property
    def said(self) -> Settings:
        """What is set otherwise than it would be by itself."""
        values = ((setting, field.chosen if isinstance(field, Choice) else field.value.strip())
                  for setting, field in self._fields)  # fmt: skip
        return tuple((setting.id, value) for setting, value in values if value != setting.value)

    def show(self, settings: Sequence[Setting]) -> None:
        """Show the fields of these, as they hold by themselves."""
        self._fields = [(setting, _field(setting)) for setting in settings]
        self.refresh(recompose=True)


def _field(setting: Setting) -> Input | Choice:
    if setting.choices:
        return Choice([(each, Content(clean(each))) for each in setting.choices], setting.value)
    return Input(setting.value, compact=True)
