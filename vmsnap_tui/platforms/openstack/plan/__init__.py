"""The planner: a pure function from a request and the facts to a plan.

Every rule on what is possible, safe and recommended on OpenStack lives in this package, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Delete, Edit, Plan, Power, Refusal, Restore, Take, Thaw, no_layers
from vmsnap_tui.platforms.openstack.plan.delete import plan_delete
from vmsnap_tui.platforms.openstack.plan.edit import plan_edit
from vmsnap_tui.platforms.openstack.plan.restore import plan_restore
from vmsnap_tui.platforms.openstack.plan.rules import not_now, quoted, read_only
from vmsnap_tui.platforms.openstack.plan.take import plan_take
from vmsnap_tui.platforms.powering import plan_power

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Request
    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts


def plan(request: Request, facts: OpenStackFacts) -> Plan:
    """What `request` would do."""
    if isinstance(request, Take):
        return plan_take(request, facts)
    if isinstance(request, Power):
        return plan_power(request, facts.vm, not_now(facts))
    if isinstance(request, Thaw):
        refusal = Refusal("thaw-unsupported", "Nova freezes and thaws by itself, and nobody else can")
        return Plan(request, "Thaw the file systems", facts.vm.name, refusals=(*read_only(facts), refusal))
    if isinstance(request, Restore | Delete | Edit):
        return _of_snapshot(request, facts)
    return no_layers(request, facts.vm.name, "OpenStack")


def _of_snapshot(request: Restore | Delete | Edit, facts: OpenStackFacts) -> Plan:
    snapshot = facts.snapshot(request.snapshot.id)
    if snapshot is None:
        name = quoted(request.snapshot.id)
        refusal = Refusal("no-snapshot", f"there is no snapshot {name} (any more)", "refresh")
        return Plan(request, f"No snapshot {name}", facts.vm.name, refusals=(refusal,))
    if isinstance(request, Restore):
        return plan_restore(request, snapshot, facts)
    if isinstance(request, Delete):
        return plan_delete(request, snapshot, facts)
    return plan_edit(request, snapshot, facts)
