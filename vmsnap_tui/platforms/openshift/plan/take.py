"""Taking a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.model.settings import setting_refusals, settled
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.platforms.openshift.facts import Right
from vmsnap_tui.platforms.openshift.plan import methods
from vmsnap_tui.platforms.openshift.plan.rules import bad_description, bad_name, labels, not_allowed, quoted, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vmsnap_tui.model.plan import JsonValue, Take
    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts, Volume


def plan_take(request: Take, facts: OpenShiftFacts) -> Plan:
    """Take a snapshot by the method asked for, or else by the recommended one: one step, that leaves all or nothing."""
    title = f"Take snapshot {quoted(request.name)}"
    method = request.method or methods.recommended(facts)
    if method not in methods.ALL:
        refusal = Refusal(
            "no-such-method", f"OpenShift has no method {quoted(method)}", f"one of {', '.join(methods.ALL)}"
        )
        return Plan(request, title, facts.vm.name, refusals=(refusal, *bad_name(request.name, facts)))
    volumes = facts.snapshottable
    if request.disks is not None:
        volumes = tuple(volume for volume in volumes if volume.disk in request.disks)
    offered = methods.settings(method)
    values = settled(offered, request.settings)
    return Plan(
        request,
        title,
        facts.vm.name,
        (_step(request, method, facts, volumes, values),),
        cautions=tuple(_cautions(method, facts, volumes, values)),
        refusals=(
            *bad_name(request.name, facts),
            *bad_description(request.description),
            *methods.refusals(method, facts, volumes),
            *_disk_refusals(request, method, facts),
            *setting_refusals(offered, request.settings),
            *_bad_settings(method, values),
            *(_not_together(method, facts) if request.group else ()),
        ),
        consistency=methods.consistency(method, facts),
    )


def _step(
    request: Take, method: str, facts: OpenShiftFacts, volumes: Sequence[Volume], values: Mapping[str, str]
) -> Step:
    frozen = methods.freezes(method, facts)
    noted: dict[str, JsonValue] = {**(labels(values[methods.LABELS]) or {})}
    where = ", ".join(volume.disk for volume in volumes) or "nothing"
    waits = "wait for the others, " if request.group else ""
    cut: list[JsonValue] = [
        {"disk": volume.disk, "claim": volume.claim, "class": volume.snapshot_class, "size": volume.size}
        for volume in volumes
    ]
    return Step(
        "take" if method == methods.VM else "cut",
        request.vm,
        clean(f"freeze the guest, {waits}cut {where}, thaw it" if frozen else f"{waits}cut {where}"),
        {
            "name": request.name,
            "description": request.description,
            "vm_uid": facts.uid,
            "state": facts.vm.state.value,
            "volumes": cut,
            "freeze": frozen,
            "deadline": seconds(values.get(methods.DEADLINE, "0")),
            "retains": values.get(methods.POLICY) == methods.RETAIN,
            "labels": noted,
            "line": list(facts.line),
            "together": bool(request.group),
        },
        freezes=frozen,
        cancellable=True,
    )


def _not_together(method: str, facts: OpenShiftFacts) -> Iterator[Refusal]:
    """The freeze of a part of a group is ours, and so is the note of what it is a part of."""
    if methods.freezes(method, facts):
        yield from not_allowed(facts, Right.FREEZE, Right.THAW)
    yield from not_allowed(facts, Right.EDIT if method == methods.VM else Right.RELABEL)


def _disk_refusals(request: Take, method: str, facts: OpenShiftFacts) -> Iterator[Refusal]:
    if request.disks is None:
        return
    reasons = {volume.disk: volume.why_not for volume in facts.volumes}
    known = {disk.id for disk in facts.vm.disks} | set(reasons)
    for disk in request.disks:
        if disk not in known:
            yield Refusal("no-such-disk", f"the vm has no disk {quoted(disk)}", f"one of {', '.join(sorted(known))}")
        elif why := reasons.get(disk, "it is no volume of the storage"):
            yield Refusal("disk-excluded", f"{disk} cannot be part of it: {clean(why)}", "leave it out")
    if method == methods.VM and {volume.disk for volume in facts.snapshottable} - set(request.disks):
        yield Refusal("all-disks", "a VM snapshot always takes all volumes", f"choose all, or {methods.VOLUMES}")


def _bad_settings(method: str, values: Mapping[str, str]) -> Iterator[Refusal]:
    if methods.DEADLINE in values:
        limit = seconds(values[methods.DEADLINE])
        if limit is None:
            yield Refusal(
                "bad-setting", f"{quoted(values[methods.DEADLINE])} is no length of time", "such as 5m or 90s"
            )
        elif not limit and method == methods.FROZEN:
            yield Refusal("bad-setting", "no guest is frozen without an end to it", "such as 5m or 90s")
    if labels(values[methods.LABELS]) is None:
        yield Refusal(
            "bad-setting",
            f"{quoted(values[methods.LABELS])} are no labels of Kubernetes",
            "such as team=shop,stage=test",
        )


def _cautions(
    method: str, facts: OpenShiftFacts, volumes: Sequence[Volume], values: Mapping[str, str]
) -> Iterator[str]:
    taken = {volume.disk for volume in volumes}
    for volume in facts.volumes:
        if volume.disk not in taken:
            yield f"Not part of it: {volume.disk}{f' ({clean(volume.why_not)})' if volume.why_not else ''}."
    others = [disk.id for disk in facts.vm.disks if disk.writable and disk.id not in {v.disk for v in facts.volumes}]
    if others:
        yield f"Not part of it, and new with every start of the vm: {', '.join(others)}."
    if methods.consistency(method, facts) is Consistency.CRASH:
        why = _why_not_frozen(method, facts)
        yield f"The guest is not frozen ({why}): a restore is like a start after a power cut."
        if len(volumes) > 1:
            yield "The volumes are cut one after the other, not at one instant."
    if method != methods.VM and facts.vm.tpm:
        yield "The state of the TPM is not part of it."
    if method == methods.VM and seconds(values[methods.DEADLINE]) == 0:
        yield "It has no deadline: if it hangs, nothing ends it, and nothing thaws a guest that it has frozen."
    if values.get(methods.POLICY) == methods.RETAIN:
        yield "Its data stays in the storage when it is deleted (deletion policy Retain)."


def _why_not_frozen(method: str, facts: OpenShiftFacts) -> str:
    if facts.vm.state is VmState.PAUSED:
        return "it is paused"
    if facts.vm.agent is not AgentState.CONNECTED:
        return "no agent answers"
    return "this method does not freeze" if method == methods.VOLUMES else "it is not running"
