"""The objects that lead from a snapshot or a claim to the bytes: each with what the cluster says of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import Hop, LayerKind
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift.convert import quantity
from vmsnap_tui.platforms.openshift.kinds import VOLUME_CONTENTS, VOLUME_SNAPSHOTS
from vmsnap_tui.platforms.openshift.parts import by_name, contents_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.platforms.openshift.cluster import Cluster
    from vmsnap_tui.platforms.openshift.records import (
        Claim,
        SnapshotContent,
        VmSnapshot,
        VolumeSnapshot,
        VolumeSnapshotContent,
    )
    from vmsnap_tui.platforms.openshift.records.basic import Problem
    from vmsnap_tui.platforms.openshift.snapshots import Things

Details = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of a vm's snapshots.

    `contents` are by the uid of the snapshot, `volumes` and `cuts` (VolumeSnapshotContents) by the name of the
    VolumeSnapshot. `unread` are names with the reason why they could not be read.
    """

    contents: Mapping[str, SnapshotContent] = field(default_factory=dict)
    volumes: Mapping[str, VolumeSnapshot] = field(default_factory=dict)
    cuts: Mapping[str, VolumeSnapshotContent] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


def read(cluster: Cluster, things: Things, layers: Sequence[Layer]) -> Found:
    """All objects behind these layers, each kind in one go. What may not be read is told as such."""
    namespace = things.machine.metadata.namespace
    names = sorted({layer.place for layer in layers if layer.kind is LayerKind.VOLUME_SNAPSHOT})
    volumes, unread = by_name(cluster, VOLUME_SNAPSHOTS, namespace, {name: name for name in names})
    bound = {name: each.status.bound_volume_snapshot_content_name for name, each in volumes.items()}
    bound = {name: content for name, content in bound.items() if content}
    cuts, unread_cuts = by_name(cluster, VOLUME_CONTENTS, None, bound)
    return Found(contents_of(cluster, things), volumes, cuts, unread | unread_cuts)


def traced(layers: Sequence[Layer], things: Things, found: Found) -> tuple[Layer, ...]:
    """The layers with the objects that lead to them. A volume snapshot's size is what a claim made from it needs."""
    snapshots = {f"{each.metadata.namespace}/{each.metadata.name}": each for each in things.snapshots}
    return tuple(_traced(layer, snapshots, things, found) for layer in layers)


def _traced(layer: Layer, snapshots: Mapping[str, VmSnapshot], things: Things, found: Found) -> Layer:
    if layer.kind is LayerKind.VOLUME_SNAPSHOT:
        volume = found.volumes.get(layer.place)
        size = quantity(volume.status.restore_size) if volume is not None else None
        whole = next((snapshots[id_] for id_ in layer.snapshots if id_ in snapshots), None)
        hops = (*(_of_vm(whole, found) if whole is not None else ()), *_of_volume(layer.place, found))
        return replace(layer, hops=hops, virtual=size)
    if layer.kind is LayerKind.ACTIVE:
        names = {
            clean(volume.name): volume.claim for volume in things.machine.spec.template.spec.volumes if volume.claim
        }
        claim = things.claims.get(names.get(layer.disk, ""))
        return layer if claim is None else replace(layer, hops=tuple(_of_claim(claim)))
    return layer


def _of_vm(snapshot: VmSnapshot, found: Found) -> Iterator[Hop]:
    meta, status = snapshot.metadata, snapshot.status
    yield Hop(
        "VirtualMachineSnapshot",
        clean(meta.name),
        status.ready_to_use,
        _words(status.error),
        _told(
            ("phase", status.phase),
            ("deletion policy", snapshot.spec.deletion_policy),
            ("being deleted", _held(meta.finalizers) if meta.deleted else ""),
        ),
    )
    content = found.contents.get(meta.uid)
    if content is None:
        yield Hop("VirtualMachineSnapshotContent", clean(snapshot.content), None, "it is not there, or may not be read")
        return
    yield Hop(
        "VirtualMachineSnapshotContent",
        clean(content.metadata.name),
        content.status.ready_to_use,
        _words(content.status.error),
    )


def _of_volume(name: str, found: Found) -> Iterator[Hop]:
    volume = found.volumes.get(name)
    if volume is None:
        yield Hop("VolumeSnapshot", clean(name), None, clean(found.unread.get(name, "it is not there")))
        return
    status = volume.status
    size = str(status.restore_size) if status.restore_size is not None else ""
    yield Hop(
        "VolumeSnapshot",
        clean(name),
        bool(status.ready_to_use),
        _words(status.error),
        _told(
            ("class", volume.spec.volume_snapshot_class_name),
            ("restore size", size),
            ("being deleted", _held(volume.metadata.finalizers) if volume.metadata.deleted else ""),
        ),
    )
    bound = status.bound_volume_snapshot_content_name
    content = found.cuts.get(name)
    if content is None:
        if bound:
            yield Hop("VolumeSnapshotContent", clean(bound), None, clean(found.unread.get(bound, "it is not there")))
        return
    spec = content.spec
    yield Hop(
        "VolumeSnapshotContent",
        clean(content.metadata.name),
        content.status.ready_to_use,
        _words(content.status.error),
        _told(("class", spec.volume_snapshot_class_name), ("deletion policy", spec.deletion_policy)),
    )
    handle = content.status.snapshot_handle
    yield Hop(clean(spec.driver), clean(handle), bool(handle), "" if handle else "the driver has given no handle")


def _of_claim(claim: Claim) -> Iterator[Hop]:
    spec, phase = claim.spec, claim.status.phase
    source = spec.data_source
    yield Hop(
        "PersistentVolumeClaim",
        clean(claim.metadata.name),
        phase == "Bound",
        "" if phase in {"Bound", ""} else f"it is {clean(phase)}",
        _told(
            ("storage class", spec.storage_class_name),
            ("mode", spec.volume_mode),
            ("access", ", ".join(spec.access_modes)),
            ("restored from", f"{source.kind} {source.name}" if source is not None else ""),
        ),
    )
    if spec.volume_name:
        yield Hop("PersistentVolume", clean(spec.volume_name))


def _told(*details: tuple[str, str]) -> Details:
    return tuple((label, clean(text)) for label, text in details if text)


def _words(problem: Problem | None) -> str:
    return clean(problem.message) if problem is not None else ""


def _held(finalizers: Sequence[str]) -> str:
    return f"held by {', '.join(finalizers)}" if finalizers else "yes"
