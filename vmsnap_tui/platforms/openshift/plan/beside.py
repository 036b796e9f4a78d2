"""What is made from a snapshot beside the vm, which stays as it is: a new vm, claims, an export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import After, Plan, Step
from vmsnap_tui.platforms.openshift.plan import ways
from vmsnap_tui.platforms.openshift.plan.rules import quoted, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vmsnap_tui.model.plan import JsonValue, Refusal, Restore
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts


def plan_beside(
    request: Restore,
    way: str,
    target: Snapshot,
    values: Mapping[str, str],
    facts: OpenShiftFacts,
    refused: Sequence[Refusal],
) -> Plan:
    """One step, and nothing is lost."""
    make = {ways.NEW_VM: _new_vm, ways.CLAIM: _claims, ways.EXPORT: _export}[way]
    title, step, cautions = make(request, target, values, facts)
    return Plan(
        request, title, facts.vm.name, (step,), cautions=("This vm stays as it is.", *cautions), refusals=tuple(refused)
    )


def _new_vm(
    request: Restore, target: Snapshot, values: Mapping[str, str], facts: OpenShiftFacts
) -> tuple[str, Step, list[str]]:
    part, name = facts.part(target.id), values[ways.NAME]
    clones, runs = ways.by_clone(facts), request.after is After.RUNNING
    prefix = values.get(ways.NAMING) == ways.BY_VM
    label = f"make vm {quoted(name)} of it{', and start it' if runs else '; it stays off'}"
    params: dict[str, JsonValue] = {
        "snapshot": part.name,
        "uid": part.uid,
        "name": name,
        "version": facts.can.clone if clones else "",
        "naming": "PrefixTargetName" if prefix else "",
        "patches": list(part.patches),
        "runs": runs,
        "cuts": [{"disk": cut.disk, "name": cut.name, "size": cut.size} for cut in part.cuts],
    }
    cautions = ["What is configured in the guest (host name, fixed addresses, keys) is the same as here."]
    if target.missing:
        cautions.append(f"Not part of the snapshot, and missing in the new vm: {', '.join(target.missing)}.")
    return f"Make a new vm from snapshot {quoted(target.name)}", Step("launch", request.vm, label, params), cautions


def _claims(
    request: Restore, target: Snapshot, values: Mapping[str, str], facts: OpenShiftFacts
) -> tuple[str, Step, list[str]]:
    cuts: list[JsonValue] = [
        {"disk": cut.disk, "name": cut.name, "claim": cut.claim, "size": cut.size,
         "new": shortened(values[ways.NAME], cut.disk)}
        for cut in facts.part(target.id).cuts
    ]  # fmt: skip
    label = f"make {', '.join(shortened(values[ways.NAME], cut.disk) for cut in facts.part(target.id).cuts)}"
    step = Step("claims", request.vm, label, {"cuts": cuts})
    return (
        f"Make claims from snapshot {quoted(target.name)}",
        step,
        ["Where they are first used decides where they lie."],
    )


def _export(
    request: Restore, target: Snapshot, _values: Mapping[str, str], facts: OpenShiftFacts
) -> tuple[str, Step, list[str]]:
    part = facts.part(target.id)
    params: dict[str, JsonValue] = {"snapshot": part.name, "uid": part.uid, "version": facts.can.export}
    step = Step("export", request.vm, "offer its volumes for download, for two hours", params, cancellable=True)
    cautions = ["Whoever has its token can read all of its volumes."]
    return f"Export snapshot {quoted(target.name)}", step, cautions
