"""Renaming a snapshot, and describing it anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.platforms.marking import bad_baseline, marking
from vmsnap_tui.platforms.openstack.plan.delete import members
from vmsnap_tui.platforms.openstack.plan.rules import bad_description, bad_name, quoted, read_only

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Edit, JsonValue
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts


def plan_edit(request: Edit, snapshot: Snapshot, facts: OpenStackFacts) -> Plan:
    """Every part of it is written anew."""
    new_name = request.name if request.name not in {None, snapshot.name} else None
    described = request.description is not None and request.description != snapshot.description
    refusals = [*read_only(facts), *bad_baseline(request)]
    params: dict[str, JsonValue] = {"snapshot": snapshot.id, **members(facts.parts[snapshot.id])}
    words = []
    if new_name is not None:
        refusals += bad_name(new_name, facts)
        params["name"] = new_name
        words.append(f"call it {quoted(new_name)}")
    if described:
        refusals += bad_description(request.description or "")
        params["description"] = request.description
        words.append("describe it anew")
    marks, said = marking(request, snapshot)
    params |= marks
    words += said
    if not words:
        refusals.append(Refusal("nothing-to-do", "it is what it is asked to be"))
    steps = (Step("edit", request.vm, ", ".join(words), params),) if words else ()
    return Plan(request, f"Edit snapshot {quoted(snapshot.name)}", facts.vm.name, steps, refusals=tuple(refusals))
