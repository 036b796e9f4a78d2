"""Restoring a server, or its volumes, to a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import After, Loss, LossKind, Plan, Refusal, Step, Take
from vmsnap_tui.model.settings import setting_refusals
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.openstack.convert import ROOT
from vmsnap_tui.platforms.openstack.lineage import line_to
from vmsnap_tui.platforms.openstack.plan.launch import plan_launch
from vmsnap_tui.platforms.openstack.plan.rules import quoted
from vmsnap_tui.platforms.openstack.plan.take import plan_take
from vmsnap_tui.platforms.openstack.plan.ways import (
    NEW,
    REVERT,
    SWAP,
    recommended,
    refusals,
    root_image,
    target_of,
    ways_back,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import JsonValue, Restore
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts

_USER_DATA_KEPT = (2, 57)


def plan_restore(request: Restore, target: Snapshot, facts: OpenStackFacts) -> Plan:
    """A safety snapshot where one is asked for, then all of the restore in one step: half of one helps nobody."""
    way = request.how or recommended(request.snapshot, facts)
    title = f"Restore snapshot {quoted(target.name)}"
    known = {each.id for each in ways_back(request.snapshot, facts)}
    if way not in known:
        refusal = Refusal("no-such-way", f"this snapshot cannot be restored by {quoted(way)}", ", ".join(sorted(known)))
        return Plan(request, title, facts.vm.name, refusals=(refusal,))
    if way == NEW:
        return plan_launch(request, target, facts, tuple(refusals(NEW, request.snapshot, facts)))
    safety = plan_take(Take(request.vm, request.safety), facts) if request.safety else None
    refused = [*refusals(way, request.snapshot, facts), *setting_refusals((), request.settings)]
    if request.after is After.PAUSED:
        refused.append(Refusal("after-unsupported", "a restored server is not left paused", "running or off"))
    if safety and way == REVERT:
        refused.append(
            Refusal("safety-is-newer", "a volume goes back to its newest snapshot alone; a safety snapshot is newer",
                    "leave the safety snapshot out, or swap in new volumes, which keeps those of now")
        )  # fmt: skip
    if safety:
        refused += [each for each in safety.refusals if each not in refused]
    return Plan(
        request,
        title,
        facts.vm.name,
        (*(safety.steps if safety else ()), _step(request, way, target, facts)),
        losses=tuple(_losses(way, target, facts, safety)),
        cautions=(
            *_cautions(way, target, facts),
            *(f"Of the safety snapshot: {each}" for each in (safety.cautions if safety else ())),
        ),
        refusals=tuple(refused),
        consistency=safety.consistency if safety else None,
        notes=safety.notes if safety else (),
    )


def _runs_after(request: Restore, facts: OpenStackFacts) -> bool:
    if request.after is After.AS_TAKEN:  # a cloud leaves the server's own will as it is
        return facts.vm.state is not VmState.OFF
    return request.after is After.RUNNING


def _step(request: Restore, way: str, target: Snapshot, facts: OpenStackFacts) -> Step:
    parts = facts.parts[target.id]
    runs = _runs_after(request, facts)
    volumes: list[JsonValue] = []
    words = []
    for snap in parts.snaps:
        volume = target_of(snap, facts)
        if volume is not None:
            volumes.append(
                {"snap": snap.id, "volume": volume.id, "disk": volume.disk, "size": max(snap.size, volume.size),
                 "kind": volume.kind}
            )  # fmt: skip
            words.append(f"{'revert' if way == REVERT else 'swap'} {volume.disk}")
    image = root_image(parts)
    if volumes and facts.vm.state is not VmState.OFF:
        words.insert(0, "stop the server")
    if image:
        words.append("rebuild the root disk")
    words.append(f"the server ends {'running' if runs else 'off'}")
    params: dict[str, JsonValue] = {
        "snapshot": target.id,
        "way": way,
        "image": image,
        "volumes": volumes,
        "runs": runs,
        "line": list(line_to(target.id, facts.snapshots)),
    }
    return Step("restore", request.vm, ", ".join(words), params)


def _losses(way: str, target: Snapshot, facts: OpenStackFacts, safety: Plan | None) -> Iterator[Loss]:
    parts = facts.parts[target.id]
    since = f"since {quoted(facts.current.name)}" if facts.current else "so far"
    if facts.vm.state.is_active:
        yield Loss(LossKind.MEMORY, facts.vm.name, "what runs in the guest now ends")
    gone = [ROOT] if root_image(parts) else []
    if safety:
        gone = []
    if way == REVERT:
        gone += [snap.disk for snap in parts.snaps]
    if gone:
        yield Loss(LossKind.CHANGES, ", ".join(gone), f"everything written {since}")
    if root_image(parts) and facts.extra:
        yield Loss(LossKind.CHANGES, ", ".join(facts.extra), "local disks are made anew, and empty")


def _cautions(way: str, target: Snapshot, facts: OpenStackFacts) -> Iterator[str]:
    parts = facts.parts[target.id]
    if target.missing:
        yield f"Not part of the snapshot, stays as it is: {', '.join(target.missing)}."
    if target.consistency in {Consistency.CRASH, Consistency.UNKNOWN}:
        yield f"Its consistency is {target.consistency.value}: the guest checks its file systems at start."
    if root_image(parts):
        yield "The server keeps its id, addresses, ports and key; it gets a new administrator password."
        if facts.compute < _USER_DATA_KEPT:
            yield "Files that were injected when it was launched are not put back."
        yield "A new start of cloud-init may find itself on a machine that it knows already."
    if way == SWAP:
        yield "The volumes of now stay behind, detached, and go on counting against the quota."
    if way == REVERT:
        yield "Volumes are detached while they are reverted, and attached again."
