"""The planner: a pure function from a request and the facts to a plan.

Every rule on what is possible, safe and recommended on libvirt lives in this package, once. Many come from reading
what libvirt does and trying it; where a rule guards against a trap of libvirt, its comment says which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Delete, Discard, Edit, EndJob, Merge, Power, Restore, Take, Thaw
from vmsnap_tui.platforms.libvirt.plan.delete import plan_delete
from vmsnap_tui.platforms.libvirt.plan.edit import plan_edit
from vmsnap_tui.platforms.libvirt.plan.layers import plan_discard, plan_end_job
from vmsnap_tui.platforms.libvirt.plan.merge import plan_merge
from vmsnap_tui.platforms.libvirt.plan.restore import plan_restore
from vmsnap_tui.platforms.libvirt.plan.rules import not_now
from vmsnap_tui.platforms.libvirt.plan.take import plan_take
from vmsnap_tui.platforms.libvirt.plan.thaw import plan_thaw
from vmsnap_tui.platforms.powering import plan_power

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import LayerRequest, Plan, Request
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
            return _of_vm_or_layers(request, facts)


def _of_vm_or_layers(request: Power | LayerRequest, facts: LibvirtFacts) -> Plan:
    match request:
        case Power():
            return plan_power(request, facts.vm, not_now(facts))
        case Merge():
            return plan_merge(request, facts)
        case EndJob():
            return plan_end_job(request, facts)
        case Discard():
            return plan_discard(request, facts)
