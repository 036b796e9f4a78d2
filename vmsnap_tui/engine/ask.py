"""Something done without a dialogue: planned on fresh facts, queued, waited for. Why it was not done is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.errors import VmsnapError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.job import Job
    from vmsnap_tui.engine.rendezvous import Place
    from vmsnap_tui.model.plan import Plan, Request

NOT_BEGUN = "not begun"
"""What is said of a vm's share where somebody asked to stop before it."""


class Planned:
    """What each vm's share of something has: its `plan`, or the `problem` that keeps it from having one."""

    __slots__ = ()
    if TYPE_CHECKING:
        plan: Plan | None
        problem: str

    @property
    def can_run(self) -> bool:
        """Whether there is anything to do, and nothing against it."""
        return self.plan is not None and not self.plan.refusals

    @property
    def why_not(self) -> str:
        """Why it cannot be done, "" where it can."""
        return self.problem or (self.plan.refusals[0].why if self.plan and self.plan.refusals else "")


async def asked(engine: Engine, request: Request, objection: Callable[[Plan], str] = lambda _: "") -> str:
    """Plan and do something; why it was not done, "" where it was. `objection` may say why a plan is not wanted."""
    try:
        plan = await engine.plan(request)
    except VmsnapError as error:
        return str(error)
    if plan.refusals:
        return plan.refusals[0].why
    if why := objection(plan):
        return why
    return why_not_done(await done(engine, plan))


def never() -> bool:
    """For what nobody stops."""
    return False


async def done(
    engine: Engine, plan: Plan, is_stopped: Callable[[], bool] = never, gate: Place | None = None
) -> Job | str:
    """The job, once it is over; or why there was none. `is_stopped` is asked until it is queued; then it is a job that
    can be cancelled like any other. `gate` is its place in a group snapshot.
    """
    if is_stopped():
        return NOT_BEGUN
    try:
        job = await engine.jobs.submit(plan, gate)
    except VmsnapError as error:
        return str(error)
    if is_stopped():
        engine.jobs.cancel(job.id)
    return await engine.jobs.wait(job.id)


def why_not_done(job: Job | str) -> str:
    """Of a job that is over, or why there was none; "" where it was done."""
    if isinstance(job, str):
        return job
    if job.state is JobState.DONE:
        return ""
    return str(job.error) if job.error else job.outcome or job.state.value
