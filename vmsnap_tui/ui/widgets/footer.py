"""The keys of a screen that has more of them than a narrow terminal has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets._footer import FooterKey

from vmsnap_tui.ui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from collections.abc import Collection


class RoomyFooter(KeyLine):
    """Leaves out some keys where there is no room for all, so that the way back and the help stay in sight."""

    def __init__(self, rare: Collection[str], wide: int) -> None:
        """`rare` are actions that are shown from `wide` cells on."""
        super().__init__()
        self._rare = rare
        self._wide = wide

    async def recompose(self) -> None:
        """Other keys work now."""
        await super().recompose()
        self._fit()

    def on_resize(self) -> None:
        """There is more room, or less."""
        self._fit()

    def _fit(self) -> None:
        for key in self.query(FooterKey):
            key.display = self.size.width >= self._wide or key.action not in self._rare
