"""The layers that a vm's disks read through, worked out from its snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.vm import Backend
from vmsnap_tui.platforms.demo.record import stable_id
from vmsnap_tui.platforms.demo.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Disk, Vm


def layers(shape: Shape, vm: Vm, snapshots: Sequence[Snapshot]) -> tuple[Layer, ...]:
    """Newest first, disk by disk."""
    line = lineage(snapshots)
    build = _files if shape is Shape.LIBVIRT else _volumes
    return tuple(layer for disk in vm.disks for layer in build(vm, disk, line, snapshots))


def lineage(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """From the current snapshot up to its root."""
    by_id = {snapshot.id: snapshot for snapshot in snapshots}
    here = next((snapshot for snapshot in snapshots if snapshot.current), None)
    line: list[Snapshot] = []
    while here:
        line.append(here)
        del by_id[here.id]
        here = by_id.get(here.parent or "")
    return line


def _places(disk: Disk, line: Sequence[Snapshot], kind: SnapshotKind) -> Iterator[tuple[Snapshot, str]]:
    for snapshot in line:
        for part in snapshot.disks:
            if part.disk == disk.id and part.included and part.kind is kind:
                yield snapshot, part.place


def _files(_: Vm, disk: Disk, line: Sequence[Snapshot], snapshots: Sequence[Snapshot]) -> Iterator[Layer]:
    """A snapshot's overlay takes what is written after it: its own data lies in the layer below."""
    overlays = list(_places(disk, line, SnapshotKind.EXTERNAL))
    needed: tuple[str, ...] = ()
    for index, (snapshot, place) in enumerate(overlays):
        kind = LayerKind.OVERLAY if index else LayerKind.ACTIVE
        yield Layer(disk.id, kind, place, "qcow2", disk.capacity, snapshot.size, needed)
        needed = (snapshot.id,)
    kind = LayerKind.BASE if overlays else LayerKind.ACTIVE
    yield Layer(disk.id, kind, disk.source, disk.format, disk.capacity, disk.allocation, needed)
    for snapshot, place in _places(disk, sorted(snapshots, key=_newest), SnapshotKind.INTERNAL):
        yield Layer(
            disk.id, LayerKind.INTERNAL, f"{place}@{snapshot.name}", "qcow2", None, snapshot.size, (snapshot.id,)
        )


def _volumes(vm: Vm, disk: Disk, line: Sequence[Snapshot], _: Sequence[Snapshot]) -> Iterator[Layer]:
    if disk.backend is Backend.EPHEMERAL:
        yield Layer(disk.id, LayerKind.ACTIVE, disk.source, disk.format, disk.capacity, disk.allocation)
        for snapshot, place in _places(disk, line, SnapshotKind.IMAGE):
            yield Layer(disk.id, LayerKind.IMAGE, place, "qcow2", disk.capacity, snapshot.size, (snapshot.id,))
        yield Layer(disk.id, LayerKind.BASE, stable_id(vm.ref.id, "base image"), "qcow2", disk.capacity)
        return
    yield Layer(disk.id, LayerKind.VOLUME, disk.source, disk.format, disk.capacity, disk.allocation)
    for kind in (SnapshotKind.VM, SnapshotKind.VOLUME, SnapshotKind.IMAGE):
        for snapshot, place in _places(disk, line, kind):
            yield Layer(
                disk.id,
                LayerKind.VOLUME_SNAPSHOT if snapshot.ready else LayerKind.MISSING,
                place,
                virtual=disk.capacity,
                used=snapshot.size,
                snapshots=(snapshot.id,),
                error=snapshot.error,
            )


def _newest(snapshot: Snapshot) -> float:
    return -snapshot.created.timestamp()
