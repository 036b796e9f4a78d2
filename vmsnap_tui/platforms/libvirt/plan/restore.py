"""Restoring a vm to a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import After, Loss, LossKind, Plan, Refusal, Restore, Step, Take
from vmsnap_tui.model.settings import setting_refusals
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import Firmware, VmState
from vmsnap_tui.platforms.libvirt.plan.rules import (
    is_external,
    looks_like_id,
    not_now,
    not_with_data,
    quoted,
    taken_at,
    too_old,
    unknown_snapshot,
)
from vmsnap_tui.platforms.libvirt.plan.take import plan_take

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts


def plan_restore(request: Restore, facts: LibvirtFacts) -> Plan:
    """Put the vm back, after a safety snapshot where one is asked for."""
    snapshot = facts.snapshot(request.snapshot.id)
    title = f"Restore snapshot {quoted([snapshot.name if snapshot else request.snapshot.id])}"
    if snapshot is None:
        return Plan(request, title, facts.vm.name, refusals=(unknown_snapshot(request.snapshot.id),))
    safety = _safety(request, facts)
    refusals = tuple(_refusals(request, facts, snapshot))
    if safety is not None:
        # Both ask about the vm as a whole: what stands against both is said once.
        refusals = (*refusals, *(refusal for refusal in safety.refusals if refusal not in refusals))
    return Plan(
        request=request,
        title=title,
        vm_name=facts.vm.name,
        steps=(*(safety.steps if safety else ()), _step(request, facts, snapshot)),
        losses=tuple(_losses(facts, safety)),
        cautions=(*_cautions(request, facts, snapshot), *(safety.cautions if safety else ())),
        refusals=refusals,
        consistency=safety.consistency if safety else None,
        notes=(*_notes(facts, snapshot), *(safety.notes if safety else ())),
    )


def _safety(request: Restore, facts: LibvirtFacts) -> Plan | None:
    if not request.safety:
        return None
    description = f"before the restore of {request.snapshot.id}"
    return plan_take(Take(request.vm, request.safety, description), facts)


def _step(request: Restore, facts: LibvirtFacts, snapshot: Snapshot) -> Step:
    ends = _ends(request, snapshot)
    return Step(
        action="restore",
        vm=request.vm,
        label=f"restore {quoted([snapshot.name])}; the vm ends {ends.value}",
        params={
            "name": snapshot.id,
            "created": taken_at(snapshot),
            "end": ends.value,
            "memory": bool(snapshot.memory),
            "external": is_external(snapshot),
        },
    )


def _ends(request: Restore, snapshot: Snapshot) -> VmState:
    """What the vm does afterwards. Without memory in it, a snapshot as taken leaves the vm off."""
    wanted = {After.RUNNING: VmState.RUNNING, After.PAUSED: VmState.PAUSED, After.OFF: VmState.OFF}
    if request.after in wanted:
        return wanted[request.after]
    if not snapshot.memory:
        return VmState.OFF
    return VmState.PAUSED if snapshot.state is VmState.PAUSED else VmState.RUNNING


def _refusals(request: Restore, facts: LibvirtFacts, snapshot: Snapshot) -> Iterator[Refusal]:
    yield from not_now(facts)
    yield from not_with_data(facts)
    yield from setting_refusals((), request.settings)
    if request.how:
        yield Refusal("no-such-way", f"libvirt has no way {quoted([request.how])} to restore", "leave it out")
    if not snapshot.ready:
        yield Refusal("not-ready", snapshot.error or "the snapshot is not in a state to be restored", "look at Source")
        return
    if facts.vm.state is VmState.CHANGING:
        yield Refusal("changing", "the vm is just starting or stopping", "wait a moment")
    if snapshot.state is VmState.SUSPENDED:
        yield Refusal("suspended", "it was taken of a sleeping guest, which QEMU cannot bring back")
    yield from _tree(facts)
    if is_external(snapshot):
        yield from _external(request, facts, snapshot)
    elif not snapshot.memory and looks_like_id(snapshot.id):
        yield Refusal(
            "name-like-id",
            "QEMU could take this name for the number of another snapshot, and restore that one",
            "restore it by hand: qemu-img snapshot, once the other ones are gone",
        )
    record = facts.record(snapshot)
    needed = [*record.definition.sources.values(), *([record.memory] if record.memory else [])]
    for path in needed:
        if facts.exists(path) is False:
            yield Refusal(
                "missing-file", f"{clean(path)} is not there: the snapshot's data is gone", "look at its chain"
            )


def _tree(facts: LibvirtFacts) -> Iterator[Refusal]:
    if facts.is_mixed:
        # An internal one lies inside a file that overlays may be based on: restoring it changes them all.
        yield Refusal(
            "mixed-tree",
            "this vm has internal and external snapshots; restoring in such a tree has destroyed disks",
            "switch the vm off, delete the internal ones, and restore then",
        )


def _external(request: Restore, facts: LibvirtFacts, snapshot: Snapshot) -> Iterator[Refusal]:
    if not facts.host.restores_external:
        yield too_old(facts, "restores")
        return
    record = facts.record(snapshot)
    if record.definition.others:
        others = ", ".join(record.definition.others)
        yield Refusal(
            "not-a-file", f"libvirt restores only vms whose disks are all files, and {others} is none", "by hand"
        )
    if facts.current is None and not request.safety:
        # Tried with libvirt 11.3: it looks into the current snapshot without asking whether there is one.
        yield Refusal(
            "no-current",
            "none of the snapshots is current, and libvirtd crashes when it restores an external one then",
            "take a snapshot first, which becomes the current one",
        )
    active = set(facts.definition.sources.values())
    data = {place for disk, place in record.definition.sources.items() if disk in record.overlays}
    if active & data:
        yield Refusal(
            "data-gone",
            "the vm writes to the very file that holds this snapshot's data: it is no longer what was taken",
            "delete its record (metadata only)",
        )
    if not request.safety and (needed := _destroyed(facts)):
        yield Refusal(
            "would-destroy",
            f"libvirt would remove {', '.join(sorted(needed))}, which other snapshots need",
            "take a safety snapshot first: then it removes that one's overlay instead",
        )


def _destroyed(facts: LibvirtFacts) -> frozenset[str]:
    """Files that libvirt would remove on the restore though snapshots are based on them.

    It removes the overlays of the current snapshot, taking them for what the vm writes to. Tried with 11.3: restore A
    that has a child B, take C, delete C, restore B. Then A is current again, its overlay is what B's data lies in, and
    B is destroyed by being restored.
    """
    if facts.current is None:
        return frozenset()
    below = {path for record in facts.records.values() for path in record.definition.sources.values()}
    return facts.record(facts.current).dropped & below


def _losses(facts: LibvirtFacts, safety: Plan | None) -> Iterator[Loss]:
    if facts.active and (safety is None or safety.consistency is not Consistency.MEMORY):
        yield Loss(LossKind.MEMORY, facts.vm.name, "what runs in the guest now ends, as by a power cut")
    if facts.changed and safety is None:
        current = facts.current
        since = f"since {quoted([current.name])}" if current else "so far"
        disks = ", ".join(disk.id for disk in facts.disks)
        yield Loss(LossKind.CHANGES, disks, f"everything written {since}")


def _cautions(request: Restore, facts: LibvirtFacts, snapshot: Snapshot) -> Iterator[str]:
    if facts.changed and not request.safety:
        yield "A safety snapshot taken first would keep what is lost here."
    if not snapshot.memory and request.after is After.AS_TAKEN and snapshot.state is not VmState.OFF:
        yield "The vm stays off: its memory was not part of the snapshot."
    if snapshot.memory and _ends(request, snapshot) is VmState.OFF:
        yield "The memory in the snapshot is not used: the next start finds the disks as after a power cut."
    if not snapshot.memory and _ends(request, snapshot) is not VmState.OFF:
        yield "The vm boots from the restored disks."
    yield from _left_out(facts, snapshot)
    yield from _definition(facts, snapshot)
    record = facts.record(snapshot)
    if is_external(snapshot):
        if record.definition.media:
            yield f"libvirt makes an overlay beside {', '.join(record.definition.media)} too, and that is harmless."
        if facts.vm.firmware is Firmware.UEFI:
            yield "The UEFI variables stay as they are."
    if facts.vm.tpm:
        yield "The state of the TPM stays as it is."


def _left_out(facts: LibvirtFacts, snapshot: Snapshot) -> Iterator[str]:
    then, now = facts.record(snapshot).definition.sources, facts.definition.sources
    for disk in snapshot.missing:
        if disk not in then:
            continue
        if then[disk] == now.get(disk):
            yield f"{disk} was not part of the snapshot: it keeps what it holds now."
        else:
            # The definition of that time names a file that a later snapshot has put an overlay on.
            yield f"{disk} was not part of the snapshot: it goes back to what {clean(then[disk])} holds."


def _definition(facts: LibvirtFacts, snapshot: Snapshot) -> Iterator[str]:
    """Restoring brings back the definition of that time, silently."""
    then, now = facts.record(snapshot).definition.hardware, facts.definition.hardware
    if not then:
        return
    if gone := sorted(now - then):
        yield f"The vm's definition goes back too. It loses: {', '.join(gone)}."
    if back := sorted(then - now):
        yield f"The vm's definition goes back too. It gets again: {', '.join(back)}."


def _notes(facts: LibvirtFacts, snapshot: Snapshot) -> Iterator[str]:
    count = len(facts.snapshots)
    yield f"All {count} snapshots stay." if count > 1 else "The snapshot stays."
    yield f"What is written afterwards is a branch of {quoted([snapshot.name])}."
