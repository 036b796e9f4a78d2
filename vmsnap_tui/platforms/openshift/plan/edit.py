"""Describing a snapshot anew, and protecting it. Kubernetes renames nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.platforms.marking import bad_baseline, marking
from vmsnap_tui.platforms.openshift.facts import Right
from vmsnap_tui.platforms.openshift.plan.rules import bad_description, not_allowed, quoted, read_only

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Edit, JsonValue
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts


def plan_edit(request: Edit, snapshot: Snapshot, facts: OpenShiftFacts) -> Plan:
    """An annotation is written, and a label."""
    part = facts.part(snapshot.id)
    refusals = [
        *read_only(facts),
        *bad_baseline(request),
        *not_allowed(facts, Right.EDIT if part.name else Right.RELABEL),
    ]
    names: list[JsonValue] = [cut.name for cut in part.cuts]
    params: dict[str, JsonValue] = {"snapshot": part.name, "cuts": names}
    words = []
    if request.description is not None and request.description != snapshot.description:
        refusals += bad_description(request.description)
        params["description"] = request.description
        words.append("describe it anew")
    marks, said = marking(request, snapshot)
    params |= marks
    words += said
    if request.name is not None and request.name != snapshot.name:
        refusals.append(
            Refusal("rename-unsupported", "Kubernetes renames no object", "change the description, or take a new one")
        )
    elif not words:
        refusals.append(Refusal("nothing-to-do", "it is what it is asked to be"))
    steps = (Step("edit", request.vm, ", ".join(words), params),) if words else ()
    return Plan(request, f"Edit snapshot {quoted(snapshot.name)}", facts.vm.name, steps, refusals=tuple(refusals))
