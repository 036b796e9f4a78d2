"""What a request would do: a pure function of the request and the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import (
    Delete,
    Edit,
    Plan,
    Power,
    Refusal,
    Restore,
    Step,
    Take,
    Thaw,
    no_layers,
)
from vmsnap_tui.platforms.demo.methods import standing
from vmsnap_tui.platforms.demo.plan_delete import plan_delete
from vmsnap_tui.platforms.demo.plan_restore import plan_restore
from vmsnap_tui.platforms.demo.plan_take import name_refusals, plan_take, quoted
from vmsnap_tui.platforms.demo.shape import Shape
from vmsnap_tui.platforms.marking import bad_baseline, marking
from vmsnap_tui.platforms.powering import plan_power

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import JsonValue, Request
    from vmsnap_tui.platforms.demo.facts import DemoFacts


def plan(request: Request, facts: DemoFacts) -> Plan:
    """What `request` would do here."""
    if isinstance(request, Take):
        return plan_take(request, facts)
    if isinstance(request, Thaw):
        return _thaw(request, facts)
    if isinstance(request, Power):
        return plan_power(request, facts.vm, standing(facts))
    if isinstance(request, Restore | Delete | Edit):
        return _of_snapshot(request, facts)
    return no_layers(request, facts.vm.name, "the demo")


def _of_snapshot(request: Restore | Delete | Edit, facts: DemoFacts) -> Plan:
    target = facts.snapshot(request.snapshot.id)
    if target is None:
        refusal = Refusal("no-snapshot", f"there is no snapshot {quoted(request.snapshot.id)} (any more)", "refresh")
        return Plan(request, f"No snapshot {quoted(request.snapshot.id)}", facts.vm.name, refusals=(refusal,))
    if isinstance(request, Restore):
        return plan_restore(request, target, facts)
    if isinstance(request, Delete):
        return plan_delete(request, target, facts)
    return _edit(request, facts)


def _edit(request: Edit, facts: DemoFacts) -> Plan:
    old = next(snapshot for snapshot in facts.snapshots if snapshot.id == request.snapshot.id)
    refusals = list(standing(facts))
    renames = request.name is not None and request.name != old.name
    describes = request.description is not None and request.description != old.description
    if renames and request.name is not None:
        if facts.shape is Shape.OPENSHIFT:
            refusals.append(
                Refusal("rename-unsupported", "the cluster can't rename a snapshot", "change the description")
            )
        else:
            refusals += name_refusals(request.name, facts)
    marks, _ = marking(request, old)
    refusals += bad_baseline(request)
    if not renames and not describes and not marks:
        refusals.append(Refusal("nothing-to-do", "nothing would change", "give another name or description"))
    params: dict[str, JsonValue] = {"snapshot": old.id}
    if renames:
        params["name"] = request.name
    if describes:
        params["description"] = request.description
    params |= marks
    step = Step("edit", request.vm, f"write the record of {quoted(old.name)} anew", params)
    return Plan(request, f"Edit snapshot {quoted(old.name)}", facts.vm.name, (step,), refusals=tuple(refusals))


def _thaw(request: Thaw, facts: DemoFacts) -> Plan:
    refusals = [refusal for refusal in standing(facts) if refusal.code == "read-only"]
    state = facts.freeze.state
    if state is FreezeState.UNAVAILABLE:
        refusals.append(Refusal("no-agent", "no guest agent answers", "look at the guest's console"))
    elif state is FreezeState.HIDDEN:
        refusals.append(Refusal("thaw-unsupported", "the platform freezes and thaws by itself and does not tell"))
    elif state not in {FreezeState.FROZEN, FreezeState.FAILED}:
        refusals.append(Refusal("not-frozen", f"the guest's file systems are {state.value}"))
    step = Step("thaw", request.vm, "thaw the guest's file systems")
    return Plan(request, "Thaw the file systems", facts.vm.name, (step,), refusals=tuple(refusals))
