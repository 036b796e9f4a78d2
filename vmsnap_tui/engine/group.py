"""Several vms put back together: one job each, side by side as the sites allow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from vmsnap_tui.engine.ask import Planned, asked, done, never, why_not_done
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.engine.labs import ranks
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.naming import fresh_snapshot_name
from vmsnap_tui.model.order import waves
from vmsnap_tui.model.plan import Restore, Take, usual_after

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import Course, GroupJob
    from vmsnap_tui.engine.job import Job
    from vmsnap_tui.model.moment import Pick
    from vmsnap_tui.model.plan import Facts, Plan
    from vmsnap_tui.model.vm import VmRef

SAFETY = "before-restore-"
"""What a safety snapshot's name begins with."""


@dataclass(frozen=True, slots=True)
class Part(Planned):
    """One vm's share: its plan, and what came of it. `problem` is why there is no plan, or why it did not go well.

    `undone` says that the vm was put back to its safety snapshot, since another one failed.
    """

    pick: Pick
    plan: Plan | None = None
    job: Job | None = None
    problem: str = ""
    undone: bool = False

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
        name = _safety_name(facts)
    return Part(pick, facts.plan(Restore(pick.snapshot.ref, usual_after(facts.vm, pick.snapshot), name)))


def _safety_name(facts: Facts) -> str:
    now = datetime.now().astimezone()
    return fresh_snapshot_name(now, facts.snapshots, prefix=SAFETY, called=facts.called)


async def restore(
    engine: Engine,
    parts: Sequence[Part],
    told: Callable[[Part], None],
    *,
    all_or_nothing: bool = False,
    is_stopped: Callable[[], bool] = never,
) -> tuple[Part, ...]:
    """Do what can be done; a failure stops only its own vm.

    With `all_or_nothing` nothing is begun unless all can run; all present states are kept first, and where one vm
    fails, all go back to theirs. What other vms depend on comes first. `told` hears of each part that is over.
    Once it `is_stopped`, nothing more is begun: with `all_or_nothing` those that were restored by then go back.
    """
    if not all_or_nothing:
        return await _run_in_order(engine, parts, told, is_stopped)
    if not all(each.can_run for each in parts):
        return tuple(parts)
    kept = await asyncio.gather(*(_kept(engine, each) for each in parts))
    failed = {each.pick.vm.ref: safety for each, safety in zip(parts, kept, strict=True) if isinstance(safety, str)}
    if failed:
        why = "nothing was restored: not every present state could be kept"
        return tuple(replace(each, problem=failed.get(each.pick.vm.ref) or why) for each in parts)
    # With the present kept, less is lost than the plans said.
    fresh = await planned(engine, [each.pick for each in parts])
    if not all(each.can_run for each in fresh):
        why = "nothing was restored: another vm cannot be, now that the present states are kept"
        return tuple(replace(each, problem=each.why_not or why) for each in fresh)
    ended = await _run_in_order(engine, fresh, told, is_stopped)
    if all(each.is_done for each in ended):
        return ended
    pairs = zip(ended, kept, strict=True)
    return tuple(await asyncio.gather(*(_undone(engine, each, safety) for each, safety in pairs)))


def begin(engine: Engine, title: str, parts: Sequence[Part], *, all_or_nothing: bool = False) -> GroupJob:
    """The same as a group job that goes on by itself. Those that cannot run were named before; they are no part."""
    taking_part = parts if all_or_nothing else [each for each in parts if each.can_run]

    async def work(course: Course) -> str:
        def tell(part: Part) -> None:
            state = JobState.DONE if part.is_done else JobState.FAILED
            if not part.is_done and (course.is_stopped() or (part.job and part.job.state is JobState.CANCELLED)):
                state = JobState.CANCELLED
            course.tell(part.pick.vm.ref, state, part.problem or (part.job.outcome if part.job else ""))

        ended = await restore(engine, taking_part, tell, all_or_nothing=all_or_nothing, is_stopped=course.is_stopped)
        for part in ended:
            tell(part)
        return f"{sum(part.is_done for part in ended)} of {len(ended)} put back"

    return engine.groups.start(title, [part.pick.vm for part in taking_part], work)


async def _run_in_order(
    engine: Engine, parts: Sequence[Part], told: Callable[[Part], None], is_stopped: Callable[[], bool]
) -> tuple[Part, ...]:
    """Those that others depend on first, as the labs of the config file have it."""
    rank = ranks(engine)
    ended: dict[VmRef, Part] = {}
    for wave in waves(parts, lambda part: rank(part.pick.vm)):
        for part in await asyncio.gather(*(_run(engine, each, told, is_stopped) for each in wave)):
            ended[part.pick.vm.ref] = part
    return tuple(ended[part.pick.vm.ref] for part in parts)


async def _run(engine: Engine, part: Part, told: Callable[[Part], None], is_stopped: Callable[[], bool]) -> Part:
    if part.plan is None or part.plan.refusals:
        return replace(part, problem=part.why_not)
    # What was planned a while ago is asked for anew: it may be another plan by now, and then nothing is done.
    ended = await done(engine, part.plan, is_stopped)
    part = replace(part, job=None if isinstance(ended, str) else ended, problem=why_not_done(ended))
    told(part)
    return part


async def _kept(engine: Engine, part: Part) -> Restore | str:
    """How to get back to the present: the safety snapshot of a vm; or why there is none."""
    vm = part.pick.vm.ref
    try:
        facts = await engine.facts(vm)
        name = _safety_name(facts)
        why = await asked(engine, Take(vm, name, "taken before a restore"))
        if why:
            return why
        fresh = await engine.facts(vm)
    except VmsnapError as error:
        return str(error)
    found = next((each for each in fresh.snapshots if each.name == name), None)
    return Restore(found.ref, usual_after(facts.vm, found)) if found else "its safety snapshot is not to be found"


async def _undone(engine: Engine, part: Part, safety: Restore | str) -> Part:
    if isinstance(safety, str) or part.job is None or part.job.started is None:
        return part  # nothing was done to it, so that it stands where it was
    if why := await asked(engine, safety):
        left = f"it could not be put back to {safety.snapshot.id}, which keeps its state from before: {why}"
        return replace(part, problem="; ".join(filter(None, [part.problem, left])))
    return replace(part, undone=True, problem=part.problem or "put back, since another vm failed")
