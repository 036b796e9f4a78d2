"""What the signs on the screen mean."""

from __future__ import annotations

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import LossKind
from vmsnap_tui.model.snapshot import Consistency, SnapshotKind
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.present import marks
from vmsnap_tui.present.marks import Flag, Mark, mark, meaning

_FLAGS = {
    Flag.CURRENT: "what is written now goes on from here",
    Flag.PROTECTED: "kept from being deleted",
    Flag.BASELINE: "what a lab is reset to",
    Flag.GROUP: "taken with other VMs as one moment",
    Flag.SCATTERED: "taken with other VMs, which did not come to one moment: together as after a power cut",
    Flag.FAILED: "it cannot be restored from; the details say why",
    Flag.NOT_READY: "it cannot be restored from yet",
    Flag.PARTIAL: "some disks of the vm are not part of it",
    Flag.INFERRED: "the parent is concluded, not recorded: its line is dashed",
    Flag.ORPHAN: "the snapshot that it came from is not there any more",
    Flag.CYCLE: "its parents go round in a circle: the platform's record is broken",
}
_KINDS = {
    SnapshotKind.INTERNAL: "kept in the disk's own image file",
    SnapshotKind.EXTERNAL: "kept by new overlay files",
    SnapshotKind.MIXED: "some disks one way, some the other",
    SnapshotKind.VM: "the platform's record of a whole vm",
    SnapshotKind.IMAGE: "an image made of the server",
    SnapshotKind.VOLUME: "of one volume",
    SnapshotKind.GROUP: "of several volumes in one go",
}
_FREEZES = {
    FreezeState.THAWED: "the guest writes as usual",
    FreezeState.FREEZING: "the guest was asked to hold its writes",
    FreezeState.FROZEN: "the guest's writes are held; the clock says since when",
    FreezeState.THAWING: "the guest was asked to go on",
    FreezeState.FAILED: "it did not work; the job says why",
    FreezeState.UNAVAILABLE: "there is no agent in the guest that could",
    FreezeState.HIDDEN: "the platform does it and does not tell",
}
_AGENTS = {
    AgentState.CONNECTED: "the file systems can be frozen",
    AgentState.DISCONNECTED: "a channel is there, and nobody answers on it",
    AgentState.ABSENT: "no channel is configured",
}

_LOSSES = {
    LossKind.SNAPSHOT: "a snapshot goes away",
    LossKind.MEMORY: "what runs in the guest ends",
    LossKind.CHANGES: "what was written since is gone",
    LossKind.RECORD: "a record goes away, and its data stays",
    LossKind.FILE: "a file is removed",
}

Meanings = tuple[tuple[Mark, str], ...]

LEGEND: tuple[tuple[str, Meanings], ...] = (
    (
        "What a snapshot is worth",
        (
            (marks.NOW, "the vm as it is now"),
            (marks.FORK, "another vm, with snapshots of its own"),
            *((mark(worth), meaning(worth)) for worth in Consistency),
        ),
    ),
    ("What else is said of it", tuple((mark(flag), words) for flag, words in _FLAGS.items())),
    ("Where it is kept", tuple((mark(kind), words) for kind, words in _KINDS.items())),
    (
        "Layers",
        (
            (marks.HOLDS, "a snapshot's own data begins in this layer"),
            (marks.SHARED, "other vms read through it too: it must not be written to"),
            (marks.LIT, "the chosen snapshot needs this layer, or the chosen layer is needed by this snapshot"),
        ),
    ),
    (
        "What a plan would lose",
        (
            *((mark(kind), words) for kind, words in _LOSSES.items()),
            (marks.READY, "nothing is lost"),
            (marks.REFUSED, "the plan says why"),
            (marks.UNTOLD, "it could not be read"),
        ),
    ),
    (
        "Timeline",
        (
            (marks.PINNED, "chosen by hand, whatever the moment is"),
            (marks.CAUTION, "beside a name: a clock of its snapshots was wrong; beside OFF: that of the pick"),
        ),
    ),
    ("VMs", tuple((mark(state), "") for state in VmState)),
    ("Guest agent", tuple((mark(agent), words) for agent, words in _AGENTS.items())),
    ("Freeze", tuple((mark(state), words) for state, words in _FREEZES.items())),
)
"""Headings, and below each the marks with what they mean ("" where the word says it all)."""
