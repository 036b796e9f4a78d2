"""The three platforms whose ways the demo imitates, and how each takes a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from vmsnap_tui.model.snapshot import Consistency, SnapshotKind
from vmsnap_tui.model.vm import AgentState, VmState

if TYPE_CHECKING:
    from vmsnap_tui.model.vm import Vm

REQUIRE_QUIESCE = "os_require_quiesce"
"""The tag of a cloud server whose image demands a freeze; whether there was one is not told."""


class Shape(Enum):
    """Whose ways a demo site imitates."""

    LIBVIRT = "libvirt"
    OPENSHIFT = "openshift"
    OPENSTACK = "openstack"


class Freezing(Enum):
    """Whether a way freezes the guest."""

    NO = "no"
    DEMANDED = "demanded"  # fails where it can't
    AUTOMATIC = "automatic"  # where there is an agent
    HIDDEN = "hidden"  # the platform does it and does not tell


@dataclass(frozen=True, slots=True)
class Way:
    """A way to take a snapshot, whatever the vm: the fixed part of a `Method`."""

    id: str
    label: str
    kind: SnapshotKind
    memory: bool = False
    freezing: Freezing = Freezing.NO
    copies: bool = False  # the data is copied while one waits
    chooses: bool = True  # disks can be chosen
    pause: str = ""
    space: str = ""
    restore: str = ""
    limits: str = ""

    def freezes(self, vm: Vm) -> bool:
        """Whether it is seen to freeze this guest."""
        if vm.state is not VmState.RUNNING or vm.agent is not AgentState.CONNECTED:
            return False
        return self.freezing in {Freezing.DEMANDED, Freezing.AUTOMATIC}

    def consistency(self, vm: Vm) -> Consistency:
        """What a snapshot of the vm, taken this way now, is worth."""
        if not vm.state.is_active:
            return _AT_REST.get(vm.state, Consistency.UNKNOWN)
        if self.memory:
            return Consistency.MEMORY
        if self.freezing is Freezing.HIDDEN and vm.agent is AgentState.CONNECTED:
            return Consistency.UNKNOWN if REQUIRE_QUIESCE in vm.tags else Consistency.CRASH
        return Consistency.FILESYSTEM if self.freezes(vm) else Consistency.CRASH


_AT_REST = {VmState.OFF: Consistency.CLEAN, VmState.CRASHED: Consistency.CRASH}

_EXTERNAL_BACK = "revert; what was written since stays in a file of its own"

_LIBVIRT = (
    Way(
        "external-quiesced",
        "external, guest frozen",
        SnapshotKind.EXTERNAL,
        freezing=Freezing.DEMANDED,
        pause="under a second, writes wait",
        space="an empty overlay a disk, grows with what is written",
        restore=_EXTERNAL_BACK,
        limits="needs a guest agent; no memory",
    ),
    Way(
        "external-memory",
        "external with memory, live",
        SnapshotKind.EXTERNAL,
        memory=True,
        pause="under a second, slower while memory is copied",
        space="the memory in use, and an empty overlay a disk",
        restore="revert; goes on where it was",
        limits="all disks",
        chooses=False,
    ),
    Way(
        "external-memory-paused",
        "external with memory, paused",
        SnapshotKind.EXTERNAL,
        memory=True,
        pause="as long as memory takes to copy",
        space="the memory in use, and an empty overlay a disk",
        restore="revert; goes on where it was",
        limits="all disks; the guest stands still",
        chooses=False,
    ),
    Way(
        "internal",
        "internal",
        SnapshotKind.INTERNAL,
        memory=True,
        pause="as long as memory takes to copy",
        space="inside the image, with memory where there is any",
        restore="revert; goes on where it was",
        limits="qcow2 files only; all disks",
        chooses=False,
    ),
    Way(
        "external",
        "external, disks only",
        SnapshotKind.EXTERNAL,
        pause="a few milliseconds",
        space="an empty overlay a disk, grows with what is written",
        restore=_EXTERNAL_BACK,
        limits="no memory; like a power cut where the guest runs",
    ),
)

_OPENSHIFT = (
    Way(
        "vm-snapshot",
        "VM snapshot",
        SnapshotKind.VM,
        freezing=Freezing.AUTOMATIC,
        copies=True,
        pause="until the storage has cut all volumes, seconds",
        space="kept by the storage, grows with what is written",
        restore="restore in place, the vm has to be off",
        limits="volumes without a snapshot class are left out",
        chooses=False,
    ),
    Way(
        "frozen-volume-snapshot",
        "volume snapshots, guest frozen",
        SnapshotKind.VOLUME,
        freezing=Freezing.DEMANDED,
        pause="until the storage has cut all volumes, seconds",
        space="kept by the storage, grows with what is written",
        restore="swap in new volumes, the vm has to be off",
        limits="volumes alone, not the vm's definition; needs an agent",
    ),
    Way(
        "volume-snapshot",
        "volume snapshots",
        SnapshotKind.VOLUME,
        pause="none",
        space="kept by the storage, grows with what is written",
        restore="swap in new volumes, the vm has to be off",
        limits="each volume by itself, no freeze",
    ),
)

_OPENSTACK = (
    Way(
        "whole",
        "server image and volume snapshots",
        SnapshotKind.GROUP,
        copies=True,
        pause="none where the host does it live, else until the disk is copied",
        space="a full copy of the root disk in the image store; volumes kept by the volume service",
        restore="rebuild the server, and revert or swap its volumes",
        limits="one part after the other, not one instant",
        chooses=False,
    ),
    Way(
        "image",
        "server image",
        SnapshotKind.IMAGE,
        freezing=Freezing.HIDDEN,
        copies=True,
        pause="a short one, not told",
        space="a full copy of the root disk in the image store",
        restore="rebuild from the image, same addresses",
        limits="the root disk alone; volumes stay out",
        chooses=False,
    ),
    Way(
        "volumes",
        "volume snapshots",
        SnapshotKind.VOLUME,
        pause="none",
        space="kept by the storage, grows with what is written",
        restore="revert the volumes to their newest, or swap in new ones",
        limits="volumes only; each by itself, no freeze",
    ),
)

WAYS = {Shape.LIBVIRT: _LIBVIRT, Shape.OPENSHIFT: _OPENSHIFT, Shape.OPENSTACK: _OPENSTACK}
"""All ways of a shape, in the order in which they are offered."""


def way(shape: Shape, way_id: str) -> Way:
    """One way by id. Raises KeyError."""
    return {way.id: way for way in WAYS[shape]}[way_id]
