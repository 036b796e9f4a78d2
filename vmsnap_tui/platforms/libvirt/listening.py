"""One connection's life as the watch sees it: connect, hear libvirt's events, compare where there are none.

Snapshots raise no event. Those of the vms on the screen are compared about once a second, those of the others in a
slow round that takes a small, measured share of the time.
"""

from __future__ import annotations

import random
import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TypeAlias

import libvirt

from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import Missing, Unreachable, VmsnapError
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.libvirt.errors import typed_errors
from vmsnap_tui.platforms.libvirt.inventory import print_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vmsnap_tui.platforms.libvirt.connection import Connection

_BREATH = 0.2  # seconds after which an end is noticed at the latest
_TICK = 0.8  # seconds between two looks at the vms on the screen: seen and shown within one
_SHARE = 0.005  # of the time, that the slow round may take
_LONGEST = 30.0  # seconds between two attempts to connect again

Details: TypeAlias = Any
"""Each kind of event brings others."""

_EVENTS = {
    libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE: (ChangeKind.VM,),
    libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE: (ChangeKind.VM,),
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED: (ChangeKind.VM,),
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED: (ChangeKind.VM,),
    libvirt.VIR_DOMAIN_EVENT_ID_DISK_CHANGE: (ChangeKind.VM,),
    libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE: (ChangeKind.VM,),
    libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2: (ChangeKind.VM, ChangeKind.SNAPSHOTS),  # layers were merged
    libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED: (ChangeKind.VM, ChangeKind.SNAPSHOTS),
    libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE: (ChangeKind.VM, ChangeKind.SNAPSHOTS),  # our notes lie there
}
_FROM_SNAPSHOT = {
    (libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT),
    (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT),
    (libvirt.VIR_DOMAIN_EVENT_SUSPENDED, libvirt.VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT),
    (libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT),
    (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT),
}
_MAY_BE_GONE = {libvirt.VIR_DOMAIN_EVENT_UNDEFINED, libvirt.VIR_DOMAIN_EVENT_STOPPED}


def pauses() -> Iterator[float]:
    """How long to wait before each attempt to connect, in seconds: growing, and not in step with other clients."""
    pause = 1.0
    while True:
        yield pause * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing
        pause = min(pause * 2, _LONGEST)


class Prints:
    """What `print_of` gave of each vm's snapshots when they were last seen, and which vms are looked at most."""

    def __init__(self) -> None:
        self.on_screen: frozenset[VmRef] = frozenset()
        self.seen: dict[str, int] = {}


class Listening:
    """Works in a thread of its own, since a call to a libvirt that hangs does not come back.

    What it has to tell is in `told`: a Change, an error where the connection broke, or None where another connection
    took its place; after the last two it is over.
    """

    def __init__(self, connection: Connection, site: str, prints: Prints, *, lost: bool) -> None:
        """With `lost` it connects first, and tells of BACK."""
        self.told: SimpleQueue[Change | VmsnapError | None] = SimpleQueue()
        self.stands = False
        """Whether it got as far as hearing events."""
        self._connection = connection
        self._site = site
        self._prints = prints
        self._lost = lost
        self._inbox: SimpleQueue[Change | None] = SimpleQueue()
        self._held: dict[Change, None] = {}
        self._round: deque[str] = deque()
        self._budget = 0.0  # seconds
        self._over = Event()
        connection.stirred = lambda: self._inbox.put(None)
        Thread(target=self._work, name=f"{site} listening", daemon=True).start()

    def end(self) -> None:
        """Tell it to end. What it is doing may hang: nobody waits for it."""
        self._over.set()

    def _work(self) -> None:
        try:
            if self._lost:
                self._reconnect()
            conn = self._connection.raw
            registered = self._register(conn)
            try:
                if self._lost:  # said only now that events come again: what happens from here on is not missed
                    self.told.put(Change(ChangeKind.BACK))
                self.stands = True
                self._follow(conn)
            finally:
                self._deregister(conn, registered)
        except VmsnapError as error:
            self.told.put(error)
        else:
            self.told.put(None)

    def _reconnect(self) -> None:
        """Try until it stands again, or until it is over."""
        for pause in pauses():
            until = time.monotonic() + pause
            while not self._connection.is_open and time.monotonic() < until:
                with suppress(Empty):
                    self._inbox.get(timeout=_BREATH)
                if self._over.is_set():
                    return
            with suppress(VmsnapError):
                self._connection.open()
                return

    def _follow(self, conn: libvirt.virConnect) -> None:
        """Tell what happens on this connection, until another took its place. Raises Unreachable once it is broken."""
        next_tick = time.monotonic()
        while not self._over.is_set():
            # What is told of a vm is asked for; one that is away is asked for once it is back.
            self._held |= self._heard(min(_BREATH, max(0.0, next_tick - time.monotonic())))
            for change in [each for each in self._held if not self._is_away(each.vm)]:
                del self._held[change]
                self._tell(change)
            if self._connection.raw is not conn:
                return
            now = time.monotonic()
            if now >= next_tick:
                next_tick = now + _TICK
                self._connection.check()
                for change in self._compared():
                    self.told.put(change)

    # Events

    def _heard(self, timeout: float) -> dict[Change, None]:
        """What came in, each thing once. Waits for the first for at most `timeout` seconds."""
        heard: dict[Change, None] = {}
        with suppress(Empty):
            first = self._inbox.get(timeout=timeout)
            while True:
                if first is None:
                    self._connection.check()
                else:
                    heard[first] = None
                first = self._inbox.get_nowait()
        return heard

    def _is_away(self, vm: VmRef | None) -> bool:
        return vm is not None and vm.id in self._connection.away

    def _tell(self, change: Change) -> None:
        if change.kind is ChangeKind.GONE and change.vm is not None:
            # Said to be undefined or stopped: it is gone only if it was not both defined and running.
            try:
                self._connection.domain(change.vm.id)
            except Missing:
                self._prints.seen.pop(change.vm.id, None)
            else:
                change = Change(ChangeKind.VM, change.vm)
        self.told.put(change)

    def _register(self, conn: libvirt.virConnect) -> list[int]:
        registered = []
        for event_id, kinds in _EVENTS.items():
            with suppress(libvirt.libvirtError):  # a driver that has no such event has nothing to tell
                registered.append(conn.domainEventRegisterAny(None, event_id, self._hear, (event_id, kinds)))
        return registered

    @staticmethod
    def _deregister(conn: libvirt.virConnect, registered: Iterable[int]) -> None:
        for callback_id in registered:
            with suppress(libvirt.libvirtError):  # the connection may be broken
                conn.domainEventDeregisterAny(callback_id)

    def _hear(self, _conn: libvirt.virConnect, domain: libvirt.virDomain, *details: Details) -> None:
        """Called by libvirt's event loop. What was registered with the event comes last."""
        *values, (event_id, kinds) = details
        vm = VmRef(self._site, domain.UUIDString())
        if event_id == libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE:
            if values[0] in _MAY_BE_GONE:
                kinds = (ChangeKind.GONE,)
            if tuple(values[:2]) in _FROM_SNAPSHOT:
                kinds = (*kinds, ChangeKind.SNAPSHOTS)
        for kind in kinds:
            self._inbox.put(Change(kind, vm))

    # Comparing

    def _compared(self) -> Iterator[Change]:
        """The vms whose snapshots are not as they were seen last."""
        on_screen = self._prints.on_screen
        for vm in on_screen:
            yield from self._compare(vm.id)
        # A slow answer is paid for by the seconds that follow.
        self._budget = min(self._budget, 0.0) + _TICK * _SHARE
        started = time.perf_counter()
        spent = 0.0
        if not self._round:
            self._round.extend(self._connection.known())
        while self._round and spent < self._budget:
            vm_id = self._round.popleft()
            if VmRef(self._site, vm_id) not in on_screen:
                yield from self._compare(vm_id)
            spent = time.perf_counter() - started
        self._budget -= spent

    def _compare(self, vm_id: str) -> Iterator[Change]:
        if vm_id in self._connection.away:
            return
        try:
            with typed_errors():
                seen = print_of(self._connection.handle(vm_id))
        except Missing:  # gone, which an event tells, or the snapshot went away between two calls
            self._prints.seen.pop(vm_id, None)
            return
        except Unreachable:
            self._connection.check()  # raises, if it is not only this vm's storage
            return
        except VmsnapError:  # of this vm alone; whoever reads its snapshots is told
            return
        last = self._prints.seen.get(vm_id)
        self._prints.seen[vm_id] = seen
        if last is not None and last != seen:
            yield Change(ChangeKind.SNAPSHOTS, VmRef(self._site, vm_id))
