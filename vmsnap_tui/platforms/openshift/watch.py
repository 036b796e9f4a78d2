"""Watches a cluster: one watch for each kind and scope, all of them in the loop of the thread that calls `run`.

A watch goes on from where the list ended. One that the cluster no longer keeps (`410 Gone`) begins with a new list, and
what that shows to be different is told; one that breaks is tried again, at once and then with growing pauses.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import msgspec

from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import Denied, Missing, Unreachable, VmsnapError
from vmsnap_tui.platforms.openshift.cluster import PAGE, part_of
from vmsnap_tui.platforms.openshift.errors import Expired, LoggedOut, refusal, typed_errors
from vmsnap_tui.platforms.openshift.kinds import CLAIMS, INSTANCES, MACHINES, WATCHED
from vmsnap_tui.platforms.openshift.line import Ask
from vmsnap_tui.platforms.openshift.mirror import key_of
from vmsnap_tui.platforms.openshift.records import Bare, Event
from vmsnap_tui.platforms.openshift.telling import Teller

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event as Sign

    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.openshift.inventory import Inventory
    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.scopes import Scope

_TURN = 90  # seconds after which the server ends a watch, to be begun anew
_SILENCE = _TURN + 10.0  # seconds without a word after which the connection is given up
_TICK = 0.1  # seconds between two looks at whether to stop
_GRACE = 0.5  # seconds in which a list of all vms may begin, which then fills the mirror for the watch too
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 15.0

_LINE = msgspec.json.Decoder(Event)


class Watch:
    """Watches one cluster."""

    def __init__(self, inventory: Inventory, site: str) -> None:
        self._inventory = inventory
        self._site = site
        self._on_screen: frozenset[VmRef] = frozenset()

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """What is on the screen is told when the sizes of its claims become known."""
        self._on_screen = vms

    def run(self, emit: Callable[[Change], None], stop: Sign) -> None:
        """Emit changes until `stop` is set."""
        try:
            self._inventory.cluster.run(self._watch(emit, stop))
        finally:
            self._inventory.kept(())

    async def _watch(self, emit: Callable[[Change], None], stop: Sign) -> None:
        standing = _Standing(self._inventory, emit)
        teller = Teller(self._inventory, self._site, emit)
        lanes = [
            _Lane(kind, scope, self._inventory, teller, standing)
            for kind in WATCHED
            if kind not in self._inventory.barred
            for scope in self._inventory.scopes
        ]
        tasks = [asyncio.create_task(lane.keep()) for lane in lanes]
        try:
            while not stop.is_set():
                await asyncio.sleep(_TICK)
                if self._inventory.is_known(CLAIMS):
                    teller.tell_sizes(self._on_screen)
                for task in tasks:
                    if task.done():
                        task.result()  # what went wrong in a way that nobody thought of is not lost
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class _Standing:
    """How the watches stand: lost when one of them cannot be taken up again, back when all of them stand."""

    def __init__(self, inventory: Inventory, emit: Callable[[Change], None]) -> None:
        self._inventory = inventory
        self._emit = emit
        self._kept: set[tuple[Kind[Any], Scope]] = set()
        self._failing: set[tuple[Kind[Any], Scope]] = set()

    def stands(self, kind: Kind[Any], scope: Scope) -> None:
        """A watch stands, on top of what was listed."""
        self._kept.add((kind, scope))
        self._tell_kept()
        if self._failing:
            self._failing.discard((kind, scope))
            if not self._failing:
                self._emit(Change(ChangeKind.BACK))

    def broke(self, kind: Kind[Any], scope: Scope) -> None:
        """A watch broke: what is known of that is no longer sure to be true."""
        self._kept.discard((kind, scope))
        self._tell_kept()

    def fails(self, kind: Kind[Any], scope: Scope, error: VmsnapError) -> None:
        """A watch cannot be taken up."""
        if not self._failing:
            self._emit(Change(ChangeKind.LOST, error=error))
        self._failing.add((kind, scope))

    def _tell_kept(self) -> None:
        scopes = self._inventory.scopes
        self._inventory.kept(kind for kind in WATCHED if all((kind, scope) in self._kept for scope in scopes))


class _Lane:
    """One watch: a kind, in a namespace or in all of them."""

    def __init__(
        self, kind: Kind[Any], scope: Scope, inventory: Inventory, teller: Teller, standing: _Standing
    ) -> None:
        self._kind, self._scope = kind, scope
        self._inventory, self._mirror = inventory, inventory.mirror
        self._cluster = inventory.cluster
        self._teller = teller
        self._standing = standing
        self._has_stood = False

    async def keep(self) -> None:
        """Keep it true for ever. Without the right to, only the vms themselves are insisted on."""
        pause = 0.0
        while True:
            try:
                if not self._mirror.version(self._kind, self._scope):
                    await self._list()
                await self._listen()
                pause = 0.0  # the server ended it, as it does from time to time
            except Expired:
                self._mirror.reached(self._kind, self._scope, "")
                pause = _FIRST_PAUSE
            except (Denied, Missing) as error:
                if self._kind is not MACHINES and not isinstance(error, LoggedOut):
                    self._inventory.barred[self._kind] = error.words
                    self._standing.stands(self._kind, self._scope)
                    return
                pause = self._broke(error, pause)
            except VmsnapError as error:
                pause = self._broke(error, pause)
            if pause:
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - nothing secret about it

    def _broke(self, error: VmsnapError, pause: float) -> float:
        """One that breaks is taken up again with nothing said; one that cannot be is a loss. Returns the pause."""
        self._standing.broke(self._kind, self._scope)
        if not self._has_stood or not isinstance(error, Unreachable):
            self._standing.fails(self._kind, self._scope, error)
        self._has_stood = False
        return min(max(pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)

    async def _list(self) -> None:
        """Fill the mirror, or wait until somebody else has done so."""
        inventory, kind = self._inventory, self._kind
        is_news = self._mirror.was_listed(kind, self._scope)
        if not is_news and kind in {MACHINES, INSTANCES}:
            await asyncio.sleep(_GRACE)
        while (lock := inventory.try_filling(kind)) is None:  # noqa: ASYNC110 - a thread holds it
            await asyncio.sleep(_TICK / 4)
        try:
            if not self._mirror.version(kind, self._scope):
                await self._read(tell=is_news)
        finally:
            lock.release()
        if kind is INSTANCES:
            self._teller.tell_frozen()

    async def _read(self, *, tell: bool) -> None:
        """The whole list. What was known is compared with it, and the difference told."""
        kind, mirror = self._kind, self._mirror
        path, version, next_page = self._cluster.path(kind, self._scope), "", ""
        seen = set()
        while True:
            answer = await self._cluster.asking(Ask("GET", path, query=part_of(kind, PAGE, next_page)))
            page = self._cluster.page(kind, answer)
            version = version or page.metadata.resource_version
            for record in page.items or ():
                seen.add(key_of(record))
                self._put(record, tell=tell)
            next_page = page.metadata.next
            if not next_page:
                break
        for gone in mirror.keep(kind, self._scope, seen, version):
            self._teller.gone(kind, gone)
        mirror.reached(kind, self._scope, version)

    async def _listen(self) -> None:
        """Follow the watch until the server ends it."""
        kind, scope = self._kind, self._scope
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._mirror.version(kind, scope),
            "timeoutSeconds": str(_TURN + random.randrange(_TURN // 10)),  # noqa: S311 - nothing secret about it
        }
        if kind.selector:
            query["labelSelector"] = kind.selector
        async for line in self._cluster.lines(self._cluster.path(kind, scope), query, _SILENCE):
            if line:
                self._heard(line)
            else:
                self._has_stood = True
                self._standing.stands(kind, scope)

    def _heard(self, line: bytes) -> None:
        kind = self._kind
        with typed_errors():
            event = _LINE.decode(line)
            if event.type == "ERROR":
                raise refusal(0, bytes(event.object))
            if event.type == "BOOKMARK":
                version = msgspec.json.decode(event.object, type=Bare).metadata.resource_version
                self._mirror.reached(kind, self._scope, version)
                return
            record = msgspec.json.decode(event.object, type=kind.type)
        version = record.metadata.resource_version
        if event.type == "DELETED":
            gone = self._mirror.drop(kind, key_of(record), version)
            if gone is not None:
                self._teller.gone(kind, gone)
        else:
            self._put(record, tell=True)
        self._mirror.reached(kind, self._scope, version)

    def _put(self, record: Any, *, tell: bool) -> None:  # noqa: ANN401 - any object
        before = self._mirror.get(self._kind, key_of(record))
        if self._mirror.put(self._kind, record) and tell:
            self._teller.changed(self._kind, before, record)
