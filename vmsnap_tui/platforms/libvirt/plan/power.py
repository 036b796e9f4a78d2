"""Starting a vm, and having its guest shut down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Plan, Step, power_refusals, power_title
from vmsnap_tui.platforms.libvirt.plan.rules import not_now

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Power
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts


def plan_power(request: Power, facts: LibvirtFacts) -> Plan:
    """One call, and waiting until it is so."""
    step = Step(
        "power",
        request.vm,
        "start the vm" if request.on else "have the guest shut down",
        {"on": request.on},
        cancellable=not request.on,
    )
    refusals = (*not_now(facts), *power_refusals(request, facts.vm))
    return Plan(request, power_title(request), facts.vm.name, (step,), refusals=refusals)
