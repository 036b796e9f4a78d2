"""What only a look at all of a cluster shows: objects that belong to nobody, records without data, missing classes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.errors import Unreachable, VmsnapError
from vmsnap_tui.model.plan import Delete
from vmsnap_tui.model.snapshot import SnapRef
from vmsnap_tui.model.survey import Finding, Mend, Severity
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.openshift.classes import classes_of
from vmsnap_tui.platforms.openshift.kinds import CONTENTS, MACHINES, VM_SNAPSHOTS, VOLUME_CONTENTS, VOLUME_SNAPSHOTS
from vmsnap_tui.platforms.openshift.mirror import key_of
from vmsnap_tui.platforms.openshift.plan.advice import choose, make

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from vmsnap_tui.platforms.openshift.classes import Chosen
    from vmsnap_tui.platforms.openshift.inventory import Inventory
    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.mirror import Key
    from vmsnap_tui.platforms.openshift.records import (
        SnapshotContent,
        VmSnapshot,
        VolumeSnapshotContent,
    )
    from vmsnap_tui.platforms.openshift.scopes import Scope

_LET_GO = '{"spec":{"deletionPolicy":"Delete"}}'


@dataclass(frozen=True, slots=True)
class Whole:
    """All objects of the namespaces that are looked at; None of a kind that may not be listed.

    `machines` are all vms, `classes` the storage classes that their claims are of, `kubectl` what a command begins
    with; `blind` says what could not be read, and why. A volume content belongs to no namespace: only those
    count whose volume snapshot is, or was, in one of `namespaces` (None: in any).
    """

    machines: Collection[Key] = ()
    snapshots: Sequence[VmSnapshot] = ()
    contents: Mapping[Key, SnapshotContent] | None = None
    volumes: Collection[Key] | None = None
    cuts: Sequence[VolumeSnapshotContent] | None = None
    namespaces: Collection[str] | None = None
    classes: Mapping[str, Chosen] = field(default_factory=dict)
    kubectl: tuple[str, ...] = ("kubectl",)
    blind: Mapping[str, str] = field(default_factory=dict)


def read(inventory: Inventory) -> Whole:
    """Lists what is not known yet, each kind in one go. Raises Unreachable."""
    cluster, scopes, mirror = inventory.cluster, inventory.scopes, inventory.mirror
    inventory.known_things(())  # lists what no watch keeps
    blind: dict[str, str] = {}

    def listed(kind: Kind[Any], among: Iterable[Scope] = scopes) -> list[Any] | None:
        if not cluster.serving.has(kind):
            return []
        try:
            return [each for scope in among for each in cluster.every(kind, scope)]
        except Unreachable:
            raise
        except VmsnapError as error:
            blind[kind.plural] = error.words
            return None

    contents, volumes = listed(CONTENTS), listed(replace(VOLUME_SNAPSHOTS, selector=""))
    machines = mirror.all(MACHINES)
    used = {claim.spec.storage_class_name for each in machines for claim in mirror.claims(key_of(each)).values()}
    return Whole(
        frozenset(map(key_of, machines)),
        mirror.all(VM_SNAPSHOTS),
        None if contents is None else {key_of(each): each for each in contents},
        None if volumes is None else frozenset(map(key_of, volumes)),
        listed(VOLUME_CONTENTS, (None,)),
        None if None in scopes else frozenset(map(str, scopes)),
        {name: chosen for name, chosen in classes_of(cluster).items() if name in used},
        cluster.kubectl,
        blind,
    )


def findings_of(whole: Whole, site: str, since: datetime) -> Iterator[Finding]:
    """What is wrong. What was made after `since` is not complete yet, and counts as nothing wrong."""
    for snapshot in whole.snapshots:
        if snapshot.metadata.deleted is None:
            yield from _of_nobody(snapshot, whole)
            yield from _without_data(snapshot, whole, site, since)
    if whole.cuts is not None and whole.volumes is not None:
        for cut in whole.cuts:
            yield from _orphan(cut, whole.volumes, whole, since)
    for storage_class, chosen in whole.classes.items():
        if not chosen.name:
            yield _no_class(clean(storage_class), chosen, whole.kubectl)


def _of_nobody(snapshot: VmSnapshot, whole: Whole) -> Iterator[Finding]:
    namespace, name = snapshot.metadata.namespace, snapshot.metadata.name
    if (namespace, snapshot.spec.source.name) in whole.machines:
        return
    gone = clean(snapshot.spec.source.name)
    yield Finding(
        "snapshot-of-nobody", Severity.NOTE, f"“{clean(name)}” in {clean(namespace)} is of {gone}, which is gone",
        f"it can still be restored, into a new vm or one that is called {gone} again",
        "it takes space until somebody deletes it",
        place=clean(name), snapshot=f"{namespace}/{name}",
        mends=(Mend("delete it, if nobody wants that vm back", command=_delete(snapshot, whole)),),
    )  # fmt: skip


def _without_data(snapshot: VmSnapshot, whole: Whole, site: str, since: datetime) -> Iterator[Finding]:
    if not snapshot.status.ready_to_use or whole.contents is None or not _is_old(snapshot, since):
        return
    namespace, name = snapshot.metadata.namespace, snapshot.metadata.name
    content, volumes = whole.contents.get((namespace, snapshot.content)), whole.volumes
    if content is None:
        lost = [snapshot.content]
    elif volumes is None:
        return
    else:
        wanted = [backup.volume_snapshot_name for backup in content.spec.volume_backups]
        lost = [each for each in wanted if each and (namespace, each) not in volumes]
    if not lost:
        return
    key, id_ = (namespace, snapshot.spec.source.name), f"{namespace}/{name}"
    vm = VmRef(site, "/".join(key)) if key in whole.machines else None
    forget = Mend(f"forget the record of “{clean(name)}”", Delete(SnapRef(vm, id_))) if vm else Mend(
        f"forget the record of “{clean(name)}”", command=_delete(snapshot, whole)
    )  # fmt: skip
    yield Finding(
        "snapshot-without-data", Severity.ERROR,
        f"“{clean(name)}” calls itself ready, and {clean(', '.join(lost))} is not there",
        "it cannot be restored, or not with all of its volumes", "whoever counts on it finds out when it is too late",
        vm, place=clean(lost[0]), snapshot=id_, mends=(forget,),
    )  # fmt: skip


def _orphan(cut: VolumeSnapshotContent, known: Collection[Key], whole: Whole, since: datetime) -> Iterator[Finding]:
    reference, name = cut.spec.volume_snapshot_ref, cut.metadata.name
    if not reference.name or (reference.namespace, reference.name) in known or not _is_old(cut, since):
        return
    if whole.namespaces is not None and reference.namespace not in whole.namespaces:
        return
    handle = clean(cut.status.snapshot_handle) or "no handle"
    kept = cut.spec.deletion_policy == "Retain"
    yield Finding(
        "orphan-content", Severity.WARNING,
        f"{clean(name)} is of {clean(reference.namespace)}/{clean(reference.name)}, which is gone ({handle})",
        "its policy is Retain, so that the data stays" if kept else "the storage was not told to let the data go",
        "it takes space that no snapshot shows",
        place=clean(name),
        mends=(
            Mend(
                "let the storage delete it, if nobody wants its data",
                command="\n".join(
                    shlex.join([*whole.kubectl, *words])
                    for words in (
                        ("patch", "volumesnapshotcontent", name, "--type", "merge", "-p", _LET_GO),
                        ("delete", "volumesnapshotcontent", name),
                    )
                ),
            ),
        ),
    )  # fmt: skip


def _is_old(each: VmSnapshot | VolumeSnapshotContent, since: datetime) -> bool:
    return each.metadata.created is not None and each.metadata.created < since


def _delete(snapshot: VmSnapshot, whole: Whole) -> str:
    namespace, name = snapshot.metadata.namespace, snapshot.metadata.name
    return shlex.join([*whole.kubectl, "-n", namespace, "delete", "virtualmachinesnapshot", name])


def _no_class(storage_class: str, chosen: Chosen, kubectl: tuple[str, ...]) -> Finding:
    if chosen.rivals:
        first = chosen.rivals[0]
        return Finding(
            "several-classes", Severity.WARNING,
            f"{len(chosen.rivals)} VolumeSnapshotClasses fit storage class {storage_class}, and none is the default",
            "KubeVirt doesn't choose: no snapshot has volumes of this class",
            "who restores finds out when it is too late", place=storage_class,
            mends=(Mend(f"make one the default, such as {clean(first)}", command=choose(kubectl, first)),),
        )  # fmt: skip
    return Finding(
        "no-snapshot-class", Severity.NOTE, f"no VolumeSnapshotClass fits storage class {storage_class}",
        "volumes of this class are in no snapshot of their vm", "who restores finds out when it is too late",
        place=storage_class,
        mends=(
            Mend(
                f"make one, if {clean(chosen.driver)} is able to take snapshots",
                command=make(kubectl, storage_class, chosen.driver),
            ),
        ),
    )  # fmt: skip
