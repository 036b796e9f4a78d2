"""ls, tree and methods: what there is, changing nothing."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from vmsnap_tui.cli.exits import Exit, code_of
from vmsnap_tui.cli.output import complain, emit, say, shape
from vmsnap_tui.cli.session import engine_for, find_snapshot, listed, ordered, snapshots_of, sorted_vms
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.errors import VmsnapError


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
            from vmsnap_tui.cli.look_text import vm_table

            vm_table(engine, snapshots=snapshots)
    for name, error in failed.items():
        complain(error, about=name)
    return code_of(next(iter(failed.values()))) if failed else Exit.OK


def _site_shape(engine: Engine, name: str, failed: Mapping[str, VmsnapError], *, snapshots: bool) -> dict[str, Any]:
    view = engine.store.sites[name]
    vms = sorted_vms(engine, name)
    more = {vm.ref: {"snapshots": ordered(engine.store.snapshots(vm.ref) or ())} if snapshots else {} for vm in vms}
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
        emit({"vm": vm, "snapshots": ordered(snapshots)})
        return Exit.OK
    from vmsnap_tui.cli.look_text import graph

    for line in graph(vm, snapshots):
        say(line)
    return Exit.OK


@click.command(cls=Verb)
@click.argument("vm")
@click.argument("snapshot", required=False, default="")
@json_option
@pass_setup
def methods(setup: Setup, vm: str, snapshot: str, *, as_json: bool) -> int:
    """How a vm can be snapshotted now: what each way is worth and costs, and why others are not possible.

    With SNAPSHOT: how it can be restored, where there are several ways.
    """
    return asyncio.run(_methods(setup, vm, snapshot, as_json=as_json))


async def _methods(setup: Setup, name: str, snapshot: str, *, as_json: bool) -> int:
    async with engine_for(setup, name) as engine:
        vm = await engine.find(name)
        facts = await engine.facts(vm.ref)
    chosen = find_snapshot(facts.snapshots, snapshot, vm.name) if snapshot else None
    methods, ways = (facts.methods(), ()) if chosen is None else ((), facts.ways_back(chosen.ref))
    better = facts.advice() if chosen is None else ()
    if as_json:
        emit(
            {"vm": vm.ref, "methods": methods, "advice": better}
            if chosen is None
            else {"snapshot": chosen.ref, "ways": ways}
        )
        return Exit.OK
    from vmsnap_tui.cli.look_text import advice, better_text, way_text

    for text in (*chain.from_iterable(map(advice, methods)), *chain.from_iterable(map(way_text, ways))):
        say(text)
    for text in better_text(better):
        say(text)
    if chosen is not None and not ways:
        say("there is one way, and nothing to choose")
    return Exit.OK
