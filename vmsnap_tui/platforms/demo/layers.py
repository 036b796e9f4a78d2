"""The layers that a vm's disks read through, worked out from its snapshots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import Hop, Layer, LayerKind
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.vm import Backend
from vmsnap_tui.platforms.demo.record import stable_id
from vmsnap_tui.platforms.demo.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Disk, Vm


GOLDEN_SIZE = 2_100_000_000
"""Bytes of an image that a lab's vms share."""


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


def _files(vm: Vm, disk: Disk, line: Sequence[Snapshot], snapshots: Sequence[Snapshot]) -> Iterator[Layer]:
    """A snapshot's overlay takes what is written after it: its own data lies in the layer below.

    First what "now" reads through, then the overlays of other branches, then what is kept inside the image.
    """
    by_id = {snapshot.id: snapshot for snapshot in snapshots}
    overlays = {snapshot.id: place for snapshot, place in _places(disk, snapshots, SnapshotKind.EXTERNAL)}
    needed: dict[str, list[str]] = {}
    for snapshot in snapshots:
        if snapshot.id in overlays:
            for place in (*_under(snapshot, by_id, overlays), disk.source):
                needed.setdefault(place, []).append(snapshot.id)
    golden = _golden(vm, disk)
    reads = [overlays[snapshot.id] for snapshot in line if snapshot.id in overlays]
    sizes = {overlays[snapshot.id]: snapshot.size for snapshot in snapshots if snapshot.id in overlays}
    for index, (place, below) in enumerate(zip(reads, [*reads, disk.source][1:], strict=True)):
        kind = LayerKind.OVERLAY if index else LayerKind.ACTIVE
        mine = tuple(needed.get(place, ()))
        yield Layer(disk.id, kind, place, "qcow2", disk.capacity, sizes[place], mine, below=below, declared="qcow2")
    kind = LayerKind.ACTIVE if not reads else LayerKind.OVERLAY if golden else LayerKind.BASE
    mine = tuple(needed.get(disk.source, ()))
    below = golden.place if golden else ""
    yield Layer(
        disk.id, kind, disk.source, disk.format, disk.capacity, disk.allocation, mine, below=below,
        declared=disk.format if reads else "",
    )  # fmt: skip
    inside = list(_places(disk, sorted(snapshots, key=_newest), SnapshotKind.INTERNAL))
    if golden:
        yield replace(golden, snapshots=(*mine, *(snapshot.id for snapshot, _ in inside)))
    for snapshot in snapshots:
        place = overlays.get(snapshot.id, "")
        # One that nothing stands on was taken away when the vm was put back to what lies below it.
        if place and place not in reads and needed.get(place):
            below = next(iter(_under(snapshot, by_id, overlays)), disk.source)
            yield Layer(
                disk.id, LayerKind.OVERLAY, place, "qcow2", disk.capacity, snapshot.size, tuple(needed[place]),
                below=below, aside=True, declared="qcow2",
            )  # fmt: skip
    for snapshot, place in inside:
        yield Layer(
            disk.id, LayerKind.INTERNAL, f"{place}@{snapshot.name}", "qcow2", None, snapshot.size, (snapshot.id,),
            below=place, aside=True,
        )  # fmt: skip


def _under(snapshot: Snapshot, by_id: Mapping[str, Snapshot], overlays: Mapping[str, str]) -> Iterator[str]:
    """The overlays that a snapshot's own data reads through, newest first."""
    seen = {snapshot.id}
    at = by_id.get(snapshot.parent or "")
    while at is not None and at.id not in seen:
        seen.add(at.id)
        if at.id in overlays:
            yield overlays[at.id]
        at = by_id.get(at.parent or "")


def _golden(vm: Vm, disk: Disk) -> Layer | None:
    """The image that all vms of a lab stand on."""
    lab = next((tag for tag in vm.tags if tag.startswith("lab:")), "")
    if not lab or disk.backend is not Backend.FILE:
        return None
    place = f"{disk.source.rpartition('/')[0]}/golden/{lab.removeprefix('lab:')}.qcow2"
    return Layer(
        disk.id, LayerKind.BASE, place, "qcow2", disk.capacity, GOLDEN_SIZE, declared="qcow2",
        users=(f"all other vms of {lab}",),
    )  # fmt: skip


def _volumes(vm: Vm, disk: Disk, line: Sequence[Snapshot], snapshots: Sequence[Snapshot]) -> Iterator[Layer]:
    """What "now" reads through, then the snapshots of other branches."""
    on_line = {snapshot.id for snapshot in line}
    beside = [snapshot for snapshot in snapshots if snapshot.id not in on_line]
    if disk.backend is Backend.EPHEMERAL:
        yield Layer(disk.id, LayerKind.ACTIVE, disk.source, disk.format, disk.capacity, disk.allocation)
        yield from _images(disk, line)
        yield Layer(disk.id, LayerKind.BASE, stable_id(vm.ref.id, "base image"), "qcow2", disk.capacity)
        for layer in _images(disk, beside):
            yield replace(layer, aside=True)
        return
    yield Layer(disk.id, LayerKind.VOLUME, disk.source, disk.format, disk.capacity, disk.allocation)
    yield from _cuts(disk, line)
    for layer in _cuts(disk, beside):
        yield replace(layer, aside=True)


def _images(disk: Disk, snapshots: Sequence[Snapshot]) -> Iterator[Layer]:
    for snapshot, place in _places(disk, snapshots, SnapshotKind.IMAGE):
        yield Layer(disk.id, LayerKind.IMAGE, place, "qcow2", disk.capacity, snapshot.size, (snapshot.id,))


def _cuts(disk: Disk, snapshots: Sequence[Snapshot]) -> Iterator[Layer]:
    for kind in (SnapshotKind.VM, SnapshotKind.VOLUME, SnapshotKind.IMAGE):
        for snapshot, place in _places(disk, snapshots, kind):
            yield Layer(
                disk.id,
                LayerKind.VOLUME_SNAPSHOT if snapshot.ready else LayerKind.MISSING,
                place,
                virtual=disk.capacity,
                used=snapshot.size,
                snapshots=(snapshot.id,),
                error=snapshot.error,
                hops=_hops(snapshot, place) if kind is SnapshotKind.VM else (),
            )


def _hops(snapshot: Snapshot, place: str) -> tuple[Hop, ...]:
    """As a cluster leads from a snapshot of a whole vm to what its storage has."""
    return (
        Hop("VirtualMachineSnapshot", snapshot.name, snapshot.ready, snapshot.error),
        Hop("VirtualMachineSnapshotContent", f"vmsnapshot-content-{stable_id(snapshot.id)}", snapshot.ready),
        Hop("VolumeSnapshot", place, snapshot.ready, details=(("class", "demo-fast"),)),
        Hop("VolumeSnapshotContent", f"snapcontent-{stable_id(place)}", snapshot.ready),
        Hop("disk.csi.demo.example", stable_id(place, "handle"), snapshot.ready),
    )


def _newest(snapshot: Snapshot) -> float:
    return -snapshot.created.timestamp()
