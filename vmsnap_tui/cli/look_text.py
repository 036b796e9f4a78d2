"""What ls, tree and methods print for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vmsnap_tui.cli.output import Cell, columns, marked, painted, width
from vmsnap_tui.cli.session import ordered, sorted_vms
from vmsnap_tui.model.forest import Forest
from vmsnap_tui.model.lanes import lay_out
from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.graph import fit_columns, line
from vmsnap_tui.present.marks import mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.advice import Advice
    from vmsnap_tui.model.plan import Method, WayBack
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm


def vm_table(engine: Engine, *, snapshots: bool) -> None:
    """One line for each vm, site by site."""
    now = datetime.now(UTC)
    is_alone = len(engine.store.sites) == 1
    rows = []
    for site in engine.store.sites:
        for vm in sorted_vms(engine, site):
            row = [
                Cell("" if is_alone else site),
                Cell(vm.group),
                Cell(vm.name),
                marked(mark(vm.state)),
                marked(mark(vm.agent)),
                Cell(sizes.size(vm.memory), right=True),
                Cell(str(len(vm.disks)), right=True),
            ]
            rows.append(row + (_about(engine.store.snapshots(vm.ref) or (), now) if snapshots else []))
    heads = ["SITE", "GROUP", "VM", "STATE", "AGENT", "MEMORY", "DISKS"]
    columns(rows, heads + (["SNAPSHOTS", "NEWEST", "AGE", "WORTH"] if snapshots else []))


def _about(snapshots: Sequence[Snapshot], now: datetime) -> list[Cell]:
    if not snapshots:
        return [Cell("0", right=True), Cell(""), Cell(""), Cell("")]
    newest = ordered(snapshots)[-1]
    return [
        Cell(str(len(snapshots)), right=True),
        Cell(newest.name),
        Cell(sizes.age(newest.created, now), right=True),
        marked(mark(newest.consistency)),
    ]


def graph(vm: Vm, snapshots: Sequence[Snapshot]) -> Iterator[str]:
    """A vm's line, and its snapshots below."""
    state = mark(vm.state)
    yield f"{vm.name}  {painted(state.text, state.style)}"
    if not snapshots:
        yield "no snapshots yet"
        return
    forest = Forest(snapshots)
    fitted = fit_columns(width(), snapshots)
    now = datetime.now(UTC)
    for row in lay_out(forest):
        pieces = line(row, forest, fitted, now, vm.state)
        yield "".join(painted(piece.text, piece.style) for piece in pieces).rstrip()


def better_text(advice: Sequence[Advice]) -> Iterator[str]:
    """What would make better snapshots possible, and the commands for it."""
    if advice:
        yield ""
        yield "To get better ones:"
    for each in advice:
        yield f"{painted(marks.POSSIBLE.glyph, marks.POSSIBLE.style)} {clean(each.what)}"
        yield f"    {'gains:':9}{clean(each.gains)}"
        if each.caution:
            yield f"    {'mind:':9}{clean(each.caution)}"
        yield from (f"    {line}" for line in clean_lines(each.command).splitlines())


def advice(way: Method) -> Iterator[str]:
    """A method, what it costs, and why it is not possible now."""
    worth = mark(way.consistency)
    yield _head(way, f"  {painted(worth.text, worth.style)}")
    for label, text in (("pause", way.pause), ("space", way.space), ("restore", way.restore), ("limits", way.limits)):
        if text:
            yield f"    {label + ':':9}{clean(text)}"
    yield from _choices(way)


def way_text(way: WayBack) -> Iterator[str]:
    """A way to restore a snapshot, and why it is not possible now."""
    yield _head(way)
    if way.detail:
        yield f"    {clean(way.detail)}"
    yield from _choices(way)


def _head(way: Method | WayBack, worth: str = "") -> str:
    shown = marks.REFUSED if way.refusals else marks.RECOMMENDED if way.recommended else marks.POSSIBLE
    recommended = f"  {marks.RECOMMENDED.word}" if way.recommended else ""
    said = f"{painted(shown.glyph, shown.style)} {clean(way.id)}: {clean(way.label)}"
    return f"{said}{worth}{painted(recommended, marks.RECOMMENDED.style)}"


def _choices(way: Method | WayBack) -> Iterator[str]:
    for setting in way.settings:
        among = f" (one of {', '.join(map(clean, setting.choices))})" if setting.choices else ""
        hint = f"; {clean(setting.hint)}" if setting.hint else ""
        yield f"    {'--set':9}{setting.id}={clean(setting.value)}{among}: {setting.label}{hint}"
    for refusal in way.refusals:
        yield f"    {'not now:':9}{clean(refusal.why)} [{refusal.code}]"
        if refusal.instead:
            yield f"    {'instead:':9}{clean(refusal.instead)}"
