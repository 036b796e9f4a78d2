"""A few lines that are drawn as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.ui.widgets.ink import InkedView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip

    from vmsnap_tui.present.graph import Line


class Lines(InkedView):
    """Pieces of text with their inks, one tuple a line."""

    DEFAULT_CSS = """
    Lines { box-sizing: content-box; overflow: hidden hidden; }
    """

    def __init__(self, count: int, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's word)
        """So many lines high."""
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Line] = ()
        self.styles.height = count

    def show(self, lines: Sequence[Line]) -> None:
        """Draw these."""
        before, self._lines = self._lines, lines
        for y in range(max(len(before), len(lines))):
            if before[y : y + 1] != lines[y : y + 1]:
                self.refresh_line(y)

    def render_line(self, y: int) -> Strip:
        """One of them."""
        return self.strip(self._lines[y] if y < len(self._lines) else (), self.rich_style)
