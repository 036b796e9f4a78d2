"""Everything that the planner needs of one domain, read at one moment."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.snapshot import SnapshotKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vmsnap_tui.model.advice import Advice
    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import Method, Plan, Request, WayBack
    from vmsnap_tui.model.snapshot import SnapRef, Snapshot
    from vmsnap_tui.model.vm import Disk, Vm
    from vmsnap_tui.platforms.libvirt.jobs import BlockJob

EXTERNAL_RESTORE = 9_009_000
"""The libvirt that first restores and deletes external snapshots (9.9.0)."""

NVRAM_INTERNAL = 10_010_000
"""The libvirt whose internal snapshots keep the UEFI variables and bring them back (10.10.0)."""


_NO_AGENT = Freeze(FreezeState.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Host:
    """Who answers. Versions as libvirt numbers them: 11.3.0 is 11003000."""

    driver: str = "QEMU"
    libvirt: int = 0
    hypervisor: int = 0
    local: bool = True
    uri: str = "qemu:///system"

    @property
    def restores_external(self) -> bool:
        """Whether it can restore and delete external snapshots at all."""
        return self.driver == "QEMU" and self.libvirt >= EXTERNAL_RESTORE


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the host: the names in it, and the bytes that are free there. None where that is not known."""

    names: frozenset[str] | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """What bears on restoring in a domain's definition, of now or as a snapshot recorded it.

    `sources` are the files of its writable disks, by disk. `others` are the disks, of any kind, that lie on anything
    else. `media` are files in its CD drives. `hardware` is made for comparing and for the eye.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    hardware: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Record:
    """What libvirt's own record of a snapshot holds beyond the model.

    `overlays` are the files that were put on top when it was taken, `replaced` those that a later restore put in
    their place (libvirt's `revertDisks`), both by disk. The snapshot's data lies in `definition.sources`.
    """

    definition: Definition
    overlays: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)
    memory: str = ""

    @property
    def dropped(self) -> frozenset[str]:
        """The files that libvirt removes when it restores any external snapshot while this one is current."""
        return frozenset((self.replaced or self.overlays).values())


@dataclass(frozen=True, slots=True)
class LibvirtFacts:
    """The facts of one domain.

    `freeze` is observed: FROZEN and THAWED are what the agent's answers prove, FAILED means that it is connected and
    does not answer. `busy` names what else is at work on the domain,
    `jobs` its block jobs by disk. `odd` says of a disk why no snapshot of it can
    be taken, `unsavable` why memory cannot be saved. `nvram` is the format of the UEFI variables' file. `resident` is
    the host memory that the guest really takes, in bytes. `changed` is False only where nothing can have been written
    since the current snapshot. `layers` are those of the chain and those that snapshots alone need. `folders` are
    those that are known; another one may hold anything. `serial_bus` says that a channel can be given to it as it runs.
    """

    vm: Vm
    host: Host
    active: bool
    snapshots: tuple[Snapshot, ...] = ()
    chain: tuple[Layer, ...] = ()
    layers: tuple[Layer, ...] = ()
    freeze: Freeze = _NO_AGENT
    read_only: bool = False
    busy: str = ""
    jobs: Mapping[str, BlockJob] = field(default_factory=dict)
    checkpoints: bool = False
    changed: bool = True
    odd: Mapping[str, str] = field(default_factory=dict)
    unsavable: str = ""
    nvram: str = ""
    resident: int | None = None
    definition: Definition = field(default_factory=Definition)
    records: Mapping[str, Record] = field(default_factory=dict)
    folders: Mapping[str, Folder] = field(default_factory=dict)
    serial_bus: bool = False

    def called(self, name: str) -> str:
        """Each vm has names of its own."""
        return name

    def methods(self) -> tuple[Method, ...]:
        """All ways to take a snapshot that there are on libvirt."""
        from vmsnap_tui.platforms.libvirt.plan.methods import methods

        return methods(self)

    def advice(self) -> tuple[Advice, ...]:
        """What would make better snapshots possible."""
        from vmsnap_tui.platforms.libvirt.plan.advice import advice

        return tuple(advice(self))

    def ways_back(self, snapshot: SnapRef) -> tuple[WayBack, ...]:
        """One way alone."""
        del snapshot
        return ()

    def plan(self, request: Request) -> Plan:
        """What `request` would do here."""
        from vmsnap_tui.platforms.libvirt.plan import plan

        return plan(request, self)

    @property
    def disks(self) -> tuple[Disk, ...]:
        """The disks that can change, and so belong in a snapshot."""
        return tuple(disk for disk in self.vm.disks if disk.writable and disk.source)

    @property
    def current(self) -> Snapshot | None:
        """The snapshot that what the vm writes now is based on."""
        return next((snapshot for snapshot in self.snapshots if snapshot.current), None)

    @property
    def kinds(self) -> frozenset[SnapshotKind]:
        """Where the data of the snapshots lies: INTERNAL, EXTERNAL, or both."""
        kinds = {snapshot.kind for snapshot in self.snapshots}
        if SnapshotKind.MIXED in kinds:
            kinds |= {SnapshotKind.INTERNAL, SnapshotKind.EXTERNAL}
        return frozenset(kinds & {SnapshotKind.INTERNAL, SnapshotKind.EXTERNAL})

    @property
    def is_mixed(self) -> bool:
        """Whether internal and external snapshots stand side by side."""
        return len(self.kinds) > 1

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot of that id."""
        return next((snapshot for snapshot in self.snapshots if snapshot.id == snapshot_id), None)

    def record(self, snapshot: Snapshot) -> Record:
        """libvirt's record of it; an empty one where it could not be read."""
        return self.records.get(snapshot.id) or Record(Definition())

    def children(self, snapshot_id: str) -> tuple[Snapshot, ...]:
        """Its children, oldest first."""
        found = [snapshot for snapshot in self.snapshots if snapshot.parent == snapshot_id]
        return tuple(sorted(found, key=lambda snapshot: (snapshot.created, snapshot.id)))

    def exists(self, path: str) -> bool | None:
        """Whether a file is there, None where that is not known."""
        folder = self.folders.get(posixpath.dirname(path))
        return None if folder is None or folder.names is None else posixpath.basename(path) in folder.names

    def free(self, path: str) -> int | None:
        """The bytes that are free where that file lies, None where that is not known."""
        folder = self.folders.get(posixpath.dirname(path))
        return None if folder is None else folder.free
