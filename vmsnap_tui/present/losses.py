"""What several plans lose together, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import LossKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vmsnap_tui.model.plan import Plan

_WORDS = {
    LossKind.SNAPSHOT: ("1 snapshot", "{} snapshots"),
    LossKind.MEMORY: ("the memory of 1 VM", "the memory of {} VMs"),
    LossKind.CHANGES: ("what was written since on 1 VM", "what was written since on {} VMs"),
    LossKind.RECORD: ("1 record", "{} records"),
    LossKind.FILE: ("1 file", "{} files"),
}
_OF_A_VM = {LossKind.MEMORY, LossKind.CHANGES}
"""Counted by vm, whatever number of disks it has."""


def in_all(plans: Iterable[Plan]) -> str:
    """ "2 snapshots, what was written since on 6 VMs"; "" where nothing is lost. Of plans that can be run alone."""
    counts = dict.fromkeys(LossKind, 0)
    for plan in plans:
        kinds = [loss.kind for loss in plan.losses if not plan.refusals]
        for kind in set(kinds):
            counts[kind] += 1 if kind in _OF_A_VM else kinds.count(kind)
    return ", ".join(_WORDS[kind][count > 1].format(count) for kind, count in counts.items() if count)
