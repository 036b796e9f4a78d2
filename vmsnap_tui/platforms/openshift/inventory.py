"""What is on a cluster: listed in pages into the mirror, and read from there for as long as a watch keeps it true."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from vmsnap_tui.model.errors import Denied, Missing, Unreachable, Unsupported, VmsnapError
from vmsnap_tui.platforms.openshift.cluster import PAGE
from vmsnap_tui.platforms.openshift.errors import Expired, typed_errors
from vmsnap_tui.platforms.openshift.kinds import (
    CLAIMS,
    CONTENTS,
    INSTANCES,
    MACHINES,
    RESTORES,
    VM_SNAPSHOTS,
    VOLUME_SNAPSHOTS,
    WATCHED,
)
from vmsnap_tui.platforms.openshift.line import Ask
from vmsnap_tui.platforms.openshift.lineage import needs_origin, origin_of
from vmsnap_tui.platforms.openshift.mirror import Mirror, claim_names, key_of
from vmsnap_tui.platforms.openshift.records import SnapshotContent
from vmsnap_tui.platforms.openshift.scopes import scopes
from vmsnap_tui.platforms.openshift.snapshots import Things

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vmsnap_tui.platforms.openshift.cluster import Cluster
    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.lineage import Origin
    from vmsnap_tui.platforms.openshift.mirror import Key
    from vmsnap_tui.platforms.openshift.scopes import Scope

T = TypeVar("T")

_FIRST = (50, 150)
"""Sizes of the first pages of vms: the first rows shall be on the screen at once."""
_FRESH, _OLDEST = 10.0, 300.0
"""Where no watch keeps it true, a list serves the questions that follow each other within so many seconds; until it is
so old."""
_OF_VMS = (VM_SNAPSHOTS, RESTORES, VOLUME_SNAPSHOTS)


def no_vm() -> Missing:
    """The error for a vm that is not there."""
    return Missing("there is no such vm", "it was removed in the meantime: refresh")


class Inventory:
    """Reads a cluster. Every thread may call it.

    `chosen` are the namespaces that were asked for, none for all that may be listed.
    """

    def __init__(self, cluster: Cluster, chosen: Sequence[str] = ()) -> None:
        self.cluster = cluster
        self.mirror = Mirror()
        self.scopes: tuple[Scope, ...] = ()
        self.barred: dict[Kind[Any], str] = {}
        """Kinds that are not to be had, and why: the cluster has none, or does not let them be listed."""
        self._chosen = tuple(chosen)
        self._filling: dict[Kind[Any], threading.Lock] = defaultdict(threading.Lock)
        self._listed: dict[Kind[Any], float] = {}
        self._used = 0.0
        self._live: frozenset[Kind[Any]] = frozenset()
        self._origins: dict[str, Origin | None] = {}

    def open(self) -> None:
        """Find out which namespaces and kinds are to be had. Raises Denied, Unsupported."""
        cluster = self.cluster
        if not cluster.serving.has(MACHINES):
            down = [name for name in cluster.serving.silent if name.startswith(f"{MACHINES.group}/")]
            raise Unsupported(
                "the cluster answers, but has no KubeVirt" + (f": {down[0]} does not answer" if down else ""),
                "install OpenShift Virtualization (KubeVirt) there, or remove the site",
            )
        self.scopes = scopes(cluster, self._chosen)
        if not self._live:
            self.mirror.clear()
            self._listed.clear()
        barred = {kind: f"the cluster has no {kind.plural}" for kind in WATCHED if not cluster.serving.has(kind)}
        asked = [kind for kind in WATCHED if kind not in barred]
        rights = [(verb, kind.group, kind.plural) for kind in asked for verb in ("list", "watch")]
        said = cluster.may_all(rights, self.scopes[0] or "")
        for number, kind in enumerate(asked):
            if not all(said[2 * number : 2 * number + 2]):
                barred[kind] = f"not allowed: list and watch {kind.plural}{'.' + kind.group if kind.group else ''}"
        self.barred = barred
        if MACHINES in barred:
            raise Denied(barred[MACHINES], "ask who runs the cluster for the role kubevirt.io:view")

    # Who keeps it true

    def kept(self, kinds: Iterable[Kind[Any]]) -> None:
        """The watch says which kinds it keeps true now."""
        self._live = frozenset(kinds)

    def is_known(self, kind: Kind[Any]) -> bool:
        """Whether the mirror holds all of a kind as it is now."""
        return kind in self._live or kind in self.barred

    @property
    def is_kept(self) -> bool:
        """Whether all is."""
        return all(map(self.is_known, WATCHED))

    @contextmanager
    def filling(self, kind: Kind[Any]) -> Iterator[None]:
        """One at a time lists a kind. Who waited finds it listed."""
        with self._filling[kind]:
            yield

    def try_filling(self, kind: Kind[Any]) -> threading.Lock | None:
        """The same for who must not wait: the lock, to be released, or None where somebody else lists."""
        lock = self._filling[kind]
        return lock if lock.acquire(blocking=False) else None

    def filled(self, kind: Kind[Any]) -> None:
        """All of a kind has been listed."""
        self._listed[kind] = time.monotonic()

    def lost(self, uid: str) -> None:
        """A snapshot is gone."""
        self._origins.pop(uid, None)

    def forget(self) -> None:
        """Something was changed: what no watch keeps true is old."""
        self._listed.clear()

    # All vms

    def machines(self) -> Iterator[list[Key]]:
        """All vms, in pages, with what runs of them."""
        if self.is_known(MACHINES) and self.is_known(INSTANCES):
            keys = [key_of(machine) for machine in self.mirror.all(MACHINES)]
            yield from (keys[start : start + PAGE] for start in range(0, len(keys), PAGE))
            return
        with ExitStack() as stack:
            for kind in (MACHINES, INSTANCES):
                stack.enter_context(self.filling(kind))
            for scope in self.scopes:
                yield from self._machines(scope)
            for kind in (MACHINES, INSTANCES):
                self.filled(kind)

    def _machines(self, scope: Scope) -> Iterator[list[Key]]:
        """Both lists come in the order of their keys, so that they are read side by side."""
        instances = self._listing(INSTANCES, scope)
        reached, more = "", True
        for keys in self._listing(MACHINES, scope):
            wanted = "/".join(max(keys, key="/".join, default=("", "")))
            while more and reached < wanted:
                page = next(instances, None)
                more = page is not None
                reached = max((reached, *map("/".join, page or ())))
            if keys:
                yield keys
        for _ in instances:
            pass

    def _listing(self, kind: Kind[Any], scope: Scope) -> Iterator[list[Key]]:
        """A list that goes into the mirror, page by page. One that takes too long for the cluster begins anew."""
        if kind in self.barred:
            return
        seen: set[Key] = set()
        version = ""
        try:
            for page in self.cluster.pages(kind, scope, limits=_FIRST):
                for record in page.items or ():
                    self.mirror.put(kind, record)
                keys = [key for record in page.items or () if (key := key_of(record)) not in seen]
                seen.update(keys)
                version = version or page.metadata.resource_version
                yield keys
        except Expired:
            rest = self.cluster.every(kind, scope)
            for record in rest:
                self.mirror.put(kind, record)
            keys = [key for record in rest if (key := key_of(record)) not in seen]
            yield keys
            return  # nothing is known to be gone, and a watch would have no version to go on from
        except Denied as error:
            if kind is MACHINES:
                raise
            self.barred[kind] = error.words
            return
        self.mirror.keep(kind, scope, seen, version)
        self.mirror.reached(kind, scope, version)

    def _fill(self, kind: Kind[Any]) -> None:
        """See to it that all of a kind is in the mirror."""
        if self.is_known(kind):
            return
        with self.filling(kind):
            if self.is_known(kind) or self._is_fresh(kind):
                return
            for scope in self.scopes:
                for _ in self._listing(kind, scope):
                    pass
            self.filled(kind)

    def _is_fresh(self, kind: Kind[Any]) -> bool:
        listed, now = self._listed.get(kind, float("-inf")), time.monotonic()
        return now - max(listed, self._used) < _FRESH and now - listed < _OLDEST

    # Some vms

    def known_things(self, keys: Sequence[Key]) -> dict[Key, Things]:
        """What the mirror holds of these vms, listed now where it is not known. Those that are gone are left out."""
        for kind in (MACHINES, *_OF_VMS):
            self._fill(kind)
        self._used = time.monotonic()
        return self._complete({key: things for key in keys if (things := self._things(key)) is not None})

    def things(self, key: Key) -> Things:
        """One vm, from the mirror while that is kept true, else read now. Raises Missing."""
        if not self.is_kept:
            return self.fresh_things(key)
        things = self._things(key)
        if things is None:
            raise no_vm()
        return self._complete({key: things})[key]

    def fresh_things(self, key: Key) -> Things:
        """One vm as it is now. Raises Missing.

        Of snapshots and restores the cluster can but list all of a namespace: where that is more than a page, and a
        watch keeps it true, the watch is trusted.
        """
        self._read(key)
        machine = self.mirror.get(MACHINES, key)
        if machine is None:
            raise no_vm()
        for kind in _OF_VMS:
            if kind not in self.barred and not (self.is_known(kind) and self._is_long(kind, key[0])):
                self._read_namespace(kind, key[0])
        return self._complete({key: self._things(key) or Things(machine)})[key]

    def _read(self, key: Key) -> None:
        """A vm, what runs of it and its claims: first by the claims that are known, then by those that are not."""
        if not key[0] or not key[1] or not self._is_ours(key[0]):
            return
        machine = self.mirror.get(MACHINES, key)
        names = () if machine is None else claim_names(machine)
        wanted: list[tuple[Kind[Any], Key]] = [(MACHINES, key), (INSTANCES, key)]
        self._read_objects([*wanted, *((CLAIMS, (key[0], name)) for name in names)])
        machine = self.mirror.get(MACHINES, key)
        others = () if machine is None else set(claim_names(machine)) - set(names)
        if others:
            self._read_objects([(CLAIMS, (key[0], name)) for name in others])

    def _read_objects(self, wanted: Sequence[tuple[Kind[Any], Key]]) -> None:
        wanted = [(kind, key) for kind, key in wanted if kind not in self.barred]
        asks = [Ask("GET", self.cluster.path(kind, *key)) for kind, key in wanted]
        for (kind, key), answer in zip(wanted, self.cluster.several(asks), strict=True):
            if isinstance(answer, Missing):
                self.mirror.drop(kind, key)
            elif isinstance(answer, Denied) and kind is not MACHINES:
                continue
            elif isinstance(answer, VmsnapError):
                raise answer
            else:
                with typed_errors():
                    self.mirror.put(kind, msgspec.json.decode(answer, type=kind.type))

    def _read_namespace(self, kind: Kind[Any], namespace: str) -> None:
        seen = set()
        version = ""
        for page in self.cluster.pages(kind, namespace):
            for record in page.items or ():
                self.mirror.put(kind, record)
                seen.add(key_of(record))
            version = version or page.metadata.resource_version
        self.mirror.keep(kind, namespace, seen, version)

    def _is_long(self, kind: Kind[Any], namespace: str) -> bool:
        return self.mirror.count(kind, namespace) > PAGE

    def _is_ours(self, namespace: str) -> bool:
        return None in self.scopes or namespace in self.scopes

    def _things(self, key: Key) -> Things | None:
        mirror = self.mirror
        machine = mirror.get(MACHINES, key)
        if machine is None:
            return None
        return Things(
            machine,
            mirror.instance(key),
            mirror.claims(key),
            mirror.snapshots(key),
            mirror.restores(key),
            mirror.volume_snapshots(key),
            {uid: origin for each in mirror.snapshots(key) if (origin := self._origins.get(uid := each.metadata.uid))},
        )

    def _complete(self, found: dict[Key, Things]) -> dict[Key, Things]:
        """With the origins that are needed. A content never changes what it says, so that each is read but once."""
        wanted: dict[str, str] = {}
        for key, things in found.items():
            here = things.here
            if here.epoch and self.cluster.serving.has(CONTENTS):
                for each in things.snapshots:
                    if each.metadata.uid not in self._origins and needs_origin(each, here, things.restores):
                        wanted[each.metadata.uid] = self.cluster.path(CONTENTS, key[0], each.content)
        if not wanted:
            return found
        for uid, content in zip(wanted, self.cluster.get_several([*wanted.values()], SnapshotContent), strict=True):
            if isinstance(content, Unreachable):
                raise content
            self._origins[uid] = origin_of(content) if isinstance(content, SnapshotContent) else None
        return {key: self._things(key) or things for key, things in found.items()}
