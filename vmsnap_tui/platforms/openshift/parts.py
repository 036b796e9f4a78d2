"""What the snapshots of a vm are made of: contents, volume snapshots, and what the storage has of these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid5

from vmsnap_tui.model.errors import Unreachable, VmsnapError
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift.convert import has_backend_state, quantity
from vmsnap_tui.platforms.openshift.facts import Cut, Part
from vmsnap_tui.platforms.openshift.kinds import CONTENTS, VM_CLONES, VM_EXPORTS, VOLUME_CONTENTS, VOLUME_SNAPSHOTS
from vmsnap_tui.platforms.openshift.records import VirtualMachine, VolumeSnapshot
from vmsnap_tui.platforms.openshift.snapshots import loose_of, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vmsnap_tui.platforms.openshift.cluster import Cluster
    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.records import SnapshotContent, VmSnapshot, VolumeSnapshotContent
    from vmsnap_tui.platforms.openshift.snapshots import Things

T = TypeVar("T")

_NEW_IDS = UUID("0b0e6d4f-91a4-5f0e-8d5a-3f6c2b7e9a10")
_OVER = {"Succeeded", "Failed", "Terminated", "Skipped"}
"""Phases of clones and exports that read their snapshot no more."""
_PART_OF = "snapshot.kubevirt.io/source-vm-name"


def contents_of(cluster: Cluster, things: Things) -> dict[str, SnapshotContent]:
    """The contents of the vm's snapshots by the snapshot's uid, as far as they may be read."""
    if not things.snapshots:
        return {}
    names = {each.metadata.uid: each.content for each in things.snapshots}
    return by_name(cluster, CONTENTS, things.machine.metadata.namespace, names)[0]


def parts_of(cluster: Cluster, things: Things, contents: Mapping[str, SnapshotContent]) -> dict[str, Part]:
    """What makes up each snapshot, by the snapshot's id."""
    namespace, machine = things.machine.metadata.namespace, things.machine.metadata.name
    volumes = told(cluster, replace(VOLUME_SNAPSHOTS, selector=f"{_PART_OF}={machine}"), namespace)
    by_name = {each.metadata.name: each for each in (*volumes, *things.volume_snapshots)}
    handles = _handles(cluster, by_name.values())
    users = _users(cluster, things, namespace)
    found = {
        f"{namespace}/{each.metadata.name}": _part(
            each, contents.get(each.metadata.uid), by_name, handles, users.get(each.metadata.name, ())
        )
        for each in things.snapshots
    }
    disks = {volume.claim: volume.name for volume in things.machine.spec.template.spec.volumes if volume.claim}
    for id_, members in loose_of(things).items():
        found[id_] = Part(
            uid=members[0].metadata.uid,
            cuts=tuple(_loose_cut(each, disks, handles) for each in members),
            deleting=any(each.metadata.deleted is not None for each in members),
            held=tuple(clean(name) for each in members if each.metadata.deleted for name in each.metadata.finalizers),
        )
    return found


def _part(
    snapshot: VmSnapshot,
    content: SnapshotContent | None,
    volumes: Mapping[str, VolumeSnapshot],
    handles: Mapping[str, VolumeSnapshotContent],
    users: tuple[str, ...],
) -> Part:
    meta, status = snapshot.metadata, snapshot.status
    cuts: list[Cut] = []
    then = VirtualMachine()
    if content is not None:
        then = VirtualMachine(spec=content.spec.source.virtual_machine.spec)
        for backup in content.spec.volume_backups:
            name, claim = backup.volume_snapshot_name, backup.claim
            asked = quantity(claim.spec.resources.requests.storage) or 0
            cuts.append(
                _cut(backup.volume_name, claim.metadata.name, name, asked, volumes.get(name), handles.get(name))
            )
    elif status.snapshot_volumes is not None:  # who may not read the content is told of the volumes all the same
        for disk in status.snapshot_volumes.included_volumes:
            name = f"vmsnapshot-{meta.uid}-volume-{disk}"
            cuts.append(_cut(disk, "", name, 0, volumes.get(name), handles.get(name)))
    spec = then.spec
    return Part(
        meta.name,
        meta.uid,
        status.source_uid,
        "" if content is None else content.spec.source.virtual_machine.metadata.uid,
        snapshot.content if content is not None else "",
        snapshot.spec.deletion_policy == "Retain",
        tuple(cuts),
        tuple(clean(volume.name) for volume in spec.template.spec.volumes),
        tuple(template.metadata.name for template in spec.data_volume_templates),
        tuple(_patches(then, meta.uid)),
        has_backend_state(then),
        users,
        meta.deleted is not None,
        tuple(clean(name) for name in meta.finalizers),
    )


def _cut(
    disk: str, claim: str, name: str, asked: int, volume: VolumeSnapshot | None, content: VolumeSnapshotContent | None
) -> Cut:
    size = quantity(volume.status.restore_size) if volume is not None else None
    handle = clean(content.status.snapshot_handle) if content is not None else ""
    keeps = content is not None and content.spec.deletion_policy == "Retain"
    return Cut(clean(disk), claim, name, max(size or 0, asked), handle, keeps)


def _loose_cut(volume: VolumeSnapshot, disks: Mapping[str, str], handles: Mapping[str, VolumeSnapshotContent]) -> Cut:
    meta, claim = volume.metadata, volume.spec.source.claim
    disk = meta.annotations.disk or disks.get(claim) or claim or meta.name
    return _cut(disk, claim, meta.name, 0, volume, handles.get(meta.name))


def _patches(then: VirtualMachine, uid: str) -> Iterator[str]:
    """What gives a new vm other addresses and ids. KubeVirt takes no patch whose value holds a colon or a comma."""
    domain = then.spec.template.spec.domain
    base = "/spec/template/spec/domain"
    for index, card in enumerate(domain.devices.interfaces):
        if card.mac_address:
            yield f'{{"op": "remove", "path": "{base}/devices/interfaces/{index}/macAddress"}}'
    if domain.firmware is not None:
        for what in ("uuid", "serial"):
            value = uuid5(_NEW_IDS, f"{uid}/{what}")
            yield f'{{"op": "add", "path": "{base}/firmware/{what}", "value": "{value}"}}'


def _handles(cluster: Cluster, volumes: Iterable[VolumeSnapshot]) -> dict[str, VolumeSnapshotContent]:
    """What the storage has of volume snapshots, by their names. Contents belong to no namespace: many may not look."""
    bound = [each for each in volumes if each.status.bound_volume_snapshot_content_name]
    if not bound or not cluster.may("get", VOLUME_CONTENTS.group, VOLUME_CONTENTS.plural):
        return {}
    names = {each.metadata.name: each.status.bound_volume_snapshot_content_name for each in bound}
    return by_name(cluster, VOLUME_CONTENTS, None, names)[0]


def _users(cluster: Cluster, things: Things, namespace: str) -> dict[str, tuple[str, ...]]:
    """What reads snapshots now, in words, by the snapshot's name."""
    found: dict[str, tuple[str, ...]] = {}

    def note(snapshot: str, words: str) -> None:
        found[snapshot] = (*found.get(snapshot, ()), clean(words))

    for restore in things.restores:
        if not restore.status.complete and not said(restore.status.conditions, "Failure"):
            note(restore.spec.virtual_machine_snapshot_name, f"restore {restore.metadata.name}")
    kinds: tuple[tuple[Kind[Any], str], ...] = ((VM_CLONES, "clone"), (VM_EXPORTS, "export"))
    for kind, what in kinds:
        for each in told(cluster, kind, namespace):
            if each.spec.source.kind == "VirtualMachineSnapshot" and each.status.phase not in _OVER:
                note(each.spec.source.name, f"{what} {each.metadata.name}")
    return found


def by_name(
    cluster: Cluster, kind: Kind[T], namespace: str | None, names: Mapping[str, str]
) -> tuple[dict[str, T], dict[str, str]]:
    """Objects under the keys of their `names`, read at the same time, and why others could not be, by their names."""
    answers = cluster.get_several([cluster.path(kind, namespace, name) for name in names.values()], kind.type)
    found: dict[str, T] = {}
    unread: dict[str, str] = {}
    for (key, name), answer in zip(names.items(), answers, strict=True):
        if isinstance(answer, VmsnapError):
            unread[name] = answer.words
        else:
            found[key] = answer
    return found, unread


def told(cluster: Cluster, kind: Kind[T], namespace: str | None) -> list[T]:
    """A list, or nothing where it may not be read or there is no such thing. Raises Unreachable."""
    if not cluster.serving.has(kind):
        return []
    try:
        return cluster.every(kind, namespace)
    except Unreachable:
        raise
    except VmsnapError:
        return []
