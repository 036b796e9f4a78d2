"""What is known now, by id. Changed on the loop alone; whoever shows it subscribes to coalesced changes.

A load takes a stamp when it starts (`begin`) and hands it in with what it found. The newer stamp wins, so a slow list
that began before a deletion cannot bring back what is gone, and cannot overwrite what was read since.
"""

from __future__ import annotations

import asyncio
import gc
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from vmsnap_tui.model.errors import VmsnapError
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Disk, Site, SiteInfo, Vm, VmRef

_SETTLE_EVERY = 2_000
"""New vms and snapshots after which they are taken out of the garbage collector's rounds."""


class SiteStatus(Enum):
    """How a site's connection stands."""

    CONNECTING = "connecting"
    ONLINE = "online"
    LOST = "lost"  # it was there; being taken up again
    FAILED = "failed"  # it could not be opened; being tried again


@dataclass(frozen=True, slots=True)
class SiteView:
    """A site as it is known now. `since` is when `status` began, `heard` when it last answered (aware UTC).

    `loading` says that the list of vms is not complete yet, `retry_at` when the next attempt is made. `silent` is set
    while the site leaves questions unanswered: since when nothing was heard. `looked` is when a site that is polled was
    last asked what has moved; None where a site tells by itself.
    """

    site: Site
    status: SiteStatus
    since: datetime
    info: SiteInfo | None = None
    error: VmsnapError | None = None
    heard: datetime | None = None
    loading: bool = False
    retry_at: datetime | None = None
    silent: datetime | None = None
    looked: datetime | None = None

    @property
    def is_troubled(self) -> bool:
        """Whether somebody has to know why it does not answer."""
        return self.status in {SiteStatus.LOST, SiteStatus.FAILED}


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since the last call: names of sites, vms whose values or snapshots or freeze changed, job ids.

    A vm that went away is in `vms` too; look it up to tell.
    """

    sites: frozenset[str] = frozenset()
    vms: frozenset[VmRef] = frozenset()
    snapshots: frozenset[VmRef] = frozenset()
    freezes: frozenset[VmRef] = frozenset()
    jobs: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Pending:
    """Changes that a subscriber has not been told of yet."""

    sites: set[str] = field(default_factory=set)
    vms: set[VmRef] = field(default_factory=set)
    snapshots: set[VmRef] = field(default_factory=set)
    freezes: set[VmRef] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)


class _Subscriber:
    """Somebody who wants to know, but not more often than once in `interval` seconds."""

    def __init__(self, callback: Callable[[Changes], None], interval: float) -> None:
        self._callback = callback
        self._context = copy_context()  # what is called has no other one than who asked for it
        self._interval = interval
        self._last = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._pending = _Pending()

    def pending(self) -> _Pending:
        """Where to write down a change; it will be told soon."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._last + self._interval), self._tell, context=self._context)
        return self._pending

    def end(self) -> None:
        """Tell nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        told, self._pending = self._pending, _Pending()
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        self._callback(
            Changes(
                frozenset(told.sites),
                frozenset(told.vms),
                frozenset(told.snapshots),
                frozenset(told.freezes),
                frozenset(told.jobs),
            )
        )


@dataclass(slots=True)
class _Known:
    """A vm, and the stamps of the loads that the last word on it, its snapshots and its freeze came from."""

    vm: Vm
    stamp: int
    snapshots: int
    freeze: int


class Store:
    """The one place where the screen and the command line look things up."""

    def __init__(self, sites: Iterable[Site] = ()) -> None:
        now = datetime.now(UTC)
        self._sites = {site.name: SiteView(site, SiteStatus.CONNECTING, now) for site in sites}
        self._vms: dict[str, dict[VmRef, _Known]] = {name: {} for name in self._sites}
        self._snapshots: dict[VmRef, tuple[Snapshot, ...]] = {}
        self._problems: dict[VmRef, VmsnapError] = {}
        self._freezes: dict[VmRef, Freeze] = {}
        self._gone: dict[VmRef, int] = {}  # vms that are gone, until a full list says the same
        self._listed: dict[str, int] = {}  # the newest full list of each site
        self._subscribers: dict[int, _Subscriber] = {}
        self._counter = count(1)
        self._unsettled = 0

    # What is known

    @property
    def sites(self) -> Mapping[str, SiteView]:
        """All sites by name, in the order of the configuration."""
        return MappingProxyType(self._sites)

    def vms(self, site: str) -> tuple[Vm, ...]:
        """The vms of a site that are known so far, in no particular order."""
        return tuple(known.vm for known in self._vms.get(site, {}).values())

    def vm(self, ref: VmRef) -> Vm | None:
        """One vm, None where it is not known (any more)."""
        known = self._known(ref)
        return known.vm if known else None

    def snapshots(self, ref: VmRef) -> tuple[Snapshot, ...] | None:
        """A vm's snapshots, None while they have not been read yet."""
        return self._snapshots.get(ref)

    def problem(self, ref: VmRef) -> VmsnapError | None:
        """Why a vm's snapshots could not be read the last time that this was tried, None where they could."""
        return self._problems.get(ref)

    def freeze(self, ref: VmRef) -> Freeze | None:
        """The last freeze state seen, None where none was."""
        return self._freezes.get(ref)

    def subscribe(self, callback: Callable[[Changes], None], *, interval: float = 0.1) -> Callable[[], None]:
        """Call `callback` on the loop with what changed, at most once in `interval` seconds. Returns how to stop."""
        key = next(self._counter)
        self._subscribers[key] = _Subscriber(callback, interval)

        def stop() -> None:
            if subscriber := self._subscribers.pop(key, None):
                subscriber.end()

        return stop

    # What the engine writes

    def begin(self) -> int:
        """The stamp of a load that starts now, or of something that was seen now."""
        return next(self._counter)

    def put_site(self, view: SiteView) -> None:
        """How a site is now."""
        name = view.site.name
        if self._sites.get(name) != view:
            self._sites[name] = view
            for pending in self._pendings():
                pending.sites.add(name)

    def put_vm(self, vm: Vm, stamp: int) -> None:
        """A vm as a load that began at `stamp` found it."""
        ref = vm.ref
        known = self._known(ref)
        if known is None:
            gone = max(self._gone.get(ref, 0), self._listed.get(ref.site, 0))
            if stamp <= gone:
                return
            self._gone.pop(ref, None)
            self._vms.setdefault(ref.site, {})[ref] = _Known(vm, stamp, gone, gone)
        elif stamp < known.stamp:
            return
        else:
            known.stamp = stamp
            vm = _with_sizes(vm, known.vm)
            if known.vm == vm:
                return
            known.vm = vm
        self._settle(1)
        for pending in self._pendings():
            pending.vms.add(ref)

    def put_snapshots(self, ref: VmRef, snapshots: tuple[Snapshot, ...], stamp: int) -> None:
        """All snapshots of a known vm. Word on a vm that is not known is dropped."""
        known = self._known(ref)
        if known is None or stamp < known.snapshots:
            return
        known.snapshots = stamp
        had_problem = self._problems.pop(ref, None) is not None
        if had_problem or self._snapshots.get(ref) != snapshots:
            self._snapshots[ref] = snapshots
            self._settle(len(snapshots))
            self._tell_snapshots(ref)

    def put_problem(self, ref: VmRef, error: VmsnapError, stamp: int) -> None:
        """Why a vm's snapshots cannot be read. Those that were read before stay."""
        known = self._known(ref)
        if known is not None and stamp >= known.snapshots:
            known.snapshots = stamp
            self._problems[ref] = error
            self._tell_snapshots(ref)

    def put_freeze(self, ref: VmRef, freeze: Freeze, stamp: int) -> None:
        """The freeze state of a known vm."""
        known = self._known(ref)
        if known is None or stamp < known.freeze:
            return
        known.freeze = stamp
        if self._freezes.get(ref) != freeze:
            self._freezes[ref] = freeze
            for pending in self._pendings():
                pending.freezes.add(ref)

    def remove(self, ref: VmRef, stamp: int) -> None:
        """A vm is gone, says a load that began at `stamp`. Word that is older than that cannot bring it back."""
        known = self._known(ref)
        if known is not None and stamp < known.stamp:
            return
        self._gone[ref] = max(stamp, self._gone.get(ref, 0))
        if known is None:
            return
        for things in (self._vms[ref.site], self._snapshots, self._problems, self._freezes):
            things.pop(ref, None)
        for pending in self._pendings():
            pending.vms.add(ref)

    def end_list(self, site: str, stamp: int) -> None:
        """A full list that began at `stamp` is in: vms on which no word came since it began are gone."""
        for ref in [ref for ref, known in self._vms.get(site, {}).items() if known.stamp < stamp]:
            self.remove(ref, stamp)
        self._listed[site] = max(stamp, self._listed.get(site, 0))
        for ref in [ref for ref, at in self._gone.items() if ref.site == site and at <= stamp]:
            del self._gone[ref]  # that the list did not see it says the same

    def put_job(self, job_id: str) -> None:
        """A job changed."""
        for pending in self._pendings():
            pending.jobs.add(job_id)

    def _known(self, ref: VmRef) -> _Known | None:
        return self._vms.get(ref.site, {}).get(ref)

    def _tell_snapshots(self, ref: VmRef) -> None:
        for pending in self._pendings():
            pending.snapshots.add(ref)

    def _settle(self, new: int) -> None:
        """Take what was loaded out of the garbage collector's rounds.

        It has no cycles, and looking through hundreds of thousands of values time and again stops the screen for a
        tenth of a second each time. What is not used any more is freed all the same.
        """
        self._unsettled += new
        if self._unsettled >= _SETTLE_EVERY:
            self._unsettled = 0
            gc.freeze()

    def _pendings(self) -> Iterator[_Pending]:
        return (subscriber.pending() for subscriber in self._subscribers.values())


def _with_sizes(vm: Vm, known: Vm) -> Vm:
    """`vm`, with the last known sizes and protocols of its disks where a list leaves them out."""
    if vm.disks == known.disks or all(disk.capacity is not None for disk in vm.disks):
        return vm
    last = {(disk.id, disk.source): disk for disk in known.disks}
    return replace(vm, disks=tuple(_sized(disk, last.get((disk.id, disk.source), disk)) for disk in vm.disks))


def _sized(disk: Disk, last: Disk) -> Disk:
    if disk.capacity is not None or disk.allocation is not None:
        return disk
    return replace(disk, protocol=disk.protocol or last.protocol, capacity=last.capacity, allocation=last.allocation)
