"""The ways to take a snapshot: what each is worth, what it costs, and why it may be impossible now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import Method, Refusal
from vmsnap_tui.model.snapshot import Consistency, SnapshotKind
from vmsnap_tui.model.vm import AgentState, Backend, Firmware, VmState
from vmsnap_tui.platforms.libvirt.facts import NVRAM_INTERNAL
from vmsnap_tui.platforms.libvirt.plan.rules import not_now, not_with_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.vm import Disk
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

INTERNAL = "internal"
EXTERNAL = "external"
QUIESCED = "external-quiesced"
MEMORY = "external-memory"
MEMORY_PAUSED = "external-memory-paused"
ALL = (INTERNAL, EXTERNAL, QUIESCED, MEMORY, MEMORY_PAUSED)
WITH_MEMORY_FILE = frozenset({MEMORY, MEMORY_PAUSED})

_RUNNING_ORDER = (QUIESCED, MEMORY, INTERNAL, EXTERNAL, MEMORY_PAUSED)
_OFF_ORDER = (EXTERNAL, INTERNAL)
# Memory takes long to write, and the others would stand frozen all that time.
_TOGETHER_ORDER = (QUIESCED, EXTERNAL, INTERNAL)


@dataclass(frozen=True, slots=True)
class _Text:
    label: str
    pause: str
    space: str
    limits: str


_TEXTS = {
    INTERNAL: _Text(
        "internal, with memory",
        "stands still until its memory is written",
        "inside the image files, memory too",
        "all disks must be qcow2; a long wait with much memory",
    ),
    EXTERNAL: _Text("external, disks only", "none", "one overlay for each disk", "as after a power cut"),
    QUIESCED: _Text(
        "external, file systems frozen",
        "writes wait while frozen, mostly well below a second",
        "one overlay for each disk",
        "needs the guest agent; running programs are not in it",
    ),
    MEMORY: _Text(
        "external, with memory, live",
        "short, at the end",
        "one overlay for each disk, and a memory file of up to the vm's memory",
        "takes long where the guest writes its memory fast",
    ),
    MEMORY_PAUSED: _Text(
        "external, with memory, paused",
        "stands still until its memory is written",
        "one overlay for each disk, and a memory file of up to the vm's memory",
        "the smallest memory file, for the longest pause",
    ),
}

_OFF_TEXTS = {
    INTERNAL: _Text("internal", "none, the vm is off", "inside the image files", "all disks must be qcow2"),
    EXTERNAL: _Text("external", "none, the vm is off", "one overlay for each disk", ""),
}


def methods(facts: LibvirtFacts) -> tuple[Method, ...]:
    """All methods, possible or not, the recommended one marked."""
    found = tuple(_method(facts, method) for method in ALL)
    best = recommended(facts)
    return tuple(replace(method, recommended=True) if method.id == best else method for method in found)


def recommended(facts: LibvirtFacts, *, together: bool = False) -> str:
    """The method to use where none is asked for, "" where none is possible; `together` with others of a group.

    The kind of the tree that is there decides first, since the other one is refused; then what can be restored by
    this libvirt goes before what cannot, and the best consistency that does not make the guest stand still before
    the rest.
    """
    running = _TOGETHER_ORDER if together else _RUNNING_ORDER
    order = running if facts.active else _OFF_ORDER
    possible = [method for method in order if not any(refusals(facts, method, included(facts)))]
    return min(possible, key=lambda method: not is_restorable(facts, method), default="")


def consistency(facts: LibvirtFacts, method: str) -> Consistency:
    """What a snapshot by this method would really be worth."""
    if not facts.active:
        return Consistency.CRASH if facts.vm.state is VmState.CRASHED else Consistency.CLEAN
    if method == EXTERNAL:
        return Consistency.CRASH
    return Consistency.FILESYSTEM if method == QUIESCED else Consistency.MEMORY


def is_restorable(facts: LibvirtFacts, method: str) -> bool:
    """Whether this libvirt could restore it. libvirt restores external ones only where all disks are files."""
    return method == INTERNAL or (facts.host.restores_external and not facts.definition.others)


def included(facts: LibvirtFacts) -> tuple[Disk, ...]:
    """The disks that go in where none are named."""
    return tuple(disk for disk in facts.disks if disk.included)


def label(facts: LibvirtFacts, method: str) -> str:
    """What it is called, as the vm is now."""
    return _text(facts, method).label


def _text(facts: LibvirtFacts, method: str) -> _Text:
    return _OFF_TEXTS.get(method, _TEXTS[method]) if not facts.active else _TEXTS[method]


def _method(facts: LibvirtFacts, method: str) -> Method:
    text = _text(facts, method)
    return Method(
        id=method,
        label=text.label,
        consistency=consistency(facts, method),
        pause=text.pause,
        space=text.space,
        restore="by libvirt" if is_restorable(facts, method) else "not by this libvirt: by hand from the files alone",
        limits=text.limits,
        refusals=tuple(refusals(facts, method, included(facts))),
    )


def refusals(facts: LibvirtFacts, method: str, disks: Sequence[Disk]) -> Iterator[Refusal]:
    """Why a snapshot of these disks by this method is not taken now."""
    yield from not_now(facts)
    yield from not_with_data(facts)
    yield from _state(facts, method)
    yield from _tree(facts, method)
    if not disks:
        yield Refusal("no-disk", "no writable disk is part of it", "choose at least one")
    for disk in disks:
        yield from _any_disk(facts, disk)
        yield from _internal_disk(disk) if method == INTERNAL else _external_disk(facts, disk)
    yield from _internal(facts, disks) if method == INTERNAL else _external(facts)
    if method == QUIESCED:
        yield from _agent(facts)
    if method in WITH_MEMORY_FILE or (method == INTERNAL and facts.active):
        yield from _memory(facts, method, disks)


def _state(facts: LibvirtFacts, method: str) -> Iterator[Refusal]:
    state = facts.vm.state
    if state is VmState.SUSPENDED:
        yield Refusal("suspended", "the guest sleeps, and QEMU takes no snapshot then", "wake it (virsh dompmwakeup)")
    elif state is VmState.CHANGING:
        yield Refusal("changing", "the vm is just starting or stopping", "wait a moment")
    elif state is VmState.UNKNOWN:
        yield Refusal("unknown-state", "what the vm is doing is not known", "refresh")
    elif state is VmState.CRASHED and facts.active and method != EXTERNAL:
        yield Refusal("crashed", "the guest has crashed", "take disks only, or stop the vm")
    elif not facts.active and method not in {INTERNAL, EXTERNAL}:
        yield Refusal("not-running", "the vm is off: there is nothing to freeze and no memory", "take disks only")


def _tree(facts: LibvirtFacts, method: str) -> Iterator[Refusal]:
    kind = SnapshotKind.INTERNAL if method == INTERNAL else SnapshotKind.EXTERNAL
    if facts.kinds - {kind}:
        other = "external" if kind is SnapshotKind.INTERNAL else "internal"
        yield Refusal(
            "mixed-tree",
            f"this vm has {other} snapshots; internal and external ones in one tree have destroyed disks",
            f"take an {other} one, or delete those first",
        )


def _any_disk(facts: LibvirtFacts, disk: Disk) -> Iterator[Refusal]:
    if disk.shared:
        yield Refusal("shared-disk", f"{disk.id} is shared with other vms", "leave it out")
    if why := facts.odd.get(disk.id):
        yield Refusal("odd-disk", f"{disk.id} {why}", "leave it out")


def _internal_disk(disk: Disk) -> Iterator[Refusal]:
    if disk.format != "qcow2":
        form = disk.format or "of no known format"
        yield Refusal("raw-disk", f"{disk.id} is {form}: only qcow2 holds internal snapshots", "take an external one")
    elif disk.backend is Backend.NETWORK:
        yield Refusal("network-disk", f"{disk.id} lies on {disk.protocol or 'the network'}", "use the storage's own")


def _external_disk(facts: LibvirtFacts, disk: Disk) -> Iterator[Refusal]:
    if disk.backend is Backend.NETWORK:
        yield Refusal(
            "network-disk",
            f"{disk.id} lies on {disk.protocol or 'the network'}: libvirt puts overlays on files only",
            "leave it out, or use the storage's own snapshots",
        )
    elif disk.backend is Backend.BLOCK:
        yield Refusal(
            "block-disk",
            f"{disk.id} is a block device: there is no folder for an overlay, and libvirt would not restore it",
            "leave it out, or use snapshots of LVM or of the storage",
        )
    elif disk.id not in facts.definition.sources:
        yield Refusal("no-file", f"{disk.id} is not a plain file of the host", "leave it out")


def _internal(facts: LibvirtFacts, disks: Sequence[Disk]) -> Iterator[Refusal]:
    left = _left_out(facts, disks)
    if left:
        yield Refusal(
            "all-disks", f"an internal snapshot needs all writable disks, and leaves out {left}", "take an external one"
        )
    if facts.checkpoints:
        yield Refusal("checkpoints", "the vm has checkpoints of a backup", "delete them, or take an external one")
    uefi = facts.vm.firmware is Firmware.UEFI
    if uefi and facts.active and (facts.nvram != "qcow2" or facts.host.libvirt < NVRAM_INTERNAL):
        yield Refusal(
            "uefi-nvram",
            "the UEFI variables are kept outside: that needs a qcow2 file for them and libvirt 10.10",
            "take an external one, or switch the vm off first",
        )


def _external(facts: LibvirtFacts) -> Iterator[Refusal]:
    if facts.host.driver != "QEMU":
        yield Refusal("driver", f"the {facts.host.driver} driver takes no external snapshots", "take an internal one")
    if facts.checkpoints and not facts.active:
        yield Refusal("checkpoints", "the vm is off and has checkpoints of a backup", "start it, or delete them")


def _agent(facts: LibvirtFacts) -> Iterator[Refusal]:
    if not facts.active:
        return
    if facts.vm.state is VmState.PAUSED:
        yield Refusal("paused", "the guest is paused and cannot freeze anything", "resume it, or take it with memory")
    elif facts.vm.agent is AgentState.ABSENT:
        yield Refusal("no-agent", "the vm has no channel for a guest agent", "add one, or take it with memory")
    elif facts.vm.agent is AgentState.DISCONNECTED:
        yield Refusal("agent-off", "the guest agent is not connected", "start qemu-guest-agent in the guest")
    elif facts.freeze.state is FreezeState.FROZEN:
        yield Refusal("frozen", "the guest is frozen already, by somebody else", "thaw it first")
    elif facts.freeze.state is FreezeState.FAILED:
        yield Refusal("agent-silent", f"the guest agent does not answer: {facts.freeze.why}", "restart it in the guest")


def _memory(facts: LibvirtFacts, method: str, disks: Sequence[Disk]) -> Iterator[Refusal]:
    if facts.unsavable:
        yield Refusal("unsavable", f"memory cannot be saved: {facts.unsavable}", "take disks only")
    left = _left_out(facts, disks)
    if left and method != INTERNAL:  # of internal ones it is said already
        yield Refusal(
            "all-disks",
            f"restored memory would meet {left} of another time, and the guest would destroy its file systems",
            "take all disks, or take no memory",
        )


def _left_out(facts: LibvirtFacts, disks: Sequence[Disk]) -> str:
    taken = {disk.id for disk in disks}
    return ", ".join(disk.id for disk in facts.disks if disk.id not in taken)
