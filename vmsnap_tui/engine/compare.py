"""Compares two moments of a vm: asks for both definitions and for the layers, side by side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from vmsnap_tui.model.compare import Comparison, difference, disk_changes, in_order
from vmsnap_tui.model.errors import Conflict, Missing, Unsupported

if TYPE_CHECKING:
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.compare import Definition
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import VmRef


async def compare(engine: Engine, vm: VmRef, first: Snapshot | None, second: Snapshot | None) -> Comparison:
    """What differs between two snapshots, or one and now (None), whichever way round they are given.

    Raises Missing where the vm is gone, Conflict where both are the same.
    """
    older, newer = in_order(first, second)
    if older is None or older == newer:
        raise Conflict("there is nothing to compare", "choose two moments that differ")
    survey, before, after = await asyncio.gather(
        engine.survey(vm.site, [vm]), _definition(engine, vm, older), _definition(engine, vm, newer)
    )
    held = survey.holdings.get(vm)
    if held is None:
        raise Missing("the vm is gone", "refresh")
    disks = tuple(disk_changes(held, older, newer))
    if isinstance(before, str) or isinstance(after, str):
        return Comparison(vm, older, newer, disks=disks, unknown=before if isinstance(before, str) else str(after))
    lines = await asyncio.to_thread(difference, before.text, after.text)
    return Comparison(vm, older, newer, before.language, lines, disks, before.lacks or after.lacks)


async def _definition(engine: Engine, vm: VmRef, snapshot: Snapshot | None) -> Definition | str:
    """Why there is none, where a snapshot keeps none or it can't be read."""
    try:
        return await engine.definition(vm, snapshot.ref if snapshot else None)
    except Unsupported as error:
        return str(error)
