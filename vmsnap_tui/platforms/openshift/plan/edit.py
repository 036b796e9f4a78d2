"""Describing a snapshot anew. Kubernetes renames nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.platforms.openshift.facts import Right
from vmsnap_tui.platforms.openshift.plan.rules import bad_description, not_allowed, quoted, read_only

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Edit, JsonValue
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts


def plan_edit(request: Edit, snapshot: Snapshot, facts: OpenShiftFacts) -> Plan:
    """One annotation is written."""
    part = facts.part(snapshot.id)
    refusals = [*read_only(facts), *not_allowed(facts, Right.EDIT if part.name else Right.RELABEL)]
    described = request.description is not None and request.description != snapshot.description
    if request.name is not None and request.name != snapshot.name:
        refusals.append(
            Refusal("rename-unsupported", "Kubernetes renames no object", "change the description, or take a new one")
        )
    elif not described:
        refusals.append(Refusal("nothing-to-do", "the description is what it is asked to be"))
    refusals += bad_description(request.description or "")
    names: list[JsonValue] = [cut.name for cut in part.cuts]
    params: dict[str, JsonValue] = {"snapshot": part.name, "cuts": names, "description": request.description}
    step = Step("edit", request.vm, "describe it anew", params)
    title = f"Edit snapshot {quoted(snapshot.name)}"
    return Plan(request, title, facts.vm.name, (step,) if described else (), refusals=tuple(refusals))
