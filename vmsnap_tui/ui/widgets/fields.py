"""Labelled values one under the other, wrapped with a hanging indent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Size


@dataclass(frozen=True, slots=True)
class Field:
    """One value with its label. Without a label the value takes the whole width."""

    label: str
    value: Content


@dataclass(frozen=True, slots=True)
class Heading:
    """What the fields below it are about."""

    text: Content


Item = Field | Heading


def field(label: str, value: str, style: str = "") -> Field:
    """A field with plain text, which is never read as markup. `style` is the name of a theme variable."""
    return Field(label, Content.styled(value, f"${style}" if style else ""))


class Fields(Widget):
    """Draws what `show` was last given."""

    DEFAULT_CSS = """
    Fields { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._items: Sequence[Item] = ()

    def show(self, items: Sequence[Item]) -> None:
        """Draw these instead of the former ones."""
        if items != self._items:
            before = len(self._lines(self.content_size.width))
            self._items = items
            self.refresh(layout=len(self._lines(self.content_size.width)) != before)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        indent = max((len(item.label) for item in self._items if isinstance(item, Field)), default=0) + 2
        lines: list[Content] = []
        for item in self._items:
            if isinstance(item, Heading):
                lines += [Content("")] if lines else []
                lines += item.text.wrap(max(1, width))
            elif not item.label:
                lines += item.value.wrap(max(1, width))
            else:
                label = Content.styled(item.label.ljust(indent), "$text-muted")
                for number, line in enumerate(item.value.wrap(max(8, width - indent)) or [Content("")]):
                    lines.append((Content(" " * indent) if number else label) + line)
        return lines
