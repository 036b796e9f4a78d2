"""How much the vms of a lab have written since their baselines, where the storage tells."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from vmsnap_tui.model.compare import disk_changes
from vmsnap_tui.model.errors import VmsnapError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.lab import Seat
    from vmsnap_tui.model.survey import Holdings
    from vmsnap_tui.model.vm import VmRef


async def drift(engine: Engine, seats: Sequence[Seat]) -> dict[VmRef, int]:
    """The most that each can have written, in bytes. One that cannot be read, or whose storage does not tell, is
    left out."""
    by_site: dict[str, list[Seat]] = {}
    for seat in seats:
        if seat.baseline is not None:
            by_site.setdefault(seat.vm.ref.site, []).append(seat)
    found = await asyncio.gather(*(_drift(engine, site, those) for site, those in by_site.items()))
    return {vm: most for each in found for vm, most in each.items()}


async def _drift(engine: Engine, site: str, seats: Sequence[Seat]) -> dict[VmRef, int]:
    try:
        survey = await engine.survey(site, [seat.vm.ref for seat in seats])
    except VmsnapError:
        return {}
    known = ((seat.vm.ref, _written(survey.holdings.get(seat.vm.ref), seat)) for seat in seats)
    return {vm: most for vm, most in known if most is not None}


def _written(held: Holdings | None, seat: Seat) -> int | None:
    if held is None or seat.baseline is None:
        return None
    written = [each.changed for each in disk_changes(held, seat.baseline, None)]
    if not written:
        return None
    total = 0
    for each in written:
        if each is None:
            return None
        total += each
    return total
