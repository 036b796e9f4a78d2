"""The snapshot graph as lines of text: lanes, marker, name, flags, age, consistency, kind, size.

A line is a tuple of pieces, each with the name of a theme variable as its style; the screen and the command line
colour them in their own ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size

from vmsnap_tui.model.lanes import NOW, Fork, Join
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.marks import Flag, mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from vmsnap_tui.model.forest import Forest
    from vmsnap_tui.model.lanes import Node, Row
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import VmState

RAIL = "foreground-muted"
TRUNK = "primary"
"""The line that leads to "now" is drawn in this style, all others in `RAIL`."""

_NAME_ROOM = 26
_GAP = "  "
_SOLID, _DASHED, _FORK, _ACROSS, _ACROSS_DASHED, _STUB, _CUT = "|:|--->" if marks.PLAIN else "│┊├─┄╶…"


class Piece(NamedTuple):
    """A stretch of text in one style."""

    text: str
    style: str


Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """What fits into `width` cells beside lanes and name."""

    width: int
    age: bool = False
    consistency: bool = False
    size: bool = False
    kind: bool = False

    @property
    def room(self) -> int:
        """Cells for lanes, marker, name and flags."""
        return self.width - sum(width for shown, width in self._widths() if shown)

    def _widths(self) -> Iterable[tuple[bool, int]]:
        gap = len(_GAP)
        yield self.age, gap + sizes.AGE_WIDTH
        yield self.consistency, gap + _WORD_WIDTH
        yield self.size, gap + sizes.SIZE_WIDTH
        yield self.kind, gap + _KIND_WIDTH


_WORD_WIDTH = len("filesystem")
_KIND_WIDTH = len("internal")


def fit_columns(width: int, snapshots: Iterable[Snapshot]) -> Columns:
    """The columns that `width` cells have room for. Those that would be empty everywhere are left out.

    In a narrow place the kind goes first, then the size, the word for the consistency (its marker stays), the age.
    """
    has_size = has_kind = False
    for snapshot in snapshots:
        has_size = has_size or snapshot.size is not None
        has_kind = has_kind or snapshot.kind is not SnapshotKind.UNKNOWN
    wishes = (
        Columns(width, age=True, consistency=True, size=has_size, kind=has_kind),
        Columns(width, age=True, consistency=True, size=has_size),
        Columns(width, age=True, consistency=True),
        Columns(width, age=True),
    )
    return next((columns for columns in wishes if columns.room >= _NAME_ROOM), Columns(width))


def flags(snapshot: Snapshot, forest: Forest) -> tuple[Flag, ...]:
    """What there is to say of a snapshot beside its columns, the gravest first."""
    said = (
        (Flag.CYCLE, snapshot.id in forest.cyclic),
        (Flag.FAILED, not snapshot.ready and bool(snapshot.error)),
        (Flag.NOT_READY, not snapshot.ready and not snapshot.error),
        (Flag.PARTIAL, bool(snapshot.missing)),
        (Flag.ORPHAN, snapshot.id in forest.orphans),
        (Flag.CURRENT, snapshot.id == forest.current),
        (Flag.BASELINE, bool(snapshot.baseline)),
        (Flag.PROTECTED, snapshot.protected),
        (Flag.GROUP, snapshot.group is not None and snapshot.group.is_one_moment),
        (Flag.SCATTERED, snapshot.group is not None and not snapshot.group.is_one_moment),
        (Flag.INFERRED, snapshot.inferred),
    )
    return tuple(flag for flag, is_so in said if is_so)


def lanes(row: Row, forest: Forest, room: int) -> Line:
    """The lines left of a node and its marker. Lanes that `room` cells cannot hold are cut off on the left."""
    pieces: list[Piece] = []
    for lane, leads_to in enumerate(row.rails):
        if lane == row.lane - 1 and row.join is not Join.STRAIGHT:
            pieces.extend(_joint(row, leads_to, forest))
        elif leads_to is None:
            pieces.append(Piece("  ", RAIL))
        else:
            pieces.append(Piece(_DASHED if _is_inferred(leads_to, forest) else _SOLID, _rail(leads_to, forest)))
            pieces.append(Piece(" ", RAIL))
    lane_room = max(1, room // 2)
    if row.lane > lane_room:
        text = "".join(piece.text for piece in pieces)
        pieces = [Piece(_CUT, RAIL), Piece(text[len(text) - 2 * lane_room + 1 :], RAIL)]
    return (*pieces, marker(row.node, forest))


def marker(node: Node, forest: Forest) -> Piece:
    """The sign of a node: the consistency of a snapshot, another vm, or "you are here"."""
    if isinstance(node, Fork):
        shown = marks.FORK
    else:
        shown = marks.NOW if node is NOW else mark(forest.snapshots[node].consistency)
    return Piece(shown.glyph, shown.style)


def line(row: Row, forest: Forest, columns: Columns, now: datetime, state: VmState) -> Line:
    """One line, exactly `columns.width` cells wide. `state` is what the vm is doing now."""
    left = lanes(row, forest, columns.room // 2)
    room = max(0, columns.room - sum(len(piece.text) for piece in left) - 1)
    if row.node is NOW:
        shown = mark(state)
        here = Piece(" " + marks.NOW.word, marks.NOW.style)
        doing = Piece(_GAP + shown.text, shown.style)
        has_room = sum(cell_len(piece.text) for piece in (*left, here, doing)) <= columns.width
        return exactly((*left, here, doing) if has_room else (*left, here), columns.width)
    if isinstance(row.node, Fork):
        words = Piece(_GAP + marks.FORK.word, "foreground-muted")
        name = cut(row.node.vm, max(1, room - len(words.text)))
        return exactly((*left, Piece(" " + name, marks.FORK.style), words), columns.width)
    snapshot = forest.snapshots[row.node]
    style = "foreground" if snapshot.ready else "foreground-muted"
    said = _said(snapshot, forest, room)
    name_room = max(1, room - sum(cell_len(word.text) for word in said))
    name = cut(snapshot.name, name_room)
    padding = " " * (name_room - cell_len(name))
    return exactly(
        (*left, Piece(" " + name, style), *said, Piece(padding, style), *_cells(snapshot, columns, now)),
        columns.width,
    )


def picture(rows: Sequence[Row], forest: Forest, width: int, now: datetime, state: VmState) -> list[str]:
    """The whole graph as plain text, one string a line, without the blanks at its end."""
    columns = fit_columns(width, forest.snapshots.values())
    return ["".join(piece.text for piece in line(row, forest, columns, now, state)).rstrip() for row in rows]


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, with an ellipsis where something is left out."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + _CUT if width > 0 else ""


def _said(snapshot: Snapshot, forest: Forest, room: int) -> Line:
    """The flags with their words, or by their glyphs alone where the words would cost too much of the name."""
    flagged = tuple(mark(flag) for flag in flags(snapshot, forest))
    words = tuple(Piece(_GAP + shown.text, shown.style) for shown in flagged)
    glyphs = tuple(Piece(" " + shown.glyph, shown.style) for shown in flagged)
    taken, least = (sum(cell_len(piece.text) for piece in pieces) for pieces in (words, glyphs))
    name = cell_len(snapshot.name)
    is_costly = taken > room // 2 or name + least <= room < name + taken
    return glyphs if is_costly else words


def _cells(snapshot: Snapshot, columns: Columns, now: datetime) -> Iterable[Piece]:
    if columns.age:
        yield Piece(_GAP + sizes.age(snapshot.created, now).rjust(sizes.AGE_WIDTH), "foreground-muted")
    if columns.consistency:
        shown = mark(snapshot.consistency)
        yield Piece(_GAP + shown.word.ljust(_WORD_WIDTH), shown.style)
    if columns.kind:
        shown = mark(snapshot.kind)
        yield Piece(_GAP + shown.word.ljust(_KIND_WIDTH), shown.style)
    if columns.size:
        yield Piece(_GAP + sizes.size(snapshot.size).rjust(sizes.SIZE_WIDTH), "foreground-muted")


def _joint(row: Row, leads_to: Node | None, forest: Forest) -> Line:
    if row.join is Join.ROOT or leads_to is None:
        return (Piece(_STUB + _ACROSS, RAIL),)
    across = _ACROSS_DASHED if _is_inferred(row.node, forest) else _ACROSS
    return Piece(_FORK, _rail(leads_to, forest)), Piece(across, RAIL)


def _rail(leads_to: Node, forest: Forest) -> str:
    return TRUNK if leads_to is NOW or leads_to in forest.lineage else RAIL


def _is_inferred(node: Node, forest: Forest) -> bool:
    return isinstance(node, str) and forest.snapshots[node].inferred


def cells(text: str) -> int:
    """How many cells `text` takes; many a text is plain ASCII, which tells that soonest."""
    return len(text) if text.isascii() else cell_len(text)


def exactly(pieces: Line, width: int) -> Line:
    """`pieces` cut or filled up to `width` cells."""
    fitted = []
    for piece in pieces:
        taken = cells(piece.text)
        if taken > width:
            fitted.append(Piece(set_cell_size(piece.text, width), piece.style))
            return tuple(fitted)
        fitted.append(piece)
        width -= taken
    return (*fitted, Piece(" " * width, "foreground")) if width else tuple(fitted)
