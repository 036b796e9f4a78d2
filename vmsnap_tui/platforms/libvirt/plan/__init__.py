"""The planner: a pure function from a request and the facts to a plan.

Every rule on what is possible, safe and recommended on libvirt lives in this package, once. Many come from reading
what libvirt does and trying it; where a rule guards against a trap of libvirt, its comment says which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Delete, Edit, Restore, Take, Thaw, no_layers
from vmsnap_tui.platforms.libvirt.plan.delete import plan_delete
from vmsnap_tui.platforms.libvirt.plan.edit import plan_edit
from vmsnap_tui.platforms.libvirt.plan.restore import plan_restore
from vmsnap_tui.platforms.libvirt.plan.take import plan_take
from vmsnap_tui.platforms.libvirt.plan.thaw import plan_thaw

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Plan, Request
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts


def plan(request: Request, facts: LibvirtFacts) -> Plan:
    """What `request` would do."""
    match request:
        case Take():
            return plan_take(request, facts)
        case Restore():
            return plan_restore(request, facts)
        case Delete():
            return plan_delete(request, facts)
        case Edit():
            return plan_edit(request, facts)
        case Thaw():
            return plan_thaw(request, facts)
        case _:
            return no_layers(request, facts.vm.name, "libvirt")
