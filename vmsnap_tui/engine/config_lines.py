"""Which line of a TOML text a value stands on, for messages. The parser itself does not tell."""

from __future__ import annotations

import re

Path = tuple[int | str, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, path: Path) -> int | None:
    """The line (from 1) of the value at `path`, else of the nearest table around it, else None.

    It reads headers and `key =` lines; what stands inside an inline table is reported on the line of its key.
    """
    places = _places(text)
    while path:
        if path in places:
            return places[path]
        path = path[:-1]
    return None


def _places(text: str) -> dict[Path, int]:
    places: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    quote = ""  # the delimiter of a multi-line string that is still open
    for number, line in enumerate(text.splitlines(), 1):
        if quote:
            quote = "" if quote in line else quote
            continue
        if header := _HEADER.match(line):
            table = _table(header[2], counts, array=header[1] == "[[")
            places.setdefault(table, number)
        elif key := _KEY.match(line):
            path = (*table, *_parts(key[1]))
            for end in range(len(table) + 1, len(path) + 1):
                places.setdefault(path[:end], number)
            quote = next((mark for mark in ('"""', "'''") if line.count(mark) == 1), "")
    return places


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _table(dotted: str, counts: dict[Path, int], *, array: bool) -> Path:
    """The path that a header opens; a part that names an array of tables is followed by its newest index."""
    path: Path = ()
    parts = _parts(dotted)
    for index, part in enumerate(parts):
        path = (*path, part)
        if array and index == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path
