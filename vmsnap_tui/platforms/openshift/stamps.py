"""What vmsnap writes on objects of the cluster, so that every admin sees the same: small, never needed to restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_OURS = "vmsnap.io"

# Annotations of snapshots
PARENTS = f"{_OURS}/parents"
"""On a VirtualMachineSnapshot or VolumeSnapshot: the uids of those above it, nearest first, "-" for a root."""

# Annotations of VolumeSnapshots
STATE = f"{_OURS}/state"
"""What the vm was doing (`VmState.value`)."""
FROZEN = f"{_OURS}/frozen"
"""What was proven of the freeze: "yes" where the guest stood frozen from before the first cut until after the last."""
GROUP, PARTS = f"{_OURS}/group", f"{_OURS}/parts"
"""Which of them belong together, and how many there are of these."""
VM, DISK = f"{_OURS}/vm", f"{_OURS}/disk"
"""Whose volume it was, and which."""

BASELINE = f"{_OURS}/baseline"
"""On a snapshot: the lab whose vm is reset to it."""
TOGETHER = f"{_OURS}/together"
"""On a snapshot: the group snapshot of several vms that it is a part of (`model.together.Group`)."""

# Labels, so that they can be selected by
PROTECTED = f"{_OURS}/protected"

# Of everybody
DESCRIPTION = "description"
"""The annotation that the console shows."""

YES = "yes"
REACH = 6
"""How many uids are noted: with them a tree heals when somebody deletes one in the middle."""


def written(uids: Iterable[str]) -> str:
    """The value of `PARENTS` for these uids, nearest first."""
    return ",".join([uid for uid in uids if uid][:REACH]) or "-"


def read(text: str) -> tuple[str, ...] | None:
    """The uids that are noted, () for a root, None where nothing is noted."""
    if not text:
        return None
    return tuple(part for part in (part.strip() for part in text.split(",")) if part and part != "-")
