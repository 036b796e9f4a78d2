"""Chains as lines of text: for each disk its layers, newest first, with a bar to scale and who needs them.

A line is a tuple of pieces, as those of the snapshot graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import set_cell_size

from vmsnap_tui.model.layer import LayerKind
from vmsnap_tui.model.stack import held_by, stacks
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.graph import Piece, cells, cut, exactly

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from vmsnap_tui.model.layer import Hop, Layer
    from vmsnap_tui.model.stack import Stack
    from vmsnap_tui.present.graph import Line

_GAP = "  "
_READS, _TOP, _INSIDE, _ASIDE = ("v", "o", "`", ":") if marks.PLAIN else ("↓", "○", "└", "┊")
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_NAME_ROOM = 32
_QUIET = "foreground-muted"
_NO_SIZE = "not known"

_KINDS = {LayerKind.VOLUME_SNAPSHOT: "snapshot"}
"""Words that are shorter than the kind's own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture: a disk's heading (no layer), or a layer.

    `begins` are the names of the snapshots whose data begins right here. `is_first` says that nothing stands above it
    in its chain or branch, `joins` is the name of the layer that a branch reads on through below this row.
    """

    stack: Stack
    layer: Layer | None = None
    begins: tuple[str, ...] = ()
    is_first: bool = False
    joins: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """What fits into `width` cells. `scale` is the size that the whole bar stands for, in bytes."""

    width: int
    scale: int
    kind: int
    bar: int = 0
    format: int = 0

    @property
    def room(self) -> int:
        """Cells for the name and what is said of it."""
        return self.width - 4 - self.kind - len(_GAP) - sizes.SIZE_WIDTH - len(_GAP) - self._more

    @property
    def _more(self) -> int:
        return sum(cells + len(_GAP) for cells in (self.bar, self.format) if cells)


def rows(layers: Iterable[Layer], names: Mapping[str, str]) -> tuple[Row, ...]:
    """The lines of all disks of a vm. `names` are those of snapshots, by id."""
    layers = tuple(layers)
    begins = held_by(layers)
    found: list[Row] = []
    for stack in stacks(layers):
        found.append(Row(stack))
        called = {layer.place: short(layer) for layer in stack.layers}
        for run, joins in ((stack.chain, ""), *((branch.layers, branch.joins) for branch in stack.branches)):
            for index, layer in enumerate(run):
                ids = begins.get((layer.disk, layer.place), frozenset())
                if layer.kind is LayerKind.INTERNAL:
                    ids = frozenset(layer.snapshots)
                said = tuple(clean(names.get(id_, id_)) for id_ in sorted(ids, key=lambda id_: names.get(id_, id_)))
                joined = called.get(joins, joins) if joins and index == len(run) - 1 else ""
                found.append(Row(stack, layer, said, index == 0, joined))
    return tuple(found)


def fit_columns(width: int, shown: Sequence[Row]) -> Columns:
    """The columns that `width` cells have room for: the format goes first, then the bar gets short and goes."""
    layers = [row.layer for row in shown if row.layer]
    scale = max((layer.used or 0 for layer in layers), default=0)
    kind = max((len(_word(layer)) for layer in layers), default=0)
    form = max((len(layer.format) for layer in layers), default=0)
    wishes = (
        Columns(width, scale, kind, 16, form),
        Columns(width, scale, kind, 10, form),
        Columns(width, scale, kind, 8),
        Columns(width, scale, kind),
    )
    return next((columns for columns in wishes if columns.room >= _NAME_ROOM), Columns(width, scale, kind))


def line(row: Row, columns: Columns) -> Line:
    """One line, exactly `columns.width` cells wide."""
    if row.layer is None:
        return exactly(_heading(row.stack), columns.width)
    layer = row.layer
    style = _style(layer)
    head = (_lead(row), Piece(_word(layer).ljust(columns.kind) + _GAP, style))
    form = Piece(layer.format[: columns.format].ljust(columns.format) + _GAP, _QUIET) if columns.format else None
    gauge = Piece(bar(layer.used, columns.scale, columns.bar) + _GAP, style) if columns.bar else None
    size = Piece(_size(layer).rjust(sizes.SIZE_WIDTH) + _GAP, "foreground" if layer.used is not None else _QUIET)
    pieces = [*head, *(each for each in (form, gauge) if each), size]
    room = max(0, columns.width - sum(cells(piece.text) for piece in pieces))
    called = short(layer)
    said = _said(row, max(room // 2, room - cells(called)))
    name = middle(called, max(1, room - sum(cells(piece.text) for piece in said)))
    return exactly((*pieces, Piece(name, "error" if _is_bad(layer) else "foreground"), *said), columns.width)


def tall(row: Row, columns: Columns) -> Iterator[Line]:
    """The same for a narrow place: kind, bar and size, below them the name, below that what is said of it."""
    width = columns.width
    if row.layer is None:
        yield exactly(_heading(row.stack), width)
        return
    layer = row.layer
    style = _style(layer)
    head = (_lead(row), Piece(_word(layer).ljust(columns.kind) + " ", style))
    size = _size(layer)
    room = width - sum(cells(piece.text) for piece in head) - len(size) - 1
    gauge = Piece(bar(layer.used, columns.scale, room) + " " if room > 0 else "", style)
    yield exactly((*head, gauge, Piece(size, "foreground")), width)
    indent = " " * 4
    for text, ink in ((short(layer), "error" if _is_bad(layer) else _QUIET), *_notes(row)):
        yield exactly((Piece(indent, _QUIET), Piece(middle(text, max(1, width - len(indent))), ink)), width)


def bar(used: int | None, scale: int, width: int) -> str:
    """`used` of `scale` as a bar of `width` cells; anything that is there at all is seen."""
    if width <= 0:
        return ""
    if not used or scale <= 0:
        return " " * width
    if marks.PLAIN:
        return ("#" * max(1, round(used / scale * width))).ljust(width)[:width]
    eighths = min(8 * width, max(1, round(used / scale * width * 8)))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def short(layer: Layer) -> str:
    """The name of a layer without its folder."""
    place = clean(layer.place)
    return place.rstrip("/").rpartition("/")[2] or place if place.startswith("/") else place


def middle(text: str, width: int) -> str:
    """`text` in at most `width` cells; what is left out is left out in the middle, since the ends tell most."""
    if cells(text) <= width or width < 4:
        return cut(text, width)
    tail = (width - 1) // 2
    end = text
    while cells(end) > tail:
        end = end[1:]
    return set_cell_size(text, width - 1 - cells(end)).rstrip() + ("~" if marks.PLAIN else "…") + end


def hop_mark(hop: Hop) -> marks.Mark:
    """How an object on the way to the bytes is marked: ready, not ready, wrong, or nothing said."""
    if hop.error:
        return marks.mark(marks.Flag.FAILED)
    if hop.ready is None:
        return marks.UNTOLD
    return marks.READY if hop.ready else marks.mark(marks.Flag.NOT_READY)


def needs(row: Row, snapshots: Collection[str]) -> bool:
    """Whether one of these snapshots needs the layer of this row."""
    return row.layer is not None and not frozenset(snapshots).isdisjoint(row.layer.snapshots)


def _heading(stack: Stack) -> Line:
    chain = [layer for layer in stack.chain if layer.kind is not LayerKind.INTERNAL]
    count = f"{len(chain)} layer{'' if len(chain) == 1 else 's'}"
    parts = (
        f"{sizes.size(stack.virtual)} for the guest" if stack.virtual is not None else "",
        count,
        f"{sizes.size(stack.used)} kept" if stack.used else "",
        f"{sum(len(branch.layers) for branch in stack.branches)} beside" if stack.branches else "",
    )
    said = "".join(f" · {part}" for part in parts if part)
    return (Piece(clean(stack.disk), "primary"), Piece(said, _QUIET))


def _lead(row: Row) -> Piece:
    """The arrow before a layer, four cells wide."""
    layer = row.layer
    if layer is None:
        return Piece(" " * 4, _QUIET)
    if layer.kind is LayerKind.INTERNAL:
        text = f" {_ASIDE} {_INSIDE}" if layer.aside and not row.is_first else f"   {_INSIDE}"
        return Piece(text[-3:].rjust(3) + " ", _QUIET)
    top = _TOP if layer.aside else marks.NOW.glyph
    sign = top if row.is_first else _READS
    shown = f" {_ASIDE}{sign} " if layer.aside else f"  {sign} "
    is_now = row.is_first and not layer.aside
    return Piece(shown, marks.NOW.style if is_now else _QUIET if layer.aside else "primary")


def _word(layer: Layer) -> str:
    return _KINDS.get(layer.kind, layer.kind.value)


def _size(layer: Layer) -> str:
    return _NO_SIZE if layer.used is None else sizes.size(layer.used)


def _is_bad(layer: Layer) -> bool:
    return layer.kind is LayerKind.MISSING or bool(layer.error) or any(hop.error for hop in layer.hops)


def _style(layer: Layer) -> str:
    if _is_bad(layer):
        return "error"
    if layer.kind is LayerKind.INTERNAL:
        return "secondary"
    if layer.kind is LayerKind.MEMORY:
        return "consistency-memory"
    return "accent" if layer.kind is LayerKind.ACTIVE else _QUIET if layer.aside else "primary"


def _notes(row: Row) -> Iterator[tuple[str, str]]:
    """What is said of a layer, the gravest first."""
    layer = row.layer
    if layer is None:
        return
    if _is_bad(layer):
        why = layer.error or next((hop.error for hop in layer.hops if hop.error), "")
        yield f"{marks.mark(marks.Flag.FAILED).glyph} {clean(why) or 'is not there'}", "error"
    if layer.users:
        more = f" + {len(layer.users) - 2} more" if len(layer.users) > 2 else ""
        yield f"{marks.SHARED.glyph} {', '.join(map(clean, layer.users[:2]))}{more}", marks.SHARED.style
    if row.begins:
        more = f" + {len(row.begins) - 2}" if len(row.begins) > 3 else ""
        shown = row.begins if len(row.begins) <= 3 else row.begins[:2]
        yield f"{marks.HOLDS.glyph} {', '.join(shown)}{more}", marks.HOLDS.style
    if row.joins:
        yield f"{_READS} {row.joins}", _QUIET


def _said(row: Row, room: int) -> Line:
    """As many notes as `room` cells hold; the first one is cut where even that is too long."""
    pieces: list[Piece] = []
    for text, style in _notes(row):
        if cells(text) + len(_GAP) > room:
            if not pieces and room > len(_GAP) + 3:
                pieces.append(Piece(_GAP + cut(text, room - len(_GAP)), style))
            break
        pieces.append(Piece(_GAP + text, style))
        room -= cells(text) + len(_GAP)
    return tuple(pieces)
