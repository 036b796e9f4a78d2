"""Which ways to take a snapshot of a vm are possible now, what they give, and which one is best."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import Method, Refusal
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.vm import AgentState, Backend, VmState
from vmsnap_tui.platforms.demo.record import can_join
from vmsnap_tui.platforms.demo.shape import REQUIRE_QUIESCE, WAYS, Freezing, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.vm import Disk
    from vmsnap_tui.platforms.demo.facts import DemoFacts
    from vmsnap_tui.platforms.demo.shape import Way

_FILES = {Backend.FILE, Backend.NFS}


def methods(facts: DemoFacts) -> tuple[Method, ...]:
    """All ways of the shape. The first possible one is recommended: a shape lists the best first.

    A vm that is off gains nothing from memory or a freeze, and an existing tree keeps its kind, since the other
    kind is refused there.
    """
    rows = [
        Method(
            id=way.id,
            label=way.label,
            consistency=way.consistency(facts.vm),
            pause=way.pause if facts.vm.state is VmState.RUNNING else "none, the guest stands still",
            space=way.space,
            restore=way.restore,
            limits=way.limits,
            refusals=tuple(refusals(way, facts, [disk for disk in facts.vm.disks if can_join(way, disk)])),
        )
        for way in WAYS[facts.shape]
    ]
    best = next((index for index, row in enumerate(rows) if not row.refusals), None)
    if best is not None:
        rows[best] = replace(rows[best], recommended=True)
    return tuple(rows)


def refusals(way: Way, facts: DemoFacts, disks: Sequence[Disk]) -> Iterator[Refusal]:
    """Why a snapshot of these disks can't be taken this way now."""
    yield from standing(facts)
    vm = facts.vm
    if not disks:
        yield Refusal("no-disk", "no disk would be part of it", "choose other disks or another method")
    if vm.state is VmState.UNKNOWN:
        yield Refusal("unknown-state", "what the vm is doing is not known", "look at the host first")
    if way.freezing is Freezing.DEMANDED and vm.state is not VmState.RUNNING:
        yield Refusal("not-running", "only a running guest can be frozen", "take it without a freeze")
    elif way.freezing is Freezing.DEMANDED or (way.freezing is Freezing.HIDDEN and REQUIRE_QUIESCE in vm.tags):
        yield from _no_agent(facts)
    if way.freezes(vm) and facts.freeze.state is FreezeState.FROZEN:
        yield Refusal("frozen", "the guest stands frozen already", "thaw it first")
    if way.kind is SnapshotKind.GROUP and not any(disk.backend is Backend.VOLUME for disk in vm.disks):
        yield Refusal("same-as-image", "the server has no volumes: its image is all of it", "use image")
    if facts.shape is Shape.LIBVIRT:
        yield from _libvirt(way, facts, disks)


def standing(facts: DemoFacts) -> Iterator[Refusal]:
    """Why nothing at all can be changed now."""
    if facts.read_only:
        yield Refusal("read-only", "the site is read-only", "open it without read-only to change anything")
    if facts.busy:
        yield Refusal("busy", f"something is at work on the vm: {facts.busy}", "wait until that is done")
    if facts.vm.state is VmState.CHANGING:
        yield Refusal("changing", "the vm is starting, stopping or migrating", "wait until that is done")


def _no_agent(facts: DemoFacts) -> Iterator[Refusal]:
    agent = facts.vm.agent
    if facts.vm.state is not VmState.RUNNING or agent is AgentState.CONNECTED:
        return
    if agent is AgentState.ABSENT:
        yield Refusal("no-agent", "the vm has no channel for a guest agent", "add one, or take it without a freeze")
    else:
        yield Refusal("agent-off", "the guest agent is not connected", "start qemu-guest-agent in the guest")


def _libvirt(way: Way, facts: DemoFacts, disks: Sequence[Disk]) -> Iterator[Refusal]:
    vm = facts.vm
    if vm.state is VmState.SUSPENDED:
        yield Refusal("suspended", "the guest sleeps, and no snapshot is taken then", "wake it")
    if vm.saved:
        yield Refusal("managed-save", "memory lies in a managed save", "start the vm, or drop the saved memory")
    if not vm.persistent:
        yield Refusal("transient", "the vm is transient: its snapshots would be lost with it", "define it first")
    yield from _libvirt_disks(way, disks)
    if way.memory and way.kind is SnapshotKind.EXTERNAL and not vm.state.is_active:
        yield Refusal("not-running", "there is no memory to save", "take it with the internal or disks-only method")
    kinds = {snapshot.kind for snapshot in facts.snapshots}
    if kinds and kinds != {way.kind}:
        other = "external" if way.kind is SnapshotKind.INTERNAL else "internal"
        yield Refusal(
            "mixed-tree",
            f"the vm has {other} snapshots: mixing both kinds in one tree has destroyed disks",
            f"use the {other} kind, or delete the others first",
        )


def _libvirt_disks(way: Way, disks: Sequence[Disk]) -> Iterator[Refusal]:
    for disk in disks:
        if way.kind is SnapshotKind.INTERNAL and disk.format != "qcow2":
            yield Refusal(
                "raw-disk", f"disk {disk.id} is {disk.format}: it can't hold a snapshot", "use an external method"
            )
        elif way.kind is SnapshotKind.EXTERNAL and disk.backend not in _FILES:
            yield Refusal(
                "network-disk" if disk.backend is Backend.NETWORK else "block-disk",
                f"disk {disk.id} is no file: an overlay has no place beside it",
                "leave the disk out, or use the storage's own snapshots",
            )
