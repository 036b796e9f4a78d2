"""What is known of a cluster: its objects by kind and name, filled by lists and kept true by watches.

Any thread may read and write it. What comes by the ten thousand is kept once: parts that are alike are shared.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec.structs import replace

from vmsnap_tui.platforms.openshift.kinds import CLAIMS, INSTANCES, MACHINES, RESTORES, VM_SNAPSHOTS, VOLUME_SNAPSHOTS
from vmsnap_tui.platforms.openshift.records import Notes, VirtualMachine, VmSnapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.records import Claim, VirtualMachineInstance, VmRestore, VolumeSnapshot

T = TypeVar("T")
H = TypeVar("H", bound="Hashable")

Key = tuple[str, str]
"""Namespace and name."""


def key_of(record: Any) -> Key:  # noqa: ANN401 - any object
    """Of any object."""
    return record.metadata.namespace, record.metadata.name


_NOTHING = Notes()


class Mirror:
    """Objects by kind and key, and by what they belong to."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._shared: dict[Hashable, Hashable] = {}
        self.clear()

    def clear(self) -> None:
        """Know nothing."""
        with self._lock:
            self._objects: dict[Kind[Any], dict[Key, Any]] = defaultdict(dict)
            self._belonging: dict[tuple[Kind[Any], Key], dict[Key, None]] = {}
            self._versions: dict[tuple[Kind[Any], str | None], str] = {}
            self._shared.clear()

    # Reading

    def get(self, kind: Kind[T], key: Key) -> T | None:
        """One object."""
        return cast("T | None", self._objects[kind].get(key))

    def all(self, kind: Kind[T]) -> list[T]:
        """All objects of a kind."""
        with self._lock:
            return list(self._objects[kind].values())

    def count(self, kind: Kind[Any], namespace: str) -> int:
        """How many there are in a namespace."""
        with self._lock:
            return sum(key[0] == namespace for key in self._objects[kind])

    def snapshots(self, vm: Key) -> tuple[VmSnapshot, ...]:
        """The VirtualMachineSnapshots of a vm."""
        return self._of(VM_SNAPSHOTS, vm)

    def restores(self, vm: Key) -> tuple[VmRestore, ...]:
        """The VirtualMachineRestores of a vm."""
        return self._of(RESTORES, vm)

    def volume_snapshots(self, vm: Key) -> tuple[VolumeSnapshot, ...]:
        """The VolumeSnapshots of a vm's claims, and those that are noted to be of that vm."""
        machine = self.get(MACHINES, vm)
        found = {key_of(each): each for each in self._of(VOLUME_SNAPSHOTS, _noted(vm))}
        for name in claim_names(machine) if machine is not None else ():
            found |= {key_of(each): each for each in self._of(VOLUME_SNAPSHOTS, (vm[0], name))}
        return tuple(found.values())

    def claims(self, vm: Key) -> dict[str, Claim]:
        """The claims of a vm, as far as they are known, by name."""
        machine = self.get(MACHINES, vm)
        names = claim_names(machine) if machine is not None else ()
        found = ((name, self.get(CLAIMS, (vm[0], name))) for name in names)
        return {name: claim for name, claim in found if claim is not None}

    def instance(self, vm: Key) -> VirtualMachineInstance | None:
        """What runs of a vm; it has its name."""
        return self.get(INSTANCES, vm)

    def vms_of(self, kind: Kind[Any], record: Any) -> tuple[Key, ...]:  # noqa: ANN401 - any object
        """The vms that an object has to do with."""
        namespace = record.metadata.namespace
        if kind is MACHINES or kind is INSTANCES:
            return (key_of(record),)
        if kind is CLAIMS:
            return self._users(key_of(record))
        if kind is VOLUME_SNAPSHOTS:
            noted = ((namespace, record.metadata.annotations.vm),) if record.metadata.annotations.vm else ()
            return tuple(dict.fromkeys((*noted, *self._users((namespace, record.spec.source.claim)))))
        return _places(kind, record)

    # Writing

    def put(self, kind: Kind[T], record: T) -> bool:
        """Learn of an object. Whether that is news: an older word, or one that says the same, is not."""
        slim = self._slim(record)
        key = key_of(slim)
        with self._lock:
            objects = self._objects[kind]
            known = objects.get(key)
            if known is not None:
                version = slim.metadata.resource_version
                if _number(version) < _number(known.metadata.resource_version):
                    return False
                if replace(known, metadata=replace(known.metadata, resource_version=version)) == slim:
                    return False
                self._unlink(kind, known)
            objects[key] = slim
            for place in _places(kind, slim):
                self._belonging.setdefault((kind, place), {})[key] = None
            return True

    def drop(self, kind: Kind[T], key: Key, version: str = "") -> T | None:
        """Learn that an object is gone as of `version`. What it was, None where nothing was known of it."""
        with self._lock:
            known = self._objects[kind].get(key)
            if known is None or (version and _number(known.metadata.resource_version) > _number(version)):
                return None
            del self._objects[kind][key]
            self._unlink(kind, known)
            return cast("T", known)

    def keep(self, kind: Kind[T], scope: str | None, seen: Collection[Key], version: str) -> list[T]:
        """A list of `scope` (None: all namespaces) has come to its end: what it did not show is gone. Returns that."""
        with self._lock:
            unseen = [key for key in self._objects[kind] if scope in {None, key[0]} and key not in seen]
            return [gone for key in unseen if (gone := self.drop(kind, key, version)) is not None]

    def version(self, kind: Kind[Any], scope: str | None) -> str:
        """Where a watch goes on from, "" where nothing was listed."""
        return self._versions.get((kind, scope), "")

    def was_listed(self, kind: Kind[Any], scope: str | None) -> bool:
        """Whether it was ever listed, so that a difference is a change."""
        return (kind, scope) in self._versions

    def reached(self, kind: Kind[Any], scope: str | None, version: str) -> None:
        """All is known up to that version; "" for nothing."""
        self._versions[kind, scope] = version

    def _of(self, kind: Kind[T], place: Key) -> tuple[T, ...]:
        with self._lock:
            objects = self._objects[kind]
            return tuple(objects[key] for key in self._belonging.get((kind, place), ()))

    def _users(self, claim: Key) -> tuple[Key, ...]:
        with self._lock:
            return tuple(self._belonging.get((MACHINES, claim), ()))

    def _unlink(self, kind: Kind[Any], record: Any) -> None:  # noqa: ANN401 - any object
        for place in _places(kind, record):
            found = self._belonging.get((kind, place))
            if found is not None:
                found.pop(key_of(record), None)
                if not found:
                    del self._belonging[kind, place]

    # Sharing

    def _share(self, part: H) -> H:
        return cast("H", self._shared.setdefault(part, part))

    def _slim(self, record: Any) -> Any:  # noqa: ANN401 - any object
        meta = record.metadata
        meta = replace(
            meta,
            namespace=self._share(meta.namespace),
            annotations=_NOTHING if meta.annotations == _NOTHING else meta.annotations,
            labels=self._share(meta.labels),
            owners=self._share(meta.owners),
            finalizers=self._share(meta.finalizers),
        )
        if isinstance(record, VmSnapshot):
            return self._slim_snapshot(replace(record, metadata=meta))
        if isinstance(record, VirtualMachine):
            spec, status = record.spec, record.status
            guest = replace(spec.template.spec, domain=self._share(spec.template.spec.domain))
            return replace(
                record,
                metadata=meta,
                spec=replace(spec, template=replace(spec.template, spec=guest)),
                status=replace(
                    status,
                    volume_snapshot_statuses=self._share(status.volume_snapshot_statuses),
                    conditions=self._share(status.conditions),
                ),
            )
        return replace(record, metadata=meta)

    def _slim_snapshot(self, snapshot: VmSnapshot) -> VmSnapshot:
        status = snapshot.status
        usual = status.content == f"vmsnapshot-content-{snapshot.metadata.uid}"
        done = status.ready_to_use and status.error is None
        return replace(
            snapshot,
            spec=self._share(snapshot.spec),
            status=replace(
                status,
                content="" if usual else status.content,  # `VmSnapshot.content` tells it all the same
                source_uid=self._share(status.source_uid),
                indications=self._share(status.indications),
                source_indications=self._share(status.source_indications),
                snapshot_volumes=self._share(status.snapshot_volumes),
                conditions=() if done else status.conditions,
            ),
        )


def claim_names(machine: VirtualMachine) -> tuple[str, ...]:
    """The claims that a vm has volumes on."""
    return tuple(volume.claim for volume in machine.spec.template.spec.volumes if volume.claim)


def _noted(vm: Key) -> Key:
    """Where the VolumeSnapshots are found that are noted to be of a vm; no claim can have such a name."""
    return vm[0], f"vm/{vm[1]}"


def _places(kind: Kind[Any], record: Any) -> tuple[Key, ...]:  # noqa: ANN401 - any object
    """What an object is found by, besides its name."""
    namespace = record.metadata.namespace
    if kind is VM_SNAPSHOTS:
        return ((namespace, record.spec.source.name),)
    if kind is RESTORES:
        return ((namespace, record.spec.target.name),)
    if kind is MACHINES:
        return tuple((namespace, name) for name in claim_names(record))
    if kind is VOLUME_SNAPSHOTS:
        if record.is_part:
            return ()
        noted = record.metadata.annotations.vm
        return ((namespace, record.spec.source.claim), *((_noted((namespace, noted)),) if noted else ()))
    return ()


def _number(version: str) -> int:
    """Versions of one kind can be compared; where they are no numbers, the later word counts."""
    return int(version) if version.isdigit() else 0
