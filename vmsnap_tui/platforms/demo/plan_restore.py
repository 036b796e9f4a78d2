"""What restoring a snapshot would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import After, Loss, LossKind, Plan, Refusal, Step, Take
from vmsnap_tui.model.snapshot import Consistency, SnapshotKind
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.demo.methods import standing
from vmsnap_tui.platforms.demo.plan_take import plan_take
from vmsnap_tui.platforms.demo.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Restore
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.demo.facts import DemoFacts

_AFTER = {After.RUNNING: VmState.RUNNING, After.PAUSED: VmState.PAUSED, After.OFF: VmState.OFF}


def plan_restore(request: Restore, target: Snapshot, facts: DemoFacts) -> Plan:
    """What the request would do: a safety snapshot if asked for, stop, restore, start."""
    vm = facts.vm
    refusals = [*standing(facts), *_refusals(request, target, facts)]
    safety = plan_take(Take(vm.ref, request.safety), facts) if request.safety else None
    if safety:
        standing_codes = {refusal.code for refusal in refusals}
        refusals += [refusal for refusal in safety.refusals if refusal.code not in standing_codes]
    return Plan(
        request,
        f"Restore {vm.name} to {target.name}",
        vm.name,
        (*(safety.steps if safety else ()), *_steps(request, target, facts)),
        losses=tuple(_losses(facts, safety.consistency if safety else None, saved=safety is not None)),
        cautions=tuple(_cautions(request, target, facts)),
        refusals=tuple(refusals),
        consistency=safety.consistency if safety else None,
        notes=safety.notes if safety else (),
    )


def state_after(request: Restore, target: Snapshot, facts: DemoFacts) -> VmState:
    """What the vm does in the end."""
    if request.after is not After.AS_TAKEN:
        return _AFTER[request.after]
    if facts.shape is not Shape.LIBVIRT:  # clouds and clusters leave the vm's own will as it is
        return VmState.RUNNING if facts.vm.state.is_active else VmState.OFF
    return target.state if target.memory else VmState.OFF


def _steps(request: Restore, target: Snapshot, facts: DemoFacts) -> Iterator[Step]:
    vm, end = facts.vm, state_after(request, target, facts)
    label = f"Put {'memory and disks' if target.memory else 'the disks'} back to {target.name}"
    if facts.shape is Shape.LIBVIRT:
        yield Step("restore", vm.ref, label, {"snapshot": target.id, "state": end.value})
        return
    if vm.state.is_active:
        yield Step("power", vm.ref, "Shut the vm down", {"state": VmState.OFF.value})
    yield Step("restore", vm.ref, label, {"snapshot": target.id, "state": VmState.OFF.value})
    if end is VmState.RUNNING:
        yield Step("power", vm.ref, "Start the vm", {"state": VmState.RUNNING.value})


def _refusals(request: Restore, target: Snapshot, facts: DemoFacts) -> Iterator[Refusal]:
    if not target.ready:
        yield Refusal("not-ready", f"{target.name} can't be restored: {target.error or 'not ready yet'}")
    if facts.shape is Shape.LIBVIRT:
        if facts.vm.saved:
            yield Refusal("managed-save", "memory lies in a managed save", "start the vm, or drop the saved memory")
        return
    if request.after is After.PAUSED:
        yield Refusal("after-unsupported", "a restored vm can't be left paused here", "choose running or off")
    if facts.shape is Shape.OPENSTACK and target.kind is SnapshotKind.VOLUME:
        later = [each.name for each in facts.snapshots if _shadows(each, target)]
        if later:
            yield Refusal(
                "not-latest",
                f"a volume goes back to its newest snapshot only, and {target.name} is older than {later[0]}",
                "delete the newer ones, or make a new volume from it",
            )


def _shadows(other: Snapshot, target: Snapshot) -> bool:
    if other.kind is not SnapshotKind.VOLUME or other.created <= target.created:
        return False
    mine = {disk.disk for disk in target.disks if disk.included}
    return bool(mine & {disk.disk for disk in other.disks if disk.included})


def _losses(facts: DemoFacts, safety: Consistency | None, *, saved: bool) -> Iterator[Loss]:
    vm = facts.vm
    if vm.state.is_active and safety is not Consistency.MEMORY:
        yield Loss(LossKind.MEMORY, f"the running memory of {vm.name}", "programs in the guest end at once")
    if facts.changed and not saved:
        since = f"since {facts.current.name}" if facts.current else "since the vm was made"
        yield Loss(LossKind.CHANGES, f"what was written {since}", "unless a safety snapshot is taken first")


def _cautions(request: Restore, target: Snapshot, facts: DemoFacts) -> Iterator[str]:
    if target.missing:
        yield f"not part of {target.name}, stays as it is: {', '.join(target.missing)}"
    if target.consistency in {Consistency.CRASH, Consistency.UNKNOWN}:
        yield f"{target.name} is {target.consistency.value} consistent: the guest checks its file systems at start"
    if target.memory and request.after is After.OFF:
        yield f"the memory that {target.name} holds is not used"
    kinds = {snapshot.kind for snapshot in facts.snapshots}
    if facts.shape is Shape.LIBVIRT and len(kinds) > 1:
        yield "internal and external snapshots are mixed in this tree: copy the disks before you go on"
    if facts.shape is Shape.OPENSHIFT:
        yield "the volumes that are in use now stay behind as orphans"
