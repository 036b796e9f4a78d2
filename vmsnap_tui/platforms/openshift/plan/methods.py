"""The ways to take a snapshot of a vm, and which is best."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import Method, Refusal
from vmsnap_tui.model.settings import Setting
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.openshift.facts import Right
from vmsnap_tui.platforms.openshift.plan.rules import not_allowed, not_now, unsettled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts, Volume

VM, FROZEN, VOLUMES = "vm-snapshot", "frozen-volume-snapshot", "volume-snapshot"
ALL = (VM, FROZEN, VOLUMES)

DEADLINE, POLICY, LABELS = "deadline", "deletion", "labels"
RETAIN = "Retain"

_LABELS = Setting(LABELS, "labels", hint="key=value, key=value; noted with the snapshot")
_SETTINGS = {
    VM: (
        Setting(DEADLINE, "deadline", "5m", hint="after it the cluster gives up and thaws the guest; 0 for never"),
        Setting(POLICY, "when it is deleted, its data", "Delete", ("Delete", RETAIN), "Retain keeps it in the storage"),
        _LABELS,
    ),
    FROZEN: (
        Setting(DEADLINE, "deadline", "5m", hint="after it the guest thaws by itself, and nothing is taken"),
        _LABELS,
    ),
    VOLUMES: (_LABELS,),
}

_BACK = "swap a new volume in, or make a new claim of it"


def methods(facts: OpenShiftFacts) -> tuple[Method, ...]:
    """All ways, the first possible one recommended."""
    rows = [_method(method, facts) for method in ALL]
    best = next((index for index, row in enumerate(rows) if not row.refusals), None)
    if best is not None:
        rows[best] = replace(rows[best], recommended=True)
    return tuple(rows)


def recommended(facts: OpenShiftFacts) -> str:
    """The id of the recommended one; the first where none is possible."""
    return next((row.id for row in methods(facts) if row.recommended), VM)


def freezes(method: str, facts: OpenShiftFacts) -> bool:
    """Whether the guest is frozen for it."""
    return method != VOLUMES and facts.freezable


def consistency(method: str, facts: OpenShiftFacts) -> Consistency:
    """What it would give."""
    if facts.vm.state is VmState.OFF:
        return Consistency.CLEAN
    return Consistency.FILESYSTEM if freezes(method, facts) else Consistency.CRASH


def refusals(method: str, facts: OpenShiftFacts, volumes: Sequence[Volume]) -> Iterator[Refusal]:
    """Why a snapshot of these volumes is not possible this way now."""
    yield from not_now(facts)
    yield from unsettled(facts)
    if method == VM:
        yield from _no_vm_snapshot(facts)
    else:
        yield from _no_volume_snapshots(facts)
    if method == FROZEN:
        yield from _no_freeze(facts)
    if not volumes:
        why = next((volume.why_not for volume in facts.volumes if volume.why_not), "")
        yield Refusal(
            "no-disk",
            "no volume would be part of it" + (f": {why}" if why else ""),
            "give the storage class a VolumeSnapshotClass" if why else "choose other volumes",
        )
    if freezes(method, facts) and facts.freeze.state is FreezeState.FROZEN:
        yield Refusal("frozen", "the guest stands frozen already, and would be thawed in the midst of it", "thaw it")


def _no_vm_snapshot(facts: OpenShiftFacts) -> Iterator[Refusal]:
    if not facts.can.vm_snapshots:
        yield Refusal("no-api", "the cluster has no VirtualMachineSnapshots", f"enable them, or use {VOLUMES}")
    yield from not_allowed(facts, Right.TAKE)


def _no_volume_snapshots(facts: OpenShiftFacts) -> Iterator[Refusal]:
    if not facts.can.volume_snapshots:
        yield Refusal("no-api", "the cluster has no VolumeSnapshots", "install the CSI snapshot controller")
    yield from not_allowed(facts, Right.CUT)


def _no_freeze(facts: OpenShiftFacts) -> Iterator[Refusal]:
    if facts.vm.state is not VmState.RUNNING:
        yield Refusal("not-running", "only a running guest can be frozen", f"use {VOLUMES}")
    elif not facts.freezable:
        yield Refusal("no-agent", "no guest agent is connected", "start qemu-guest-agent in the guest")
    yield from not_allowed(facts, Right.FREEZE, Right.THAW, Right.RELABEL)


def settings(method: str) -> tuple[Setting, ...]:
    """What may be set of it."""
    return _SETTINGS[method]


def _method(method: str, facts: OpenShiftFacts) -> Method:
    frozen = freezes(method, facts)
    kept = "kept by the storage, grows with what is written"
    label, back, limits = {
        VM: ("VM snapshot", "into new volumes or in place, with the vm off; or a new vm", "all volumes that can be"),
        FROZEN: ("volume snapshots, guest frozen", _BACK, "volumes alone, not the vm's definition; needs an agent"),
        VOLUMES: ("volume snapshots", _BACK, "each volume by itself, no freeze"),
    }[method]
    return Method(
        method,
        label,
        consistency(method, facts),
        pause="until the storage has cut all volumes: seconds, writes wait" if frozen else "none",
        space=kept,
        restore=back,
        limits=limits,
        refusals=tuple(refusals(method, facts, facts.snapshottable)),
        settings=settings(method),
    )
