"""Labelled values one under the other, wrapped with a hanging indent."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING

from textual.content import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Field:
    """One value with its label. Without a label the value takes the whole width."""

    label: str
    value: Content


@dataclass(frozen=True, slots=True)
class Heading:
    """What the fields below it are about."""

    text: Content


@dataclass(frozen=True, slots=True)
class Drawing:
    """Lines that are drawn for the width there is. Two of the same `subject` look the same."""

    subject: object
    draw: Callable[[int], list[Content]] = dataclass_field(compare=False)


Item = Field | Heading | Drawing


def field(label: str, value: str, style: str = "") -> Field:
    """A field with plain text, which is never read as markup. `style` is the name of a theme variable."""
    return Field(label, Content.styled(value, f"${style}" if style else ""))


def lay_out(items: Sequence[Item], width: int) -> list[Content]:
    """The lines that show `items` in `width` cells."""
    indent = max((len(item.label) for item in items if isinstance(item, Field)), default=0) + 2
    lines: list[Content] = []
    for item in items:
        if isinstance(item, Heading):
            lines += [Content("")] if lines else []
            lines += item.text.wrap(max(1, width))
        elif isinstance(item, Drawing):
            lines += item.draw(width)
        elif not item.label:
            lines += item.value.wrap(max(1, width))
        else:
            label = Content.styled(item.label.ljust(indent), "$text-muted")
            for number, line in enumerate(item.value.wrap(max(8, width - indent)) or [Content("")]):
                lines.append((Content(" " * indent) if number else label) + line)
    return lines
