"""Several vms put back together: one job each, side by side as the sites allow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.naming import fresh_name
from vmsnap_tui.model.plan import Restore, Take

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.job import Job
    from vmsnap_tui.model.moment import Pick
    from vmsnap_tui.model.plan import Plan, Request
    from vmsnap_tui.model.snapshot import SnapRef

SAFETY = "before-restore-"
"""What a safety snapshot's name begins with."""


@dataclass(frozen=True, slots=True)
class Part:
    """One vm's share: its plan, and what came of it. `problem` is why there is no plan, or why it did not go well.

    `undone` says that the vm was put back to its safety snapshot, since another one failed.
    """

    pick: Pick
    plan: Plan | None = None
    job: Job | None = None
    problem: str = ""
    undone: bool = False

    @property
    def can_run(self) -> bool:
        """Whether there is anything to do, and nothing against it."""
        return self.plan is not None and not self.plan.refusals

    @property
    def is_done(self) -> bool:
        """Whether the vm stands where it should."""
        return self.job is not None and self.job.state is JobState.DONE and not self.undone


async def planned(engine: Engine, picks: Sequence[Pick], *, safety: bool = False) -> tuple[Part, ...]:
    """The plan of each, on fresh facts. One that cannot be read has no plan, and says why."""
    return tuple(await asyncio.gather(*(_planned(engine, each, safety=safety) for each in picks)))


async def _planned(engine: Engine, pick: Pick, *, safety: bool) -> Part:
    if pick.snapshot is None:
        return Part(pick, problem="it has no snapshot that fits")
    try:
        facts = await engine.facts(pick.vm.ref)
    except VmsnapError as error:
        return Part(pick, problem=str(error))
    name = ""
    if safety:
        taken = {text for each in facts.snapshots for text in (each.id, each.name)}
        name = fresh_name(datetime.now().astimezone(), taken, prefix=SAFETY)
    return Part(pick, facts.plan(Restore(pick.snapshot.ref, safety=name)))


async def restore(
    engine: Engine, parts: Sequence[Part], told: Callable[[Part], None], *, all_or_nothing: bool = False
) -> tuple[Part, ...]:
    """Do what can be done; a failure stops only its own vm.

    With `all_or_nothing` nothing is begun unless all can run; all present states are kept first, and where one vm
    fails, all go back to theirs. `told` hears of each part that is over.
    """
    if not all_or_nothing:
        return tuple(await asyncio.gather(*(_run(engine, each, told) for each in parts)))
    if not all(each.can_run for each in parts):
        return tuple(parts)
    kept = await asyncio.gather(*(_kept(engine, each) for each in parts))
    failed = {each.pick.vm.ref: safety for each, safety in zip(parts, kept, strict=True) if isinstance(safety, str)}
    if failed:
        why = "nothing was restored: not every present state could be kept"
        return tuple(replace(each, problem=failed.get(each.pick.vm.ref) or why) for each in parts)
    # With the present kept, less is lost than the plans said.
    fresh = await planned(engine, [each.pick for each in parts])
    done = await asyncio.gather(*(_run(engine, each, told) for each in fresh))
    if all(each.is_done for each in done):
        return tuple(done)
    pairs = zip(done, kept, strict=True)
    return tuple(await asyncio.gather(*(_undone(engine, each, safety) for each, safety in pairs)))


async def _run(engine: Engine, part: Part, told: Callable[[Part], None]) -> Part:
    if part.plan is None or part.plan.refusals:
        return replace(part, problem=part.problem or (part.plan.refusals[0].why if part.plan else ""))
    # What was planned a while ago is asked for anew: it may be another plan by now, and then nothing is done.
    ended = await _done(engine, part.plan)
    part = replace(part, problem=ended) if isinstance(ended, str) else replace(part, job=ended, problem=_why(ended))
    told(part)
    return part


async def _kept(engine: Engine, part: Part) -> SnapRef | str:
    """The safety snapshot of a vm, or why there is none."""
    vm = part.pick.vm.ref
    try:
        facts = await engine.facts(vm)
        taken = {text for each in facts.snapshots for text in (each.id, each.name)}
        name = fresh_name(datetime.now().astimezone(), taken, prefix=SAFETY)
        why = await _asked(engine, Take(vm, name, "taken before a restore"))
        if why:
            return why
        fresh = await engine.facts(vm)
    except VmsnapError as error:
        return str(error)
    return next((each.ref for each in fresh.snapshots if each.name == name), "its safety snapshot is not to be found")


async def _undone(engine: Engine, part: Part, safety: SnapRef | str) -> Part:
    if isinstance(safety, str):
        return part
    why = await _asked(engine, Restore(safety))
    return replace(part, undone=not why, problem=part.problem or why or "put back, since another vm failed")


async def _asked(engine: Engine, request: Request) -> str:
    """Plan and do something; why it was not done, "" where it was."""
    try:
        plan = await engine.plan(request)
    except VmsnapError as error:
        return str(error)
    if plan.refusals:
        return plan.refusals[0].why
    ended = await _done(engine, plan)
    return ended if isinstance(ended, str) else _why(ended)


async def _done(engine: Engine, plan: Plan) -> Job | str:
    try:
        job = await engine.jobs.submit(plan)
    except VmsnapError as error:
        return str(error)
    return await engine.jobs.wait(job.id)


def _why(job: Job) -> str:
    if job.state is JobState.DONE:
        return ""
    return str(job.error) if job.error else job.outcome or job.state.value
