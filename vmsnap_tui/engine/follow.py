"""Keeps what the store knows of one site true: reaches it, lists it, follows its changes, takes it up again."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from vmsnap_tui.engine.site import Connection
from vmsnap_tui.engine.snapshots import SnapshotReader, kept
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import Missing, Unreachable, VmsnapError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vmsnap_tui.engine.store import SiteView, Store
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.plan import Facts, Plan, Request
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Site, SiteInfo, VmRef
    from vmsnap_tui.platforms.protocol import Platform

T = TypeVar("T")

_PART = 200  # vms put into the store before the loop gets its turn: a few milliseconds
SHORTEST, LONGEST = 1.0, 60.0  # pauses between attempts, in seconds


class Follower:
    """One site, followed. All of it happens on the loop."""

    def __init__(self, site: Site, store: Store, platform: Callable[[Site], Platform], *, watch: bool = True) -> None:
        """Without `watch` changes are not listened to, and only those snapshots are read that are asked for."""
        self.site = site
        self.online = asyncio.Event()
        self.listed = asyncio.Event()
        """The vms are in, or the site has failed."""
        self.connection = Connection(site, platform, self._heard)
        self.snapshots = SnapshotReader(self.connection, store, self.online, self._lose)
        self._store = store
        self._watch = watch
        self._connecting: asyncio.Task[None] | None = None
        self._listing: asyncio.Task[None] | None = None
        self._list_again = False
        self._moved: dict[VmRef, None] = {}
        self._moving: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    # What is asked of it

    def start(self) -> None:
        """Reach the site and read it, in the background."""
        self._connecting = asyncio.create_task(self._connect())

    def refresh(self) -> None:
        """Read the site anew; one that is lost or failed is tried at once."""
        if self._connecting is not None:
            self._hurry.set()
        elif self.online.is_set():
            self._list()
        else:
            self._connecting = asyncio.create_task(self._connect())

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """These are on the screen: read them first, and find outside changes to them soonest."""
        self.snapshots.prefer(vms)
        self.connection.look_at(vms)

    def read_all_snapshots(self) -> None:
        """Read what snapshots are not known yet."""
        for vm in self._store.vms(self.site.name):
            if self._store.snapshots(vm.ref) is None:
                self.snapshots.later(vm.ref)
        self.snapshots.go_on()

    async def facts(self, ref: VmRef) -> Facts:
        """Fresh facts of a vm. The store learns from them too."""
        return (await self._facts(ref, lambda _: None))[0]

    async def plan(self, request: Request) -> Plan:
        """What `request` would do now. Facts are read and the plan is made in a thread."""
        return (await self._facts(request.vm, lambda facts: facts.plan(request)))[1]

    async def reload(self, ref: VmRef) -> None:
        """Read a vm and its snapshots now. Raises what reading raises, but not that it is gone."""
        await self._read_vm(ref)
        if self._store.vm(ref) is not None:
            await self.snapshots.read([ref])

    async def close(self) -> None:
        """Stop following."""
        _cancel(self._connecting)
        self._drop_reads()
        await self.connection.close()

    # The connection

    async def _connect(self, error: VmsnapError | None = None) -> None:
        """Open the site, again and again, with growing pauses. `error` is why it was lost just now."""
        pauses = _pauses()
        while True:
            if error is not None:
                await self._pause(next(pauses), error)
            try:
                info = await self.connection.open()
            except VmsnapError as caught:
                error = caught
                self.listed.set()
                self.snapshots.give_up()
            else:
                self._connecting = None
                self._found(info)
                return

    async def _pause(self, seconds: float, error: VmsnapError) -> None:
        status = self._view.status
        self._show(
            replace(
                self._view,
                status=SiteStatus.FAILED if status is SiteStatus.CONNECTING else status,
                error=error,
                loading=False,
                retry_at=datetime.now(UTC) + timedelta(seconds=seconds),
            )
        )
        self._hurry.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)
        self._show(replace(self._view, retry_at=None))

    def _found(self, info: SiteInfo | None) -> None:
        self._show(replace(self._view, status=SiteStatus.ONLINE, info=info, error=None, retry_at=None))
        self.online.set()
        if self._watch:
            self.connection.watch(self._changed)
        self._drop_reads()
        self._list()

    def _lose(self, error: VmsnapError, *, by_watch: bool = False) -> None:
        """The connection broke. The watch takes it up again by itself; without one that is for us to do."""
        self.online.clear()
        self._drop_reads()
        self.listed.set()
        if self._view.status is SiteStatus.ONLINE:
            self._show(replace(self._view, status=SiteStatus.LOST))
        self._show(replace(self._view, error=error, loading=False))
        if self._connecting is None and not (by_watch and self.connection.is_watched):
            self._connecting = asyncio.create_task(self._connect(error))

    def _drop_reads(self) -> None:
        """Wait no longer for answers that the broken connection owes."""
        _cancel(self._listing)
        _cancel(self._moving)
        self._listing = self._moving = None
        self._moved.clear()  # the list that follows reads them all
        self.snapshots.give_up()

    # Reading

    def _list(self) -> None:
        self.listed.clear()
        self.snapshots.expect_more()
        self._list_again = True
        if self._listing is None:
            self._listing = asyncio.create_task(self._read_list())

    async def _read_list(self) -> None:
        while self._list_again:
            self._list_again = False
            self._show(replace(self._view, loading=True))
            error: VmsnapError | None = None
            try:
                await self._read_pages()
            except Unreachable as lost:
                self._lose(lost)
                return
            except VmsnapError as caught:
                error = caught
            self._show(replace(self._view, loading=self._list_again, error=error))
        self._listing = None
        self.listed.set()
        self.snapshots.go_on()

    async def _read_pages(self) -> None:
        stamp = self._store.begin()
        async for page in self.connection.vms():
            for start in range(0, len(page), _PART):
                for vm in page[start : start + _PART]:
                    self._store.put_vm(vm, stamp)
                    if self._watch:
                        self.snapshots.later(vm.ref)
                await asyncio.sleep(0)
        self._store.end_list(self.site.name, stamp)

    async def _read_vm(self, ref: VmRef) -> None:
        stamp = self._store.begin()
        try:
            vm = await self.connection.read(lambda platform: platform.vm(ref))
        except Missing:
            self._store.remove(ref, stamp)
        else:
            self._store.put_vm(vm, stamp)

    async def _facts(self, ref: VmRef, question: Callable[[Facts], T]) -> tuple[Facts, T]:
        """Fresh facts, and what `question` makes of them in the thread."""
        stamp = self._store.begin()
        known = self._store.snapshots(ref)

        def ask(platform: Platform) -> tuple[Facts, tuple[Snapshot, ...], T]:
            facts = platform.facts(ref)
            return facts, kept(facts.snapshots, known), question(facts)

        try:
            facts, snapshots, answer = await self.connection.read(ask)
        except Missing:
            self._store.remove(ref, stamp)
            raise
        except Unreachable as error:
            if self.online.is_set():
                self._lose(error)
            raise
        self._store.put_vm(facts.vm, stamp)
        self._store.put_snapshots(ref, snapshots, stamp)
        self._store.put_freeze(ref, facts.freeze, stamp)
        return facts, answer

    # Changes

    def _changed(self, change: Change) -> None:
        match change.kind:
            case ChangeKind.LOST:
                self._lose(change.error or Unreachable("the connection broke"), by_watch=True)
            case ChangeKind.BACK:
                _cancel(self._connecting)
                self._connecting = None
                self._found(self._view.info)
            case ChangeKind.LOOKED:
                self._show(replace(self._view, looked=datetime.now(UTC)))
            case ChangeKind.ALL:
                if self.online.is_set():
                    self._list()
            case kind if change.vm is not None:
                self._vm_changed(kind, change.vm, change.freeze)

    def _vm_changed(self, kind: ChangeKind, ref: VmRef, freeze: Freeze | None) -> None:
        if kind is ChangeKind.VM:
            self._moved[ref] = None
            if self._moving is None:
                self._moving = asyncio.create_task(self._read_moved())
        elif kind is ChangeKind.SNAPSHOTS:
            self.snapshots.soon(ref)
        elif kind is ChangeKind.GONE:
            self._store.remove(ref, self._store.begin())
        elif kind is ChangeKind.FREEZE and freeze is not None:
            self._store.put_freeze(ref, freeze, self._store.begin())

    async def _read_moved(self) -> None:
        """Read the vms that changed. One that changes while it is read is read once more."""
        while self._moved:
            ref = next(iter(self._moved))
            del self._moved[ref]
            is_new = self._store.vm(ref) is None
            try:
                await self._read_vm(ref)
            except Unreachable as error:
                self._lose(error)
                return
            except VmsnapError as error:
                self._show(replace(self._view, error=error))
            if is_new:
                self.snapshots.soon(ref)
        self._moving = None

    # What is shown of it

    @property
    def _view(self) -> SiteView:
        return self._store.sites[self.site.name]

    def _show(self, view: SiteView) -> None:
        if view.status is not self._view.status:
            view = replace(view, since=datetime.now(UTC))
        self._store.put_site(view)

    def _heard(self) -> None:
        hearing = self.connection.hearing
        self._show(replace(self._view, heard=hearing.heard, silent=hearing.silent))


def _pauses() -> Iterator[float]:
    """Growing pauses, spread a little so that many sites are not tried in step."""
    pause = SHORTEST
    while True:
        yield pause * random.uniform(0.8, 1.2)  # noqa: S311 - nothing secret about it
        pause = min(pause * 2, LONGEST)


def _cancel(task: asyncio.Task[None] | None) -> None:
    """Cancel a task, unless it is the one that asks for it."""
    if task is not None and task is not asyncio.current_task():
        task.cancel()
