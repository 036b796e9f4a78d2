"""Printing: exact values as JSON, and words in columns for people.

Results go to stdout, everything else (notices, progress, errors) to stderr.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed import DataclassInstance

    from vmsnap_tui.present.marks import Mark

_GAP = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a column. `style` is the name of a theme variable, "" for none."""

    text: str
    style: str = ""
    right: bool = False


def marked(shown: Mark) -> Cell:
    """A mark with its glyph, word and colour."""
    return Cell(shown.text, shown.style)


def say(text: str = "") -> None:
    """A line of the result."""
    click.echo(text, color=_has_colour(sys.stdout))


def note(text: str) -> None:
    """A line beside the result."""
    click.echo(text, err=True, color=_has_colour(sys.stderr))


def complain(error: VmsnapError, *, as_json: bool = False, about: str = "") -> None:
    """An error, in its own words and with what can be done: {"error": {kind, words, hint}} in JSON."""
    if as_json:
        click.echo(encoded({"error": error}), err=True)
        return
    note(painted(f"{about}{': ' if about else ''}{clean(error.words)}", "error"))
    if error.hint:
        note(f"  {clean(error.hint)}")


def painted(text: str, style: str) -> str:
    """`text` in the terminal colour of a theme variable."""
    from vmsnap_tui.present.marks import ANSI

    colour = ANSI.get(style, "default")
    return text if colour == "default" or not text else click.style(text, fg=colour)


def emit(value: object) -> None:
    """A result as JSON: indented for a person, on one line for a program."""
    click.echo(encoded(value, indent=sys.stdout.isatty()))


def encoded(value: object, *, indent: bool = False) -> str:
    """Values of the model as JSON: sizes in bytes, times in ISO 8601 with UTC, states by their word."""
    import msgspec

    raw = msgspec.json.encode(value, enc_hook=_as_builtins)
    return (msgspec.json.format(raw) if indent else raw).decode()


def shape(value: DataclassInstance | Struct) -> dict[str, Any]:
    """A record of the model as a JSON object that can be added to."""
    names = value.__struct_fields__ if isinstance(value, Struct) else [field.name for field in fields(value)]
    return {name: getattr(value, name) for name in names}


def _as_builtins(value: object) -> object:
    if isinstance(value, VmsnapError):
        return {"kind": value.kind, "words": value.words, "hint": value.hint}
    raise NotImplementedError(f"{type(value).__name__} has no shape in JSON")


def columns(rows: Iterable[Sequence[Cell]], heads: Sequence[str] = ()) -> None:
    """Rows under their heads, aligned by what a terminal shows; columns that are empty everywhere are left out."""
    from rich.cells import cell_len

    body = list(rows)
    widths = [max((cell_len(cell.text) for cell in column), default=0) for column in zip(*body, strict=True)]
    if not any(widths):
        return
    widths = [
        max(width, len(head)) if width else 0 for width, head in zip(widths, heads or [""] * len(widths), strict=True)
    ]
    lines: list[Sequence[Cell]] = [[Cell(head, "foreground-muted") for head in heads], *body] if heads else body
    for line in lines:
        said = ""
        pending = 0  # blanks owed: none are printed at a line's end
        for cell, width in zip(line, widths, strict=True):
            if not width:
                continue
            blank = width - cell_len(cell.text)
            before = blank if cell.right else 0
            if cell.text:
                said += " " * (pending + before) + painted(cell.text, cell.style)
                pending = 0
                blank -= before
            pending += blank + _GAP
        say(said)


def _has_colour(stream: object) -> bool:
    """As https://no-color.org has it; a pipe gets no colour in any case."""
    is_terminal = bool(getattr(stream, "isatty", bool)())
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Cells in a line: the terminal's, and enough for anything where there is none."""
    import shutil

    return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100
