"""Gathers the facts of one vm: what is known of it anyway, and what only a planner wants to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift.classes import Chosen, classes_of
from vmsnap_tui.platforms.openshift.convert import capacity_of, freeze_of, is_migrating
from vmsnap_tui.platforms.openshift.facts import OpenRestore, OpenShiftFacts, Right, Volume
from vmsnap_tui.platforms.openshift.kinds import CLAIMS, MACHINES, VM_SNAPSHOTS
from vmsnap_tui.platforms.openshift.lineage import line_to
from vmsnap_tui.platforms.openshift.mirror import claim_names, key_of
from vmsnap_tui.platforms.openshift.parts import contents_of, parts_of, told
from vmsnap_tui.platforms.openshift.snapshots import members_of, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm
    from vmsnap_tui.platforms.openshift.cluster import Cluster
    from vmsnap_tui.platforms.openshift.facts import Abilities
    from vmsnap_tui.platforms.openshift.inventory import Inventory
    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.mirror import Mirror
    from vmsnap_tui.platforms.openshift.records import Claim, SnapshotContent, VirtualMachine, VmRestore
    from vmsnap_tui.platforms.openshift.snapshots import Things

T = TypeVar("T")


def gather(
    inventory: Inventory,
    things: Things,
    vm: Vm,
    snapshots: tuple[Snapshot, ...],
    chain: tuple[Layer, ...],
    can: Abilities,
    *,
    read_only: bool,
) -> OpenShiftFacts:
    """Everything that the planner needs. `things`, `vm` and `snapshots` were read just now. Raises Unreachable."""
    cluster, namespace = inventory.cluster, things.machine.metadata.namespace
    uids = {member.snapshot.id: member.uid for member in members_of(things, vm.ref)}
    current = next((snapshot.id for snapshot in snapshots if snapshot.current), None)
    contents = contents_of(cluster, things)
    rights = cluster.may_all([right.value for right in Right], namespace)
    open_restores = tuple(_open_restores(things.restores))
    machines, claims = _all(inventory, MACHINES, namespace), _all(inventory, CLAIMS, namespace)
    return OpenShiftFacts(
        vm,
        snapshots,
        chain,
        freeze_of(things.instance),
        read_only=read_only,
        uid=things.machine.metadata.uid,
        running=things.instance is not None,
        migrating=is_migrating(things.instance),
        busy=_busy(things, open_restores),
        volumes=tuple(_volumes(cluster, things)),
        parts=parts_of(cluster, things, contents),
        line=line_to(current, snapshots, uids),
        restores=open_restores,
        leftovers=tuple(_leftovers(things, contents, machines, claims)),
        names=_names(inventory.mirror, things, namespace),
        vm_names=frozenset(each.metadata.name for each in machines),
        claim_names=frozenset(each.metadata.name for each in claims),
        can=can,
        kubectl=cluster.kubectl,
        denied=frozenset(right for right, is_allowed in zip(Right, rights, strict=True) if not is_allowed),
    )


def _busy(things: Things, restores: Sequence[OpenRestore]) -> str:
    status = things.machine.status
    if things.machine.metadata.deleted is not None:
        return "it is being deleted"
    if status.snapshot_in_progress:
        return f"snapshot {clean(status.snapshot_in_progress)}"
    failed = {restore.name for restore in restores if restore.failed}
    if status.restore_in_progress and clean(status.restore_in_progress) not in failed:
        return f"restore {clean(status.restore_in_progress)}"
    return ""


def _open_restores(restores: Sequence[VmRestore]) -> Iterator[OpenRestore]:
    for each in sorted(restores, key=lambda restore: restore.metadata.name):
        if each.status.complete:
            continue
        failure, conditions = said(each.status.conditions, "Failure"), each.status.conditions
        reason = failure or said(conditions, "Progressing", "False") or said(conditions, "Progressing")
        yield OpenRestore(clean(each.metadata.name), bool(failure), clean(reason))


def _names(mirror: Mirror, things: Things, namespace: str) -> dict[str, str]:
    """The names of snapshots that are taken in the namespace, each with its vm as far as that is known."""
    whole = [each for each in mirror.all(VM_SNAPSHOTS) if each.metadata.namespace == namespace]
    return {each.metadata.name: each.spec.source.name for each in (*whole, *things.snapshots)}


# Volumes


def _volumes(cluster: Cluster, things: Things) -> Iterator[Volume]:
    spec = things.machine.spec
    abilities = {each.name: each for each in things.machine.status.volume_snapshot_statuses}
    templates = {template.metadata.name for template in spec.data_volume_templates}
    classes = classes_of(cluster)
    for volume in spec.template.spec.volumes:
        if not volume.claim or volume.memory_dump is not None:
            continue
        claim, ability = things.claims.get(volume.claim), abilities.get(volume.name)
        why_not = "" if ability is None or ability.enabled else ability.reason or "it cannot be snapshotted"
        if claim is None:
            why_not = why_not or "its claim is not there"
        storage_class = claim.spec.storage_class_name if claim is not None else ""
        chosen = classes.get(storage_class, Chosen())
        yield Volume(
            clean(volume.name),
            volume.claim,
            (capacity_of(claim) or 0) if claim is not None else 0,
            storage_class,
            chosen.name,
            clean(why_not),
            templated=volume.data_volume is not None and volume.claim in templates,
            driver=chosen.driver,
            rivals=chosen.rivals,
        )


def _leftovers(
    things: Things,
    contents: Mapping[str, SnapshotContent],
    machines: Sequence[VirtualMachine],
    claims: Sequence[Claim],
) -> Iterator[str]:
    """Claims that the vm had or that were made for it, and that no vm has now."""
    machine = things.machine.metadata
    used = {name for each in (*machines, things.machine) for name in claim_names(each)}
    had = {backup.claim.metadata.uid for content in contents.values() for backup in content.spec.volume_backups}
    for claim in sorted(claims, key=key_of):
        meta = claim.metadata
        if meta.name in used or meta.deleted is not None:
            continue
        is_its = any(owner.uid == machine.uid for owner in meta.owners) and meta.annotations.last_restore
        if is_its or meta.annotations.vm == machine.name or meta.uid in had:
            yield meta.name


def _all(inventory: Inventory, kind: Kind[T], namespace: str) -> list[T]:
    """All of a kind in a namespace, as far as they may be read."""
    if not inventory.is_known(kind):
        return told(inventory.cluster, kind, namespace)
    found: list[Any] = inventory.mirror.all(kind)
    return [each for each in found if each.metadata.namespace == namespace]
