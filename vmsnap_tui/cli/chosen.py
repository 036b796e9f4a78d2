"""Several vms by names and patterns."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from vmsnap_tui.cli.session import all_listed, sorted_vms
from vmsnap_tui.model.errors import Missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.vm import Vm, VmRef


async def chosen_vms(engine: Engine, names: Sequence[str]) -> list[Vm]:
    """The vms that are meant, each once. Raises Missing where a name or a pattern means none, and what a site raises
    that cannot be read: a pattern must not leave out what it does not see.
    """
    found: dict[VmRef, Vm] = {}
    for name in names:
        if not any(sign in name for sign in "*?["):
            vm = await engine.find(name)
            found[vm.ref] = vm
            continue
        await all_listed(engine)
        fitting = [
            vm
            for site in engine.store.sites
            for vm in sorted_vms(engine, site)
            if fnmatchcase(vm.name, name) or fnmatchcase(f"{site}/{vm.name}", name)
        ]
        if not fitting:
            raise Missing(f"no vm is called like {name}", "list them with: vmsnap ls")
        found |= {vm.ref: vm for vm in fitting}
    return list(found.values())
