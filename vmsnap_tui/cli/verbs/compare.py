"""compare: what differs between two moments of a vm. Changes nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.output import emit, painted, say
from vmsnap_tui.cli.session import engine_for, find_snapshot, snapshots_of
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup

if TYPE_CHECKING:
    from vmsnap_tui.model.compare import Comparison


@click.command("compare", cls=Verb)
@click.argument("vm")
@click.argument("snapshot")
@click.argument("other", required=False, default="")
@json_option
@pass_setup
def compare_verb(setup: Setup, vm: str, snapshot: str, other: str, *, as_json: bool) -> int:
    """What differs between SNAPSHOT and OTHER, or now: the vm's definition, its disks, and how much was written.

    How much was written is the most that it can be, where the platform tells. The older moment comes first, whichever
    way round they are named.
    """
    return asyncio.run(_compare(setup, vm, snapshot, other, as_json=as_json))


async def _compare(setup: Setup, name: str, first: str, second: str, *, as_json: bool) -> int:
    from vmsnap_tui.engine.compare import compare

    async with engine_for(setup, name) as engine:
        vm = await engine.find(name)
        known = await snapshots_of(engine, vm.ref)
        chosen = [find_snapshot(known, each, vm.name) for each in (first, second) if each]
        found = await compare(engine, vm.ref, chosen[0], chosen[1] if len(chosen) > 1 else None)
    if as_json:
        emit({"comparison": found})
    else:
        _tell(found, vm.name)
    return Exit.OK


def _tell(found: Comparison, vm_name: str) -> None:
    from vmsnap_tui.model.text import clean
    from vmsnap_tui.present import compare

    say(f"{clean(vm_name)}: {compare.title(found.older, found.newer)}")
    say()
    for line in compare.lines(found):
        say("".join(painted(piece.text, piece.style) for piece in line))
