"""What a snapshot looks like once it is taken: one place for those planted, taken and made outside."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.model.vm import Backend
from vmsnap_tui.platforms.demo.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from vmsnap_tui.model.together import Group
    from vmsnap_tui.model.vm import Disk, Vm
    from vmsnap_tui.platforms.demo.shape import Way

_DEMO = UUID("5d1c3d0e-3c1f-4a53-9d52-0c8d8f1f6c11")


def stable_id(*parts: str) -> str:
    """A UUID that is the same each time for the same parts."""
    return str(uuid5(_DEMO, "\0".join(parts)))


def can_join(way: Way, disk: Disk) -> bool:
    """Whether a disk can be part of a snapshot that is taken this way."""
    if not (disk.writable and disk.included):
        return False
    if way.kind is SnapshotKind.VOLUME:
        return disk.backend is Backend.VOLUME
    return way.kind is not SnapshotKind.IMAGE or disk.backend is Backend.EPHEMERAL


def place(shape: Shape, vm: Vm, way: Way, disk: Disk, name: str, snapshot_id: str) -> str:
    """Where the snapshot's part of a disk is found."""
    if shape is Shape.LIBVIRT:
        if way.kind is SnapshotKind.INTERNAL:
            return disk.source
        return overlay(disk, name)
    if shape is Shape.OPENSHIFT:
        return f"vmsnapshot-{snapshot_id}-volume-{disk.id}"
    if disk.backend is Backend.EPHEMERAL:
        return stable_id(vm.ref.id, snapshot_id, "image")
    return stable_id(vm.ref.id, snapshot_id, disk.id)


def overlay(disk: Disk, name: str) -> str:
    """The file that a disk writes to after an external snapshot of that name."""
    stem, dot, _ = disk.source.rpartition(".")
    return f"{stem if dot else disk.source}.{name}"


def compose(
    shape: Shape,
    vm: Vm,
    way: Way,
    *,
    name: str,
    created: datetime,
    parent: str | None,
    description: str = "",
    disks: Iterable[str] | None = None,
    consistency: Consistency | None = None,
    size: int | None = None,
    group: Group | None = None,
) -> Snapshot:
    """The record of a snapshot, current. `disks` None is all; `consistency` None is what the vm's state gives."""
    snapshot_id = name if shape is Shape.LIBVIRT else stable_id(vm.ref.id, name, created.isoformat())
    name = clean(name)
    chosen = {disk.id for disk in vm.disks} if disks is None else set(disks)
    parts = tuple(
        SnapshotDisk(disk.id, _part_kind(way, disk), place(shape, vm, way, disk, name, snapshot_id))
        if disk.id in chosen and can_join(way, disk)
        else SnapshotDisk(disk.id, included=False)
        for disk in vm.disks
        if disk.writable
    )
    memory = None
    if way.memory and vm.state.is_active:
        memory = "internal" if way.kind is SnapshotKind.INTERNAL else f"{_folder(vm)}/{clean(vm.name)}.{name}.mem"
    return Snapshot(
        ref=SnapRef(vm.ref, snapshot_id),
        name=name,
        created=created,
        parent=parent,
        inferred=shape is Shape.OPENSHIFT and parent is not None,
        state=vm.state,
        kind=way.kind,
        consistency=way.consistency(vm) if consistency is None else consistency,
        memory=memory,
        description=clean_lines(description),
        disks=parts,
        current=True,
        size=size,
        group=group,
    )


def _part_kind(way: Way, disk: Disk) -> SnapshotKind:
    if way.kind is not SnapshotKind.GROUP:
        return way.kind
    return SnapshotKind.IMAGE if disk.backend is Backend.EPHEMERAL else SnapshotKind.VOLUME


def _folder(vm: Vm) -> str:
    source = next((disk.source for disk in vm.disks if disk.backend in {Backend.FILE, Backend.NFS}), "")
    return source.rpartition("/")[0] or "/var/lib/libvirt/images"
