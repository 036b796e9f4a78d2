"""Colours by meaning for widgets that draw their lines themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.style import Style

INKS = (
    "foreground",
    "foreground-muted",
    "primary",
    "secondary",
    "accent",
    "success",
    "warning",
    "error",
    "consistency-memory",
    "consistency-clean",
    "consistency-filesystem",
    "consistency-crash",
    "consistency-unknown",
    "border-blurred",
)
"""Theme variables that a line may be drawn in."""


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells: cut with an ellipsis or filled with blanks."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


class InkedView(ScrollView):
    """A view of lines whose cursor line has a ground of its own."""

    COMPONENT_CLASSES = {f"ink--{name}" for name in INKS} | {"ink--cursor", "ink--cursor-blurred", "ink--hover"}

    DEFAULT_CSS = (
        "InkedView {"
        + "".join(f"& > .ink--{name} {{ color: ${name}; }}\n" for name in INKS)
        + """
        & > .ink--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: $block-cursor-text-style;
        }
        & > .ink--cursor-blurred {
            background: $block-cursor-blurred-background;
            color: $block-cursor-blurred-foreground;
        }
        & > .ink--hover { background: $block-hover-background; }
        }"""
    )

    @property
    def rich_style(self) -> Style:
        """The style of the view itself. Textual's own looks through all ancestors each time, here for each line."""
        return self.visual_style.rich_style

    def ink(self, name: str) -> Style:
        """The style for a theme variable, without a ground. An unknown name is drawn as plain text."""
        return self.get_component_rich_style(f"ink--{name if name in INKS else 'foreground'}", partial=True)

    def set_lines(self, count: int, width: int | None = None) -> None:
        """How many lines there are, `width` cells wide (as wide as the view by default).

        The whole screen is laid out anew only where a scrollbar comes or goes, and a scrollbar drawn anew only where
        there is something to scroll, since that is what costs.
        """
        size = Size(self.size.width if width is None else width, count)
        tall = size.height > self.container_size.height or self.styles.overflow_y == "scroll"
        room = self.container_size.width - (self.styles.scrollbar_size_vertical if tall else 0)
        wide = size.width > room and self.styles.overflow_x == "auto"
        if (tall, wide) == (self.show_vertical_scrollbar, self.show_horizontal_scrollbar):
            tallest = max(size.height, self.virtual_size.height)
            self.set_reactive(ScrollView.virtual_size, size)
            if wide or tallest > self.container_size.height:
                self._scroll_update(size)
        else:
            self.virtual_size = size

    def ground(self, *, cursor: bool, hover: bool = False) -> Style:
        """The style that a whole line starts from."""
        if cursor:
            name = "ink--cursor" if self.has_focus else "ink--cursor-blurred"
            return self.rich_style + self.get_component_rich_style(name)
        if hover:
            return self.rich_style + self.get_component_rich_style("ink--hover", partial=True)
        return self.rich_style

    def strip(self, cells: Iterable[tuple[str, str]], ground: Style) -> Strip:
        """One line from texts and the names of their inks, filled up to the width of the view."""
        segments = [Segment(text, ground if ink == "foreground" else ground + self.ink(ink)) for text, ink in cells]
        return Strip(segments).adjust_cell_length(self.size.width, ground)
