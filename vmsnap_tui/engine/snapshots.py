"""Reads the snapshots of a site's vms: those that changed or are looked at first, the rest in bulk behind them."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Missing, Unreachable, VmsnapError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vmsnap_tui.engine.site import Connection
    from vmsnap_tui.engine.store import Store
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.protocol import Platform

_FEW, _MANY = 10, 40  # vms asked for in one go: what somebody waits for, and the rest


def kept(new: Sequence[Snapshot], known: tuple[Snapshot, ...] | None) -> tuple[Snapshot, ...]:
    """`known` where nothing changed, so that no copy is held and the store sees at a glance that it is the same."""
    found = tuple(new)
    return known if known == found else found


class SnapshotReader:
    """Two tasks read: one what is wanted soon, one the rest. What changes while it is read is read again."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        online: asyncio.Event,
        lose: Callable[[VmsnapError], None],
    ) -> None:
        """`lose` is called when the site no longer answers; nothing is read while it is not `online`."""
        self.done = asyncio.Event()
        """All that was to be read is there, or the site has failed."""
        self._connection = connection
        self._store = store
        self._online = online
        self._lose = lose
        self._soon: dict[VmRef, None] = {}
        self._later: dict[VmRef, None] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._more_to_come = True

    def soon(self, ref: VmRef) -> None:
        """Read this one before all others."""
        self._later.pop(ref, None)
        self._soon[ref] = None
        self._start(self._soon, _FEW)

    def later(self, ref: VmRef) -> None:
        """Read this one when `go_on` is called and its turn comes."""
        if ref not in self._soon:
            self._later[ref] = None

    def prefer(self, refs: frozenset[VmRef]) -> None:
        """Read those of them that are still to be read before the rest."""
        for ref in refs & self._later.keys():
            self.soon(ref)

    def expect_more(self) -> None:
        """A list of vms has begun, so being through with what is known so far does not mean being done."""
        self._more_to_come = True
        self.done.clear()

    def go_on(self) -> None:
        """The list is in: read what was put off."""
        self._more_to_come = False
        self._start(self._soon, _FEW)
        self._start(self._later, _MANY)
        if self._tasks:
            self.done.clear()
        self._look_if_done()

    def give_up(self) -> None:
        """The connection is gone: wait no longer for its answers."""
        for task in self._tasks.values():
            if task is not asyncio.current_task():
                task.cancel()
        self._tasks.clear()
        self._later.clear()
        self._more_to_come = False
        self.done.set()

    async def read(self, refs: Sequence[VmRef]) -> None:
        """Read the snapshots of these vms now. Raises Unreachable; other errors are kept as the vm's problem."""
        stamp = self._store.begin()
        known = {ref: self._store.snapshots(ref) for ref in refs}

        def ask(platform: Platform) -> Mapping[VmRef, tuple[Snapshot, ...]]:
            return {ref: kept(found, known.get(ref)) for ref, found in platform.snapshots(refs).items()}

        try:
            answer = await self._connection.read(ask)
        except Unreachable:
            raise
        except VmsnapError as error:
            if len(refs) > 1:
                for ref in refs:  # so that one bad vm does not hide its neighbours' snapshots
                    await self.read([ref])
            elif isinstance(error, Missing):
                self._store.remove(refs[0], stamp)
            else:
                self._store.put_problem(refs[0], error, stamp)
            return
        for ref in refs:
            if ref in answer:
                self._store.put_snapshots(ref, answer[ref], stamp)
            else:
                self._store.remove(ref, stamp)

    def _start(self, queue: dict[VmRef, None], size: int) -> None:
        if queue and self._online.is_set() and id(queue) not in self._tasks:
            self._tasks[id(queue)] = asyncio.create_task(self._work_off(queue, size))

    async def _work_off(self, queue: dict[VmRef, None], size: int) -> None:
        while queue:
            batch = list(islice(queue, size))
            for ref in batch:
                del queue[ref]
            try:
                await self.read(batch)
            except Unreachable as error:
                self._lose(error)
                return
        del self._tasks[id(queue)]
        self._look_if_done()

    def _look_if_done(self) -> None:
        if not self._tasks and not self._more_to_come:
            self.done.set()
