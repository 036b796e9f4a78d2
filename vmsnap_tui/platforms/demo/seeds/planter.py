"""Planting vms and their histories, told as they would have happened: taken, taken, gone back, taken."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.together import Group
from vmsnap_tui.model.vm import AgentState, Backend, Disk, Firmware, Vm, VmRef, VmState
from vmsnap_tui.platforms.demo.record import compose, stable_id
from vmsnap_tui.platforms.demo.shape import way
from vmsnap_tui.platforms.demo.world import Machine

if TYPE_CHECKING:
    from vmsnap_tui.model.snapshot import Consistency, Snapshot
    from vmsnap_tui.platforms.demo.world import Fault, World

GIB = 2**30
MIB = 2**20
MINUTES = 1 / 60
DAYS = 24.0
"""Ages are told in hours."""
WEEKLY = Group("5e1f0c77a3d2", 1.84)
"""A group snapshot over several sites."""


def files(
    vm: str, *sizes: int, used: float = 0.4, form: str = "qcow2", folder: str = "/var/lib/libvirt/images"
) -> tuple[Disk, ...]:
    """Disks as files, `sizes` in GiB: vda, vdb, …"""
    return tuple(
        Disk(
            id=f"vd{letter}",
            source=f"{folder}/{vm}{'' if letter == 'a' else '-' + letter}.{form}",
            format=form,
            backend=Backend.NFS if folder.startswith("/net") else Backend.FILE,
            capacity=size * GIB,
            allocation=int(size * GIB * used),
        )
        for letter, size in zip("abcdefgh", sizes, strict=False)
    )


class Plot:
    """One vm, and its history so far."""

    def __init__(self, world: World, machine: Machine) -> None:
        self._world = world
        self._machine = machine
        self._parent: str | None = None
        self._was: dict[str, object] = {}

    @property
    def ref(self) -> VmRef:
        """The vm."""
        return self._machine.vm.ref

    def took(
        self,
        name: str,
        ago: float,
        method: str,
        description: str = "",
        *,
        size: float = 0,
        state: VmState | None = None,
        agent: AgentState | None = None,
        consistency: Consistency | None = None,
        disks: tuple[str, ...] | None = None,
        error: str = "",
        protected: bool = False,
        baseline: str = "",
        group: Group | None = None,
    ) -> Plot:
        """A snapshot was taken `ago` hours ago, `size` GiB; `state` and `agent` where they were not as now."""
        vm = self._machine.vm
        snapshot = compose(
            self._world.shape,
            replace(vm, state=state or vm.state, agent=agent or self._machine.agent),
            way(self._world.shape, method),
            name=name,
            created=self._world.start - timedelta(hours=ago),
            parent=self._parent,
            description=description,
            disks=disks,
            consistency=consistency,
            size=int(size * GIB) or None,
        )
        self._machine.then[snapshot.id] = replace(vm, **self._was)
        shown = replace(snapshot, current=False, ready=not error, error=error)
        self.keep(replace(shown, protected=protected, baseline=baseline, group=group))
        if not error:
            self._parent = snapshot.id
        return self

    def was(self, **values: object) -> Plot:
        """From here on snapshots are of a vm that had other values than now; without any, of it as it is."""
        self._was = values
        return self

    def went_back(self, name: str) -> Plot:
        """The vm was restored: what is taken next hangs there."""
        self._parent = self.id_of(name)
        return self

    def id_of(self, name: str) -> str:
        """The id of a snapshot by name."""
        return next(each.id for each in self._machine.snapshots.values() if each.name == name)

    def lost(self, name: str) -> Plot:
        """A snapshot's record went away behind everybody's back: its children are orphans."""
        del self._machine.snapshots[self.id_of(name)]
        return self

    def keep(self, snapshot: Snapshot) -> None:
        """Put a ready-made record there."""
        self._machine.snapshots[snapshot.id] = snapshot

    def finish(self) -> None:
        """Now goes on from where the history stands."""
        if self._parent in self._machine.snapshots:
            here = self._machine.snapshots[self._parent]
            self._machine.snapshots[here.id] = replace(here, current=True)
        self._world.add(self._machine)


class Planter:
    """Plants vms in a world."""

    def __init__(self, site: str, world: World) -> None:
        self.world = world
        self._site = site

    def vm(
        self,
        name: str,
        disks: tuple[Disk, ...],
        state: VmState = VmState.RUNNING,
        agent: AgentState = AgentState.CONNECTED,
        *,
        memory: float = 4,
        vcpus: int = 2,
        title: str = "",
        description: str = "",
        group: str = "",
        uefi: bool = True,
        tpm: bool = False,
        autostart: bool | None = None,
        persistent: bool = True,
        saved: bool = False,
        tags: tuple[str, ...] = (),
        free: int | None = None,
        faults: tuple[Fault, ...] = (),
        frozen_for: float = 0,
    ) -> Plot:
        """A vm, `memory` and `free` in GiB, left frozen `frozen_for` hours ago where that is not 0."""
        vm = Vm(
            ref=VmRef(self._site, stable_id(self._site, group, name)),
            name=name,
            title=title,
            description=description,
            group=group,
            memory=int(memory * GIB),
            vcpus=vcpus,
            disks=disks,
            firmware=Firmware.UEFI if uefi else Firmware.BIOS,
            tpm=tpm,
            autostart=autostart,
            persistent=persistent,
            saved=saved,
            tags=tags,
        )
        room = None if free is None else free * GIB
        machine = Machine(vm, agent, changed=False, free=room, faults=frozenset(faults))
        machine.stand(self.world.shape, state)
        if frozen_for:
            machine.freeze = Freeze(FreezeState.FROZEN, self.world.start - timedelta(hours=frozen_for))
        return Plot(self.world, machine)
