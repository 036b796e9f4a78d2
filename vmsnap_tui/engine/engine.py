"""The engine as the screen and the command line see it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from vmsnap_tui.engine.follow import Follower
from vmsnap_tui.engine.groups import Groups
from vmsnap_tui.engine.jobs import Jobs
from vmsnap_tui.engine.journal import Journal
from vmsnap_tui.engine.locations import journal_file, log_file, state_folder
from vmsnap_tui.engine.log import log_to
from vmsnap_tui.engine.recover import look_into
from vmsnap_tui.engine.site import Connection
from vmsnap_tui.engine.store import SiteStatus, Store
from vmsnap_tui.model.errors import Conflict, Missing, Unreachable
from vmsnap_tui.platforms.registry import create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from vmsnap_tui.engine.journal import Asked, CutOff
    from vmsnap_tui.model.compare import Definition
    from vmsnap_tui.model.lab import LabRule
    from vmsnap_tui.model.plan import Facts, Plan, Request
    from vmsnap_tui.model.snapshot import SnapRef
    from vmsnap_tui.model.survey import Survey
    from vmsnap_tui.model.vm import Site, SiteInfo, Vm, VmRef
    from vmsnap_tui.platforms.protocol import Platform

_PATIENCE = 15.0
"""Seconds that a search for a vm waits for sites that do not answer."""
_TURN = 0.001
"""Seconds after which a thread that reads lets the loop's thread go on; Python's 5 ms a thread would be felt."""


class Engine:
    """Sites, store, jobs and journal under one roof. Everything here is called on one event loop."""

    def __init__(
        self,
        sites: Sequence[Site],
        *,
        state: Path | None = None,
        read_only: bool = False,
        platform: Callable[[Site], Platform] = create,
        follow: bool = True,
        labs: Sequence[LabRule] = (),
    ) -> None:
        """`state` is the folder of journal and log. `read_only` forbids every change on every site.

        With `follow` the engine stays with its sites: it watches them, reads all snapshots and looks into what an
        earlier run left. Without, it reads only what is asked for, which is what a single command needs.
        """
        if read_only:
            sites = [replace(site, read_only=True) for site in sites]
        self.read_only = read_only
        self.lab_rules = labs
        """The labs of the config file; those that stand on the platforms are found there."""
        self.state = state or state_folder(sites)
        self.store = Store(sites)
        self.journal = Journal(journal_file(self.state))
        self._platform = platform
        self._follow = follow
        self._followers = {site.name: Follower(site, self.store, platform, watch=follow) for site in sites}
        self.jobs = Jobs(self.store, self.journal, self._followers)
        self.groups = Groups(self.store, self.jobs)
        self._cut_off: dict[str, CutOff] = {}
        self._recovering: list[asyncio.Task[None]] = []
        self._end_log: Callable[[], None] | None = None

    async def start(self) -> None:
        """Open the journal, then connect, load and watch every site in the background. Returns at once.

        Jobs that an earlier run left are looked into as soon as their site is there; see `cut_off`.
        """
        self._end_log = log_to(log_file(self.state))
        sys.setswitchinterval(_TURN)
        for follower in self._followers.values():
            follower.start()
        if self._follow:
            self._recovering.append(asyncio.create_task(self._recover()))

    async def stop(self, grace: float = 2.0) -> None:
        """Ask running jobs and watches to end, and leave after `grace` seconds whatever hangs.

        A job that did not end is looked into by the next run.
        """
        self.groups.stop()
        await self.jobs.stop(grace)
        for task in self._recovering:
            task.cancel()
        closing = [asyncio.create_task(follower.close()) for follower in self._followers.values()]
        closing.append(asyncio.create_task(self.journal.close()))
        await asyncio.wait(closing, timeout=1.0)
        if self._end_log is not None:
            self._end_log()

    @property
    def cut_off(self) -> Sequence[CutOff]:
        """Jobs that an earlier run did not end, with what is known of them now (a change is told as jobs={id})."""
        return tuple(self._cut_off.values())

    async def loaded(self, site: str | None = None, *, snapshots: bool = False) -> None:
        """Wait until the vms of a site (or of all) are in, or it has failed; with `snapshots` until those are too."""
        for follower in self._chosen(site):
            await follower.listed.wait()
        if snapshots:
            for follower in self._chosen(site):
                if not self._follow:
                    follower.read_all_snapshots()
            for follower in self._chosen(site):
                await follower.snapshots.done.wait()

    async def find(self, name: str) -> Vm:
        """A vm by "name", "site/name", "group/name", "site/group/name" or id.

        Raises Missing, Conflict where several fit (it names them), or Unreachable where none fits and a site does
        not answer.
        """
        first, slash, _ = name.partition("/")
        places = [first] if slash and first in self._followers else list(self._followers)
        waiting = [asyncio.create_task(self._followers[place].listed.wait()) for place in places]
        if waiting:
            _, hanging = await asyncio.wait(waiting, timeout=_PATIENCE)
            for task in hanging:
                task.cancel()
        found = [vm for place in self._followers for vm in self.store.vms(place) if name in _names(vm)]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(sorted(f"{'/'.join(_path(vm))} ({vm.ref.id})" for vm in found))
            raise Conflict(f"{len(found)} vms are called {name}: {several}", "name the site too, or use the id")
        silent = [
            view.site.name
            for view in self.store.sites.values()
            if view.site.name in places and (view.status is not SiteStatus.ONLINE or view.loading)
        ]
        if silent:
            error = self.store.sites[silent[0]].error
            why = f": {error.words}" if error else ""
            raise Unreachable(
                f"{name} was not found, and {', '.join(silent)} cannot be read{why}", error.hint if error else ""
            )
        raise Missing(f"there is no vm {name}", "list them with: vmsnap ls")

    async def facts(self, vm: VmRef) -> Facts:
        """Fresh facts of a vm; plan on them as often as need be without I/O."""
        return await self._follower(vm.site).facts(vm)

    async def plan(self, request: Request) -> Plan:
        """Facts and plan in one go."""
        return await self._follower(request.vm.site).plan(request)

    async def survey(self, site: str, vms: Sequence[VmRef] | None = None) -> Survey:
        """What really holds the data of these vms of a site, or of all, and what is wrong with it."""
        return await self._follower(site).connection.read(lambda platform: platform.survey(vms))

    async def source(self, vm: VmRef, snapshot: SnapRef | None = None) -> tuple[str, str]:
        """The platform's own text of a vm or snapshot, and its language."""
        return await self._follower(vm.site).connection.read(lambda platform: platform.source(vm, snapshot))

    async def definition(self, vm: VmRef, snapshot: SnapRef | None = None) -> Definition:
        """What a vm was made of when a snapshot was taken, or is now."""
        return await self._follower(vm.site).connection.read(lambda platform: platform.definition(vm, snapshot))

    async def reload(self, vm: VmRef) -> None:
        """Read a vm and its snapshots into the store now."""
        await self._follower(vm.site).reload(vm)

    async def probe(self, site: Site) -> SiteInfo:
        """Open a site just to see, for the doctor. Raises what opening raises."""
        connection = Connection(site, self._platform)
        try:
            return await connection.open()
        finally:
            await connection.close()

    def want_snapshots(self, vm: VmRef) -> None:
        """Read this vm's snapshots before those of others (it is on the screen and they are not in yet)."""
        if self.store.snapshots(vm) is None:
            self._follower(vm.site).snapshots.soon(vm)

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """Tell which vms are on the screen."""
        for name, follower in self._followers.items():
            follower.look_at(frozenset(vm for vm in vms if vm.site == name))

    def refresh(self, site: str | None = None) -> None:
        """Read a site (or all) anew, in the background; a site that is lost is tried again at once."""
        for follower in self._chosen(site):
            follower.refresh()

    async def settle_left(self) -> Sequence[CutOff]:
        """Thaw the guests that earlier runs left frozen, put back the marks that their restores lost, and say what came
        of it: for who does not stay to look into all that they left.

        One whose site does not answer in time is seen to later, or by the next run.
        """
        left = [(cut, asked) for cut, asked in await self.journal.cut_off() if cut.vm.site in self._followers]
        before = len(self._recovering)
        self._look_into([(cut, asked) for cut, asked in left if cut.froze or asked.marks])
        if looking := self._recovering[before:]:
            await asyncio.wait(looking, timeout=_PATIENCE)
        return self.cut_off

    async def _recover(self) -> None:
        self._look_into(await self.journal.cut_off())

    def _look_into(self, left: Iterable[tuple[CutOff, Asked]]) -> None:
        for cut, asked in left:
            follower = self._followers.get(cut.vm.site)
            if follower is None:
                self._tell_cut_off(replace(cut, now=f"its site {cut.vm.site} is not configured any more"))
                continue
            self._tell_cut_off(cut)
            looking = look_into(cut, asked, follower, self.jobs, self.journal, self._tell_cut_off)
            self._recovering.append(asyncio.create_task(looking))

    def _tell_cut_off(self, cut: CutOff) -> None:
        self._cut_off[cut.job] = cut
        self.store.put_job(cut.job)

    def _follower(self, site: str) -> Follower:
        follower = self._followers.get(site)
        if follower is None:
            raise Missing(f"there is no site {site}")
        return follower

    def _chosen(self, site: str | None) -> Iterable[Follower]:
        return self._followers.values() if site is None else [self._follower(site)]


def _path(vm: Vm) -> tuple[str, ...]:
    return tuple(part for part in (vm.ref.site, vm.group, vm.name) if part)


def _names(vm: Vm) -> set[str]:
    site, group = vm.ref.site, vm.group
    return {vm.ref.id, vm.name, f"{site}/{vm.ref.id}", f"{site}/{vm.name}", f"{group}/{vm.name}", "/".join(_path(vm))}
