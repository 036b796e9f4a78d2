"""What is done to several vms together: one group job, in which each vm has its own jobs one after the other."""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vmsnap_tui.engine.job import JobState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

    from vmsnap_tui.engine.jobs import Job, Jobs
    from vmsnap_tui.engine.store import Store
    from vmsnap_tui.model.together import Group
    from vmsnap_tui.model.vm import Vm, VmRef

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    """One vm of a group job. `words` say what it is at, or what came of it."""

    vm: VmRef
    name: str
    state: JobState = JobState.WAITING
    words: str = ""
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class GroupJob:
    """As it is now; a new value for each change. `outcome` is said at the end; `group` is what was taken together."""

    id: str
    title: str
    members: tuple[Member, ...]
    started: datetime
    ended: datetime | None = None
    cancelling: bool = False
    outcome: str = ""
    group: Group | None = None

    @property
    def done(self) -> int:
        """How many are where they should be."""
        return sum(member.state is JobState.DONE for member in self.members)

    @property
    def over(self) -> int:
        """How many have ended, well or badly."""
        return sum(member.state.is_over for member in self.members)

    @property
    def undone(self) -> tuple[VmRef, ...]:
        """The vms that are not where they should be, though all is over."""
        return tuple(each.vm for each in self.members if each.state.is_over and each.state is not JobState.DONE)


class Course:
    """What the work of a group job tells, and whether it is to stop."""

    def __init__(self, put: Callable[[VmRef, JobState, str], None]) -> None:
        self._stopped = False
        self.group: Group | None = None
        """The group snapshot that was taken."""
        self.tell = put
        """Vm, its state, and words: called as often as something is new."""

    def stop(self) -> None:
        """Ask the work to begin nothing more."""
        self._stopped = True

    def is_stopped(self) -> bool:
        """Whether somebody asked for that."""
        return self._stopped


class Groups:
    """All group jobs of this run of the program. They outlive the screens that started them."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs
        self._groups: dict[str, GroupJob] = {}
        self._courses: dict[str, Course] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._before: dict[str, int] = {}
        """How many jobs there were when it began: the clock may be set back meanwhile."""
        self._turns: dict[VmRef, asyncio.Lock] = {}
        self.read: set[str] = set()
        """Those that somebody looks at, or has seen end: nobody needs to be told of them."""

    def start(self, title: str, vms: Iterable[Vm], work: Callable[[Course], Awaitable[str]]) -> GroupJob:
        """Begin. `work` does it all and says in the end what came of it."""
        members = tuple(Member(vm.ref, vm.name) for vm in vms)
        group = GroupJob(secrets.token_hex(6), title, members, datetime.now(UTC))
        self._groups[group.id] = group
        self._before[group.id] = len(self._jobs.all())

        def put(vm: VmRef, state: JobState, words: str) -> None:
            self._put(group.id, vm, state, words)

        self._courses[group.id] = course = Course(put)
        self._tasks[group.id] = asyncio.create_task(self._run(group.id, work, course))
        self._store.put_job(group.id)
        return group

    @asynccontextmanager
    async def turn(self, vms: Iterable[VmRef]) -> AsyncIterator[None]:
        """For work that needs all of its vms at once: no other such work has one of these meanwhile.

        Each would get some of them. All are waited for in one order, so that nobody waits in a ring.
        """
        async with AsyncExitStack() as stack:
            for vm in sorted(set(vms)):
                await stack.enter_async_context(self._turns.setdefault(vm, asyncio.Lock()))
            yield

    def get(self, id_: str) -> GroupJob | None:
        """One group job."""
        return self._groups.get(id_)

    def all(self) -> Sequence[GroupJob]:
        """All, oldest first."""
        return tuple(self._groups.values())

    async def wait(self, id_: str) -> GroupJob:
        """The group job, once it is over."""
        await asyncio.wait([self._tasks[id_]])
        return self._groups[id_]

    def cancel(self, id_: str) -> None:
        """Ask all its jobs to stop, and begin nothing more."""
        group = self._groups.get(id_)
        if group is None or group.ended:
            return
        self._courses[id_].stop()
        for job in self.jobs_of(group).values():
            self._jobs.cancel(job.id)
        self._groups[id_] = replace(group, cancelling=True)
        self._store.put_job(id_)

    def jobs_of(self, group: GroupJob) -> dict[VmRef, Job]:
        """The latest job of each member."""
        vms = {member.vm for member in group.members}
        return {
            job.plan.request.vm: job for job in self._jobs.all()[self._before[group.id] :] if job.plan.request.vm in vms
        }

    def is_member(self, job: Job) -> bool:
        """Whether a job was begun by a group job, which then tells what came of it."""
        vm = job.plan.request.vm
        return any(
            group.started <= job.queued <= (group.ended or job.queued) and any(each.vm == vm for each in group.members)
            for group in self._groups.values()
        )

    def stop(self) -> None:
        """Begin nothing more."""
        for task in self._tasks.values():
            task.cancel()

    async def _run(self, id_: str, work: Callable[[Course], Awaitable[str]], course: Course) -> None:
        try:
            outcome = await work(course)
        except Exception as error:
            log.exception("a group job failed within the engine")
            outcome = f"{type(error).__name__}: {error}: this is a fault of the program"
        for member in self._groups[id_].members:
            if not member.state.is_over:
                self._put(id_, member.vm, JobState.FAILED, member.words or "not done")
        self._groups[id_] = replace(self._groups[id_], ended=datetime.now(UTC), outcome=outcome, group=course.group)
        self._store.put_job(id_)

    def _put(self, id_: str, vm: VmRef, state: JobState, words: str) -> None:
        group = self._groups[id_]
        now = datetime.now(UTC) if state.is_over else None
        members = tuple(
            replace(each, state=state, words=words, ended=now and (each.ended or now)) if each.vm == vm else each
            for each in group.members
        )
        self._groups[id_] = replace(group, members=members)
        self._store.put_job(id_)
