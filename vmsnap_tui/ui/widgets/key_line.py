"""The keys of a screen, in its last line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Footer
from textual.widgets._footer import FooterKey

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from textual.binding import Binding

    Shown = Sequence[tuple[Binding, str, bool, str]]


class KeyLine(Footer):
    """A footer that is drawn anew only where a key is another, is called otherwise, or is dimmed or lit.

    Textual asks for it whenever the focus moves or a screen comes back. Each key is a widget, and most times all of
    them are as they were.
    """

    def __init__(self, rare: Collection[str] = (), *, wide: int = 0) -> None:
        """`rare` are actions that are left out below `wide` cells, so that the way back and the help stay in sight."""
        super().__init__(show_command_palette=False, compact=True)
        self._rare = rare
        self._wide = wide
        self._shown: Shown = ()

    async def recompose(self) -> None:
        if not self.is_attached:
            return
        shown = self._to_show()
        if shown != self._shown:
            self._shown = shown
            await super().recompose()
            self._fit()

    def on_resize(self) -> None:
        """There is more room, or less."""
        self._fit()

    def _fit(self) -> None:
        for key in self.query(FooterKey):
            key.display = self.size.width >= self._wide or key.action not in self._rare

    def _to_show(self) -> Shown:
        return [
            (each.binding, self.app.get_key_display(each.binding), each.enabled, each.tooltip)
            for each in self.screen.active_bindings.values()
            if each.binding.show
        ]
