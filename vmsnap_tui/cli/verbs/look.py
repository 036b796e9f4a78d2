"""ls, tree and methods: what there is, changing nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from vmsnap_tui.cli.exits import Exit, code_of
from vmsnap_tui.cli.output import Cell, columns, complain, emit, marked, painted, say, shape, width
from vmsnap_tui.cli.session import engine_for, listed, snapshots_of
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.marks import mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.errors import VmsnapError
    from vmsnap_tui.model.plan import Method
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm


@click.command(cls=Verb)
@click.option("--snapshots", is_flag=True, help="Read the snapshots too: how many, and the newest.")
@json_option
@pass_setup
def ls(setup: Setup, *, snapshots: bool, as_json: bool) -> int:
    """The vms of all sites. A site that cannot be reached is told on stderr and in the exit code."""
    return asyncio.run(_ls(setup, snapshots=snapshots, as_json=as_json))


async def _ls(setup: Setup, *, snapshots: bool, as_json: bool) -> int:
    async with engine_for(setup) as engine:
        failed = await listed(engine, snapshots=snapshots)
        if as_json:
            emit({"sites": [_site_shape(engine, name, failed, snapshots=snapshots) for name in engine.store.sites]})
        else:
            _table(engine, snapshots=snapshots)
    for name, error in failed.items():
        complain(error, about=name)
    return code_of(next(iter(failed.values()))) if failed else Exit.OK


def _sorted_vms(engine: Engine, site: str) -> Sequence[Vm]:
    return sorted(engine.store.vms(site), key=lambda vm: (vm.group, vm.name, vm.ref))


def _site_shape(engine: Engine, name: str, failed: Mapping[str, VmsnapError], *, snapshots: bool) -> dict[str, Any]:
    view = engine.store.sites[name]
    vms = _sorted_vms(engine, name)
    more = {vm.ref: {"snapshots": _ordered(engine.store.snapshots(vm.ref) or ())} if snapshots else {} for vm in vms}
    return {
        "name": name,
        "kind": view.site.kind,
        "address": view.site.address,
        "read_only": view.site.read_only,
        "status": view.status,
        "info": view.info,
        "error": failed.get(name),
        "vms": [shape(vm) | more[vm.ref] for vm in vms],
    }


def _ordered(snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
    return sorted(snapshots, key=lambda snapshot: (snapshot.created, snapshot.id))


def _table(engine: Engine, *, snapshots: bool) -> None:
    now = datetime.now(UTC)
    is_alone = len(engine.store.sites) == 1
    rows = []
    for site in engine.store.sites:
        for vm in _sorted_vms(engine, site):
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
    newest = _ordered(snapshots)[-1]
    return [
        Cell(str(len(snapshots)), right=True),
        Cell(newest.name),
        Cell(sizes.age(newest.created, now), right=True),
        marked(mark(newest.consistency)),
    ]


@click.command(cls=Verb)
@click.argument("vm")
@json_option
@pass_setup
def tree(setup: Setup, vm: str, *, as_json: bool) -> int:
    """A vm's snapshots as a graph: time goes down, a branch opens a lane. VM is a name, "site/name" or an id."""
    return asyncio.run(_tree(setup, vm, as_json=as_json))


async def _tree(setup: Setup, name: str, *, as_json: bool) -> int:
    async with engine_for(setup, name) as engine:
        vm = await engine.find(name)
        snapshots = await snapshots_of(engine, vm.ref)
    if as_json:
        emit({"vm": vm, "snapshots": _ordered(snapshots)})
        return Exit.OK
    state = mark(vm.state)
    say(f"{vm.name}  {painted(state.text, state.style)}")
    if snapshots:
        for line in _graph(vm, snapshots):
            say(line)
    else:
        say("no snapshots yet")
    return Exit.OK


def _graph(vm: Vm, snapshots: Sequence[Snapshot]) -> Iterator[str]:
    from vmsnap_tui.model.forest import Forest
    from vmsnap_tui.model.lanes import lay_out
    from vmsnap_tui.present.graph import fit_columns, line

    forest = Forest(snapshots)
    fitted = fit_columns(width(), snapshots)
    now = datetime.now(UTC)
    for row in lay_out(forest):
        pieces = line(row, forest, fitted, now, vm.state)
        yield "".join(painted(piece.text, piece.style) for piece in pieces).rstrip()


@click.command(cls=Verb)
@click.argument("vm")
@json_option
@pass_setup
def methods(setup: Setup, vm: str, *, as_json: bool) -> int:
    """How a vm can be snapshotted now: what each way is worth and costs, and why others are not possible."""
    return asyncio.run(_methods(setup, vm, as_json=as_json))


async def _methods(setup: Setup, name: str, *, as_json: bool) -> int:
    async with engine_for(setup, name) as engine:
        vm = await engine.find(name)
        ways = (await engine.facts(vm.ref)).methods()
    if as_json:
        emit({"vm": vm.ref, "methods": ways})
        return Exit.OK
    for way in ways:
        for text in _advice(way):
            say(text)
    return Exit.OK


def _advice(way: Method) -> Iterator[str]:
    shown = marks.REFUSED if way.refusals else marks.RECOMMENDED if way.recommended else marks.POSSIBLE
    worth = mark(way.consistency)
    recommended = f"  {marks.RECOMMENDED.word}" if way.recommended else ""
    said = f"{painted(shown.glyph, shown.style)} {clean(way.id)}: {clean(way.label)}"
    yield f"{said}  {painted(worth.text, worth.style)}{painted(recommended, marks.RECOMMENDED.style)}"
    for label, text in (("pause", way.pause), ("space", way.space), ("restore", way.restore), ("limits", way.limits)):
        if text:
            yield f"    {label + ':':9}{clean(text)}"
    for refusal in way.refusals:
        yield f"    {'not now:':9}{clean(refusal.why)} [{refusal.code}]"
        if refusal.instead:
            yield f"    {'instead:':9}{clean(refusal.instead)}"
