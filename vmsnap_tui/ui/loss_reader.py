"""What going back would lose, read a vm at a time while nothing else is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.plan import Restore, usual_after

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.plan import Facts, Plan
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import VmRef

_MOST = 200
"""Vms whose facts are kept: more than fit on a screen."""


class LossReader:
    """Keeps the facts of vms until they change, and plans on them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._facts: dict[VmRef, Facts | VmsnapError] = {}

    def forget(self, vms: Iterable[VmRef]) -> None:
        """These are not as they were."""
        for vm in vms:
            self._facts.pop(vm, None)

    def knows(self, vm: VmRef) -> bool:
        """Whether a plan takes no reading."""
        return vm in self._facts

    async def plan(self, vm: VmRef, snapshot: Snapshot, *, again: bool = False) -> Plan | VmsnapError:
        """What putting a vm back would do; or why nobody can tell, which is asked anew with `again`."""
        known = self._facts.get(vm)
        if known is None or (again and isinstance(known, VmsnapError)):
            try:
                known = await self._engine.facts(vm)
            except VmsnapError as error:
                known = error
            self._facts[vm] = known
            while len(self._facts) > _MOST:
                del self._facts[next(iter(self._facts))]
        if isinstance(known, VmsnapError):
            return known
        return known.plan(Restore(snapshot.ref, usual_after(known.vm, snapshot)))
