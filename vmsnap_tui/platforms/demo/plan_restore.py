"""What restoring a snapshot would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import After, Loss, LossKind, Plan, Refusal, Step, Take
from vmsnap_tui.model.settings import setting_refusals, settled
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.demo.methods import standing
from vmsnap_tui.platforms.demo.plan_take import plan_take, quoted
from vmsnap_tui.platforms.demo.shape import Shape
from vmsnap_tui.platforms.demo.ways import NAME, NEW, ways_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Restore, WayBack
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.demo.facts import DemoFacts

_AFTER = {After.RUNNING: VmState.RUNNING, After.PAUSED: VmState.PAUSED, After.OFF: VmState.OFF}


def plan_restore(request: Restore, target: Snapshot, facts: DemoFacts) -> Plan:
    """What the request would do: a safety snapshot if asked for, stop, restore, start."""
    vm = facts.vm
    ways = {way.id: way for way in ways_back(target, facts)}
    way = ways.get(request.how) or next((each for each in ways.values() if each.recommended), None)
    if request.how and request.how not in ways:
        no_way = Refusal("no-such-way", f"there is no way {quoted(request.how)} to restore it", ", ".join(ways))
        return Plan(request, f"Restore snapshot {quoted(target.name)}", vm.name, refusals=(no_way,))
    if way is not None and way.id in NEW:
        return _plan_new(request, target, way, facts)
    refusals = [*standing(facts), *_refusals(request, target, way, facts)]
    safety = plan_take(Take(vm.ref, request.safety), facts) if request.safety else None
    if safety:
        standing_codes = {refusal.code for refusal in refusals}
        refusals += [refusal for refusal in safety.refusals if refusal.code not in standing_codes]
    return Plan(
        request,
        f"Restore snapshot {quoted(target.name)}",
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
    label = f"put {'memory and disks' if target.memory else 'the disks'} back to {quoted(target.name)}"
    if facts.shape is Shape.LIBVIRT:
        yield Step("restore", vm.ref, label, {"snapshot": target.id, "state": end.value})
        return
    if vm.state.is_active:
        yield Step("power", vm.ref, "shut the vm down", {"on": False})
    yield Step("restore", vm.ref, label, {"snapshot": target.id, "state": VmState.OFF.value})
    if end is VmState.RUNNING:
        yield Step("power", vm.ref, "start the vm", {"on": True})


def _plan_new(request: Restore, target: Snapshot, way: WayBack, facts: DemoFacts) -> Plan:
    name = settled(way.settings, request.settings)[NAME]
    refusals = [*standing(facts), *_not_ready(target), *setting_refusals(way.settings, request.settings)]
    if not name.strip():
        refusals.append(Refusal("bad-setting", "the new vm needs a name", "choose one"))
    if request.safety:
        refusals.append(Refusal("no-safety", "nothing changes on this vm: there is nothing to keep", "leave it out"))
    if request.after not in {After.AS_TAKEN, After.RUNNING}:
        refusals.append(Refusal("after-unsupported", "a new vm is started", "choose running"))
    step = Step("launch", request.vm, f"make {quoted(name)} of it", {"snapshot": target.id, "name": name})
    return Plan(
        request,
        f"A new vm from {quoted(target.name)}",
        facts.vm.name,
        (step,),
        cautions=("This vm stays as it is.",),
        refusals=tuple(refusals),
    )


def _not_ready(target: Snapshot) -> Iterator[Refusal]:
    if not target.ready:
        yield Refusal("not-ready", target.error or f"{quoted(target.name)} is not ready yet", "look at its source")


def _refusals(request: Restore, target: Snapshot, way: WayBack | None, facts: DemoFacts) -> Iterator[Refusal]:
    yield from setting_refusals(way.settings if way else (), request.settings)
    yield from way.refusals if way else ()
    if request.safety and way is not None and way.id == "revert":
        yield Refusal(
            "safety-is-newer", "a volume goes back to its newest snapshot alone: a safety snapshot is newer", "use swap"
        )
    yield from _not_ready(target)
    if facts.shape is Shape.LIBVIRT:
        if facts.vm.saved:
            yield Refusal("managed-save", "memory lies in a managed save", "start the vm, or drop the saved memory")
        return
    if request.after is After.PAUSED:
        yield Refusal("after-unsupported", "a restored vm can't be left paused here", "choose running or off")


def _losses(facts: DemoFacts, safety: Consistency | None, *, saved: bool) -> Iterator[Loss]:
    vm = facts.vm
    if vm.state.is_active and safety is not Consistency.MEMORY:
        yield Loss(LossKind.MEMORY, vm.name, "what runs in the guest now ends, as by a power cut")
    if facts.changed and not saved:
        since = f"since {quoted(facts.current.name)}" if facts.current else "so far"
        disks = ", ".join(disk.id for disk in vm.disks if disk.writable)
        yield Loss(LossKind.CHANGES, disks, f"everything written {since}")


def _cautions(request: Restore, target: Snapshot, facts: DemoFacts) -> Iterator[str]:
    if facts.changed and not request.safety:
        yield "A safety snapshot taken first would keep what is lost here."
    if target.missing:
        yield f"Not part of the snapshot, stays as it is: {', '.join(target.missing)}."
    if target.consistency in {Consistency.CRASH, Consistency.UNKNOWN}:
        yield f"Its consistency is {target.consistency.value}: the guest checks its file systems at start."
    if target.memory and request.after is After.OFF:
        yield "The memory that it holds is not used."
    kinds = {snapshot.kind for snapshot in facts.snapshots}
    if facts.shape is Shape.LIBVIRT and len(kinds) > 1:
        yield "Internal and external snapshots are mixed in this tree: copy the disks before you go on."
    if facts.shape is Shape.OPENSHIFT:
        yield "The volumes that are in use now stay behind as orphans."
