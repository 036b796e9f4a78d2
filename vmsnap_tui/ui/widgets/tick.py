"""A box to tick in a dialogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Checkbox

from vmsnap_tui.present import marks

if TYPE_CHECKING:
    from textual.content import Content


class Tick(Checkbox, inherit_bindings=False):
    """Space ticks it; enter is left to the dialogue, as in its other fields."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "toggle_button", "Toggle", show=False)]

    def __init__(self, label: Content, value: bool = False, *, id: str, name: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(label, value, id=id, name=name, compact=True)

    def render(self) -> Content:
        """Ticked or not, whatever colours there are."""
        self.BUTTON_INNER = marks.MARKED.glyph if self.value else " "
        return super().render()
