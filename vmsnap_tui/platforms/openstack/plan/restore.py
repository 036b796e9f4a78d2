"""Restoring a server, or its volumes, to a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import After, Loss, LossKind, Plan, Refusal, Step, Take
from vmsnap_tui.model.settings import KEEP, OLD_VOLUMES, REMOVE_ALL, setting_refusals, settled
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
    settings,
    target_of,
    ways_back,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import JsonValue, Restore
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts, Volume

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
    offered = settings(way, request.snapshot, facts)
    refused = [*refusals(way, request.snapshot, facts), *setting_refusals(offered, request.settings)]
    old = settled(offered, request.settings).get(OLD_VOLUMES, KEEP)
    # A safety snapshot is one of the volumes of now: they hold it.
    leave = _leave(target, facts, old, holds_safety=safety is not None) if way == SWAP else _Leave()
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
        (*(safety.steps if safety else ()), _step(request, way, target, facts, leave)),
        losses=tuple(_losses(way, target, facts, safety, leave)),
        cautions=(
            *_cautions(way, target, facts, leave),
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


@dataclass(frozen=True, slots=True)
class _Leave:
    """What becomes of volumes that a swap lets go: `removed` go, as `left` from earlier ones do; `stays` and `holds`
    stay beside, these since they hold snapshots, which are deleted as snapshots alone.
    """

    removed: tuple[Volume, ...] = ()
    left: tuple[Volume, ...] = ()
    stays: tuple[Volume, ...] = ()
    holds: tuple[Volume, ...] = ()


def _leave(target: Snapshot, facts: OpenStackFacts, old: str, *, holds_safety: bool) -> _Leave:
    found = (target_of(snap, facts) for snap in facts.parts[target.id].snaps)
    volumes = tuple(volume for volume in found if volume is not None)
    if old == KEEP:
        return _Leave(stays=volumes)
    earlier = [each for each in facts.volumes if not each.attached and each.status == "available" and not each.newest]
    return _Leave(
        removed=tuple(each for each in volumes if not each.newest and not holds_safety),
        left=tuple(earlier) if old == REMOVE_ALL else (),
        holds=tuple(each for each in volumes if each.newest or holds_safety),
    )


def _step(request: Restore, way: str, target: Snapshot, facts: OpenStackFacts, leave: _Leave) -> Step:
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
    doomed: list[JsonValue] = [each.id for each in (*leave.removed, *leave.left)]
    if doomed:
        words.append(f"remove {len(doomed)} volume{'s' if len(doomed) > 1 else ''} that it lets go")
    words.append(f"the server ends {'running' if runs else 'off'}")
    params: dict[str, JsonValue] = {
        "snapshot": target.id,
        "way": way,
        "image": image,
        "volumes": volumes,
        "runs": runs,
        "remove": doomed,
        "line": list(line_to(target.id, facts.snapshots)),
    }
    return Step("restore", request.vm, ", ".join(words), params)


def _losses(way: str, target: Snapshot, facts: OpenStackFacts, safety: Plan | None, leave: _Leave) -> Iterator[Loss]:
    parts = facts.parts[target.id]
    since = f"since {quoted(facts.current.name)}" if facts.current else "so far"
    if facts.vm.state.is_active:
        yield Loss(LossKind.MEMORY, facts.vm.name, "what runs in the guest now ends")
    gone = [ROOT] if root_image(parts) else []
    if safety:
        gone = []
    if way == REVERT:
        gone += [snap.disk for snap in parts.snaps]
    gone += [volume.disk for volume in leave.removed]
    if gone:
        yield Loss(LossKind.CHANGES, ", ".join(gone), f"everything written {since}")
    for volume in leave.left:
        yield Loss(
            LossKind.CHANGES, f"{volume.disk} ({volume.id})", "left by an earlier restore, removed with its data"
        )
    if root_image(parts) and facts.extra:
        yield Loss(LossKind.CHANGES, ", ".join(facts.extra), "local disks are made anew, and empty")


def _cautions(way: str, target: Snapshot, facts: OpenStackFacts, leave: _Leave) -> Iterator[str]:
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
    if leave.stays:
        yield "The volumes of now stay behind, detached, and go on counting against the quota."
    if leave.holds:
        disks = ", ".join(each.disk for each in leave.holds)
        yield f"Of now stay behind, detached, since they hold snapshots: {disks}."
    if way == REVERT:
        yield "Volumes are detached while they are reverted, and attached again."
