"""What differs between two moments, as lines for the screen and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.compare import Change, Fate
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.graph import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.compare import Comparison, DiffLine, DiskChange
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.present.graph import Line

_MUTED = "foreground-muted"
_GAP = "..." if marks.PLAIN else "⋯"
_STYLES = {Change.SAME: _MUTED, Change.ADDED: "success", Change.REMOVED: "error", Change.GAP: "accent"}
_SIGNS = {Change.SAME: " ", Change.ADDED: "+", Change.REMOVED: "-", Change.GAP: _GAP}
_FATES = {
    Fate.KEPT: ("there all along", _MUTED),
    Fate.RESIZED: ("resized", "warning"),
    Fate.ADDED: ("added", "success"),
    Fate.REMOVED: ("removed", "error"),
    Fate.LEFT_OUT: ("not part of the snapshot", "warning"),
}
_WIDEST = 20
"""Cells that two sizes take."""
_TO = "->" if marks.PLAIN else "→"


def name_of(snapshot: Snapshot | None) -> str:
    """A snapshot's name, or "now"."""
    return clean(snapshot.name) if snapshot else "now"


def title(older: Snapshot | None, newer: Snapshot | None) -> str:
    """From when to when."""
    return f"{name_of(older)} {_TO} {name_of(newer)}"


def lines(found: Comparison) -> Iterator[Line]:
    """The disks, then the definition as a coloured difference."""
    yield (Piece("Disks", "primary"),)
    width = max((len(clean(each.disk)) for each in found.disks), default=0)
    for each in found.disks:
        words, style = _FATES[each.fate]
        yield (
            Piece(f"  {clean(each.disk).ljust(width)}  ", "foreground"),
            Piece(f"{_sizes(each):>{_WIDEST}}  ", "foreground"),
            Piece(words, style),
            Piece(_changed(each), _MUTED),
        )
    if not found.disks:
        yield (Piece("  none", _MUTED),)
    yield (Piece("", _MUTED),)
    yield (Piece("Definition", "primary"),)
    if found.unknown:
        yield (Piece(f"  not known: {clean(found.unknown)}", "warning"),)
    elif not found.lines:
        yield (Piece("  the same, but for what the platform changes by itself", "success"),)
    for line in found.lines:
        yield (Piece(diff_text(line), _STYLES[line.change]),)
    if found.lacks:
        yield (Piece("", _MUTED),)
        yield (Piece(f"{found.lacks}", _MUTED),)


def diff_text(line: DiffLine) -> str:
    """As `diff -u` would print it."""
    return f"{_SIGNS[line.change]} {line.text}".rstrip()


def _sizes(disk: DiskChange) -> str:
    before, after = (sizes.size(size) if size is not None else "" for size in (disk.before, disk.after))
    if before and after and before != after:
        return f"{before} {_TO} {after}"
    return after or before or "size not known"


def _changed(disk: DiskChange) -> str:
    if disk.fate not in {Fate.KEPT, Fate.RESIZED}:
        return ""
    if disk.changed is None:
        return ", how much was written is not known"
    return f", at most {sizes.size(disk.changed)} written" if disk.changed else ", nothing written"
