"""Restoring a vm, or its volumes, to a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import After, Loss, LossKind, Plan, Refusal, Step, Take
from vmsnap_tui.model.settings import KEEP, OLD_VOLUMES, REMOVE_ALL, setting_refusals, settled
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.platforms.openshift.facts import Right
from vmsnap_tui.platforms.openshift.plan import ways
from vmsnap_tui.platforms.openshift.plan.beside import plan_beside
from vmsnap_tui.platforms.openshift.plan.rules import not_allowed, quoted
from vmsnap_tui.platforms.openshift.plan.take import plan_take

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vmsnap_tui.model.plan import JsonValue, Restore
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts, Volume


def plan_restore(request: Restore, target: Snapshot, facts: OpenShiftFacts) -> Plan:
    """What stands in the way is cleared, a safety snapshot taken where one is asked for, and all the rest is one step:
    half a restore helps nobody.
    """
    way = request.how or ways.recommended(request.snapshot, facts)
    title = f"Restore snapshot {quoted(target.name)}"
    known = ways.fitting(facts.part(target.id))
    if way not in known:
        refusal = Refusal("no-such-way", f"this snapshot cannot be restored by {quoted(way)}", ", ".join(known))
        return Plan(request, title, facts.vm.name, refusals=(refusal,))
    offered = ways.settings(way, target, facts)
    values = settled(offered, request.settings)
    refused = [
        *ways.refusals(way, target, facts),
        *setting_refusals(offered, request.settings),
        *ways.setting_rules(request, way, target, values, facts),
    ]
    if request.after is After.PAUSED:
        refused.append(Refusal("after-unsupported", "a restored vm is not left paused here", "choose running or off"))
    if way not in ways.ON_THE_VM:
        return plan_beside(request, way, target, values, facts, refused)
    safety = plan_take(Take(request.vm, request.safety), facts) if request.safety else None
    if _runs_after(request, facts):
        refused += not_allowed(facts, Right.START)
    refused += _would_lose(way, target, facts, safety)
    if safety:
        refused += [each for each in safety.refusals if each not in refused]
    clearing = [_clear(request, restore.name) for restore in facts.restores if restore.failed and way != ways.SWAP]
    return Plan(
        request,
        title,
        facts.vm.name,
        (*clearing, *(safety.steps if safety else ()), _step(request, way, target, values, facts)),
        losses=tuple(_losses(way, target, values, facts, safety)),
        cautions=(*_cautions(way, target, values, facts), *(safety.cautions if safety else ())),
        refusals=tuple(refused),
        consistency=safety.consistency if safety else None,
        notes=safety.notes if safety else (),
    )


def _runs_after(request: Restore, facts: OpenShiftFacts) -> bool:
    if request.after is After.AS_TAKEN:  # a cluster leaves the vm's own will as it is
        return facts.running
    return request.after is After.RUNNING


def _clear(request: Restore, name: str) -> Step:
    return Step("clear", request.vm, f"remove failed restore {quoted(name)}", {"restore": name})


def _step(request: Restore, way: str, target: Snapshot, values: Mapping[str, str], facts: OpenShiftFacts) -> Step:
    part, runs = facts.part(target.id), _runs_after(request, facts)
    stops = facts.running and values[ways.RUNNING] == ways.STOP
    by_us = stops and (way == ways.SWAP or Right.STOP not in facts.denied)
    readiness = ""
    if facts.can.readiness:
        waits = facts.running and values[ways.RUNNING] == ways.WAIT
        # The vm is off when it is asked for: should somebody start it in between, nothing is to be done.
        readiness = "WaitEventually" if waits else "StopTarget" if stops and not by_us else "FailImmediate"
    disks = ", ".join(cut.disk for cut in part.cuts)
    words = ["stop the vm"] if stops else ["wait until the vm is off"] if facts.running else []
    words.append(
        {
            ways.KEEP: f"make new volumes for {disks}",
            ways.IN_PLACE: f"put {disks} back in place",
            ways.SWAP: f"swap in new claims for {disks}",
        }[way]
    )
    if removed := _removed(way, target, values, facts):
        words.append(f"remove {', '.join(removed)}")
    words.append(f"the vm ends {'running' if runs else 'off'}")
    now = {volume.disk: volume for volume in facts.volumes}
    cuts: list[JsonValue] = [
        {
            "disk": cut.disk,
            "name": cut.name,
            "claim": now[cut.disk].claim if cut.disk in now else cut.claim,
            "size": max(cut.size, now[cut.disk].size) if cut.disk in now else cut.size,
        }
        for cut in part.cuts
    ]
    params: dict[str, JsonValue] = {
        "snapshot": part.name or target.id,
        "uid": part.uid,
        "vm_uid": facts.uid,
        "policy": "InPlace" if way == ways.IN_PLACE else "",
        "readiness": readiness,
        "stop": by_us,
        "runs": runs,
        "cuts": cuts,
        "remove": list(removed),
    }
    return Step("swap" if way == ways.SWAP else "restore", request.vm, ", ".join(words), params)


def _removed(way: str, target: Snapshot, values: Mapping[str, str], facts: OpenShiftFacts) -> Sequence[str]:
    """The claims that are removed in the end: those that are let go now, and on request what earlier restores left."""
    if values.get(OLD_VOLUMES, KEEP) == KEEP:
        return ()
    restored = {cut.disk for cut in facts.part(target.id).cuts}
    earlier = facts.leftovers if values[OLD_VOLUMES] == REMOVE_ALL else ()
    return [*(volume.claim for volume in facts.volumes if volume.disk in restored), *earlier]


def _would_lose(way: str, target: Snapshot, facts: OpenShiftFacts, safety: Plan | None) -> Iterator[Refusal]:
    if way == ways.SWAP:
        return
    for volume in ways.doomed_disks(facts.part(target.id), facts):
        if safety is None or volume.why_not:
            yield Refusal(
                "would-lose-disk",
                f"{volume.disk} is not in the snapshot, and KubeVirt would delete it with its data",
                f"restore it by {ways.NEW_VM}, or take the template of {volume.claim} out of the vm first"
                if volume.why_not
                else "take a safety snapshot first, which holds it",
            )


def _losses(
    way: str, target: Snapshot, values: Mapping[str, str], facts: OpenShiftFacts, safety: Plan | None
) -> Iterator[Loss]:
    since = f"since {quoted(facts.current.name)}" if facts.current else "so far"
    if facts.running:
        yield Loss(LossKind.MEMORY, facts.vm.name, "what runs in the guest now ends")
    kept, gone = _let_go(way, target, values, facts)
    if gone and not safety:
        yield Loss(LossKind.CHANGES, ", ".join(each.disk for each in gone), f"everything written {since}")
    if kept and not safety:
        claims = ", ".join(each.claim for each in kept)
        yield Loss(
            LossKind.CHANGES,
            ", ".join(each.disk for each in kept),
            f"the vm goes on without what was written {since}; {claims} keep it",
        )
    if values.get(OLD_VOLUMES) == REMOVE_ALL:
        for claim in facts.leftovers:
            yield Loss(LossKind.CHANGES, claim, "left behind by an earlier restore, and removed with its data")
    if way == ways.SWAP:
        return
    for volume in ways.doomed_disks(facts.part(target.id), facts):
        detail = "is deleted; the safety snapshot holds it" if safety else "is deleted with its data"
        yield Loss(LossKind.CHANGES, volume.disk, detail)
    for restore in facts.restores:
        if restore.failed:
            yield Loss(LossKind.RECORD, restore.name, f"the record of a restore that failed: {restore.reason}")


def _let_go(
    way: str, target: Snapshot, values: Mapping[str, str], facts: OpenShiftFacts
) -> tuple[list[Volume], list[Volume]]:
    """The volumes that the vm lets go: those that stay beside it, and those that are deleted."""
    restored = {cut.disk for cut in facts.part(target.id).cuts}
    kept: list[Volume] = []
    gone: list[Volume] = []
    for volume in facts.volumes:
        if volume.disk not in restored:
            continue
        by_template = way == ways.KEEP and volume.templated
        goes = way == ways.IN_PLACE or by_template or values[OLD_VOLUMES] != KEEP
        (gone if goes else kept).append(volume)
    return kept, gone


def _cautions(way: str, target: Snapshot, values: Mapping[str, str], facts: OpenShiftFacts) -> Iterator[str]:
    taken_of = facts.part(target.id).vm_uid
    if taken_of and taken_of != facts.uid:
        yield "It was taken of an earlier vm of this name: this one becomes as that one was."
    if way != ways.SWAP:
        yield from _other_disks(target, facts)
    if target.consistency in {Consistency.CRASH, Consistency.UNKNOWN}:
        yield f"Its consistency is {target.consistency.value}: the guest checks its file systems at start."
    if way == ways.IN_PLACE:
        yield "The volumes of now are deleted before the new ones are there: if the storage fails then, they are gone."
    else:
        if left := [volume.claim for volume in _let_go(way, target, values, facts)[0]]:
            yield f"Left behind, and still taking space: {', '.join(left)}."
        if facts.leftovers and values[OLD_VOLUMES] != REMOVE_ALL:
            yield f"Left behind by earlier restores: {', '.join(facts.leftovers)}."
    if way != ways.SWAP:
        yield "The vm's definition goes back too; its labels and annotations stay."
    if facts.running and values[ways.RUNNING] == ways.WAIT:
        yield "Nothing is done until somebody switches the vm off."


def _other_disks(target: Snapshot, facts: OpenShiftFacts) -> Iterator[str]:
    """What becomes of the volumes that are not in the snapshot."""
    part = facts.part(target.id)
    restored, doomed = {cut.disk for cut in part.cuts}, set(ways.doomed_disks(part, facts))
    for volume in facts.volumes:
        if volume.disk in restored or volume in doomed:
            continue
        if volume.disk in part.disks:
            yield f"{volume.disk} was not part of the snapshot: it keeps what it holds now."
        else:
            yield f"{volume.disk} came later: it is taken out of the vm, and its claim {volume.claim} stays."
