"""Plans being carried out."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vmsnap_tui.engine.job import Job, JobState, PlanMoved
from vmsnap_tui.engine.journal import Mark
from vmsnap_tui.engine.lane import StopSign
from vmsnap_tui.engine.work import Work
from vmsnap_tui.model.errors import Conflict, Denied, Missing, VmsnapError
from vmsnap_tui.model.plan import Restore, Thaw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vmsnap_tui.engine.follow import Follower
    from vmsnap_tui.engine.journal import Journal
    from vmsnap_tui.engine.rendezvous import Place
    from vmsnap_tui.engine.store import Store
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.model.vm import VmRef

__all__ = ["Job", "JobState", "Jobs", "PlanMoved"]

log = logging.getLogger(__name__)


class Jobs:
    """All jobs of this run of the program, newest last.

    Each site runs a few at a time, first come, first served; a vm has one at a time. Those that wait for each other at
    a gate need no place: each would keep the others from getting one.
    """

    def __init__(self, store: Store, journal: Journal, followers: Mapping[str, Follower]) -> None:
        self._store = store
        self._journal = journal
        self._followers = followers
        self._jobs: dict[str, Job] = {}
        self._stops: dict[str, StopSign] = {}
        self._gates: dict[str, Place] = {}
        self._overs: dict[str, asyncio.Event] = {}
        self._waiting: dict[str, list[str]] = {name: [] for name in followers}
        self._running: dict[str, dict[VmRef, asyncio.Task[None]]] = {name: {} for name in followers}

    def all(self) -> Sequence[Job]:
        """Running, waiting and ended ones."""
        return tuple(self._jobs.values())

    def get(self, job_id: str) -> Job | None:
        """One job."""
        return self._jobs.get(job_id)

    async def submit(self, plan: Plan, gate: Place | None = None) -> Job:
        """Queue a plan. It is checked again against fresh facts when its turn comes. `gate` is left when it is over.

        Raises Denied on a read-only site, Conflict where the plan has refusals, or where the world has moved since
        it was made (`PlanMoved`, with the plan as it would be now).
        """
        vm = plan.request.vm
        follower = self._followers.get(vm.site)
        if follower is None:
            raise Missing(f"there is no site {vm.site}")
        if follower.site.read_only:
            raise Denied(f"{vm.site} is read-only", "nothing is changed there; start without --read-only to act")
        if plan.refusals:
            raise Conflict(plan.refusals[0].why, plan.refusals[0].instead)
        await self._check(plan)
        job = Job(secrets.token_hex(6), plan, JobState.WAITING, datetime.now(UTC))
        await self._journal.asked(job, self._marks(vm) if isinstance(plan.request, Restore) else ())
        self._stops[job.id] = StopSign()
        if gate is not None:
            self._gates[job.id] = gate
            gate.bind(self._stops[job.id])
        self._overs[job.id] = asyncio.Event()
        self._put(job)
        self._waiting[vm.site].append(job.id)
        self._start_next(vm.site)
        return self._jobs[job.id]

    def _marks(self, vm: VmRef) -> list[Mark]:
        """What a restore may cost: libvirt brings back the notes of that time along with the vm."""
        return [
            Mark(each.id, each.created, each.protected, each.baseline)
            for each in self._store.snapshots(vm) or ()
            if each.protected or each.baseline
        ]

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop. Without effect on one that is over."""
        job = self._jobs.get(job_id)
        if job is None or job.state.is_over:
            return
        self._stops[job_id].set()
        self._put(replace(job, cancelling=True))
        self._start_next(job.plan.request.vm.site)

    def cancel_all(self) -> None:
        """Ask all that are not over to stop."""
        for job_id in list(self._jobs):
            self.cancel(job_id)

    async def wait(self, job_id: str) -> Job:
        """The job, once it is over. Raises Missing where there is no such job."""
        if job_id not in self._jobs:
            raise Missing(f"there is no job {job_id}")
        await self._overs[job_id].wait()
        return self._jobs[job_id]

    async def stop(self, grace: float) -> None:
        """Ask all to stop, wait for that `grace` seconds and leave the rest as it is."""
        for job in self.all():
            self.cancel(job.id)
        loop = asyncio.get_running_loop()
        end = loop.time() + grace
        while (tasks := self._tasks()) and (left := end - loop.time()) > 0:
            await asyncio.wait(tasks, timeout=left)
        for task in self._tasks():
            task.cancel()

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [task for running in self._running.values() for task in running.values()]

    async def _check(self, plan: Plan) -> None:
        now = await self._followers[plan.request.vm.site].plan(plan.request)
        if now != plan:
            raise PlanMoved(now)

    def _put(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._store.put_job(job.id)

    def _start_next(self, site: str) -> None:
        """Start what may start. A job that was cancelled while it waited needs no place to end in."""
        running = self._running[site]
        for job_id in tuple(self._waiting[site]):
            vm = self._jobs[job_id].plan.request.vm
            if vm in running:
                continue
            if self._has_place(job_id, len(running), self._followers[site].site.jobs):
                self._waiting[site].remove(job_id)
                running[vm] = asyncio.create_task(self._run(job_id))

    def _has_place(self, job_id: str, running: int, most: int) -> bool:
        return running < most or job_id in self._gates or self._stops[job_id].is_set()

    async def _run(self, job_id: str) -> None:
        vm = self._jobs[job_id].plan.request.vm
        follower = self._followers[vm.site]
        work = Work(
            read=lambda: self._jobs[job_id],
            put=self._put,
            follower=follower,
            journal=self._journal,
            store=self._store,
            stop=self._stops[job_id],
            gate=self._gates.get(job_id),
        )
        try:
            ended = await work.run()
            self._leave(job_id)
            if work.may_be_frozen:
                await self._thaw(vm)
            await self._journal.ended(ended)
            self._put(ended)
        finally:
            self._leave(job_id)
            del self._running[vm.site][vm]
            self._overs[job_id].set()
            self._start_next(vm.site)

    def _leave(self, job_id: str) -> None:
        """Nobody waits any more for what is over."""
        if gate := self._gates.pop(job_id, None):
            gate.leave()

    async def _thaw(self, vm: VmRef) -> None:
        """Queue a thaw where a job may have left the guest frozen."""
        try:
            plan = await self._followers[vm.site].plan(Thaw(vm))
            if not plan.refusals:
                await self.submit(plan)
        except VmsnapError as error:
            log.warning("whether %s is frozen cannot be seen: %s", vm, error)
