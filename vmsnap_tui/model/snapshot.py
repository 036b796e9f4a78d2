"""Snapshots and what they are worth."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from vmsnap_tui.model.vm import VmState

if TYPE_CHECKING:
    from datetime import datetime

    from vmsnap_tui.model.together import Group
    from vmsnap_tui.model.vm import VmRef


class Consistency(Enum):
    """What the data is worth after a restore. Derived from what the platform reports, never from what was asked."""

    MEMORY = "memory"  # RAM and disks of one instant
    CLEAN = "clean"  # taken while the vm was off
    FILESYSTEM = "filesystem"  # the agent froze the file systems, and the platform confirms it
    CRASH = "crash"  # disks as after a power cut
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """0 is best."""
        return _RANKS[self]


_RANKS = {consistency: rank for rank, consistency in enumerate(Consistency)}


class SnapshotKind(Enum):
    """Where a snapshot's data is kept."""

    INTERNAL = "internal"  # in the disk's own image file
    EXTERNAL = "external"  # in overlay files
    MIXED = "mixed"  # some disks one way, some the other
    VM = "vm"  # a platform's record of a whole vm (VirtualMachineSnapshot)
    IMAGE = "image"  # a server image
    VOLUME = "volume"  # one volume's snapshot
    GROUP = "group"  # several volumes in one go
    UNKNOWN = "unknown"


class SnapRef(Struct, frozen=True, order=True, gc=False):
    """What names a snapshot: its vm and the platform's own id, as raw as the platform gives it."""

    vm: VmRef
    id: str


class SnapshotDisk(Struct, frozen=True, gc=False):
    """How one disk takes part. `place` is the file or volume that holds it, `kind` where that is.

    `included` is False where the disk is not part of the snapshot.
    """

    disk: str
    kind: SnapshotKind = SnapshotKind.UNKNOWN
    place: str = ""
    included: bool = True


class Snapshot(Struct, frozen=True, gc=False):
    """A point-in-time record of a vm, or of some of its disks.

    `parent` is the id of another snapshot of the same vm, `created` is aware UTC, `state` what the vm was doing
    then, `size` in bytes where the platform tells. `ready` is False while (or because) it cannot be restored from,
    and `error` then says why. `inferred` marks a parent that is concluded, not recorded. `notes` are what else the
    platform says of it, `baseline` is the lab whose vm is reset to it ("" for none), `forks` are the names of other
    vms that were started from it, `group` is the group snapshot that it is a part of.
    """

    ref: SnapRef
    name: str
    created: datetime
    parent: str | None = None
    inferred: bool = False
    state: VmState = VmState.UNKNOWN
    kind: SnapshotKind = SnapshotKind.UNKNOWN
    consistency: Consistency = Consistency.UNKNOWN
    memory: str | None = None  # where RAM is kept: a path, "internal", None where there is none
    description: str = ""
    disks: tuple[SnapshotDisk, ...] = ()
    current: bool = False
    ready: bool = True
    error: str = ""
    size: int | None = None
    protected: bool = False
    baseline: str = ""
    notes: tuple[str, ...] = ()
    forks: tuple[str, ...] = ()
    group: Group | None = None

    @property
    def id(self) -> str:
        """The platform's own id."""
        return self.ref.id

    @property
    def missing(self) -> tuple[str, ...]:
        """The disks that are not part of it."""
        return tuple(disk.disk for disk in self.disks if not disk.included)
