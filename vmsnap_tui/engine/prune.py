"""Deletes what a policy does not keep, one after the other, each by a plan of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmsnap_tui.engine.ask import NOT_BEGUN, done, never, why_not_done
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.errors import Missing, VmsnapError
from vmsnap_tui.model.lab import baseline_of
from vmsnap_tui.model.plan import Delete, LossKind
from vmsnap_tui.model.reclaim import NOTHING, reclaim
from vmsnap_tui.model.retention import judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import Course, GroupJob
    from vmsnap_tui.model.lab import LabRule
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.model.reclaim import Reclaim
    from vmsnap_tui.model.retention import Policy, Verdict
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.survey import Holdings
    from vmsnap_tui.model.vm import Vm


@dataclass(frozen=True, slots=True)
class Pruning:
    """What a policy comes to for one vm. `freed` is an estimate. `rules` are the labs of the config file."""

    vm: Vm
    verdicts: tuple[Verdict, ...]
    freed: Reclaim
    policy: Policy
    rules: Sequence[LabRule] = ()

    @property
    def doomed(self) -> tuple[Snapshot, ...]:
        """What would go, oldest first."""
        return tuple(each.snapshot for each in reversed(self.verdicts) if not each.is_kept)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What came of one snapshot. `problem` says why it is still there, "" where it is gone.

    It `stays` where the plan says so: it cannot go alone, or something needs it. Else it should have gone.
    """

    vm: Vm
    snapshot: Snapshot
    problem: str = ""
    stays: bool = False


async def planned(engine: Engine, vm: Vm, policy: Policy) -> Pruning:
    """What would go of one vm. Raises what reading it raises."""
    return pruning_of(vm, await read(engine, vm), policy, engine.lab_rules)


async def read(engine: Engine, vm: Vm) -> Holdings | None:
    """What there is of a vm, to judge as often as need be. None where it is gone. Raises what reading it raises."""
    survey = await engine.survey(vm.ref.site, [vm.ref])
    return survey.holdings.get(vm.ref)


def pruning_of(vm: Vm, held: Holdings | None, policy: Policy, rules: Sequence[LabRule] = ()) -> Pruning:
    """What a policy comes to for it. By `rules` it may have baselines that nobody has marked."""
    if held is None:
        return Pruning(vm, (), reclaim((), ()), policy)
    verdicts = _judged(vm, held.snapshots, policy, rules)
    doomed = {each.snapshot.id for each in verdicts if not each.is_kept}
    return Pruning(vm, verdicts, reclaim(held.layers, doomed), policy, rules)


def freed(prunings: Iterable[Pruning]) -> Reclaim:
    """What they free together."""
    return sum((each.freed for each in prunings), NOTHING)


def _judged(vm: Vm, snapshots: Sequence[Snapshot], policy: Policy, rules: Sequence[LabRule]) -> tuple[Verdict, ...]:
    named = (baseline_of(rule, snapshots) for rule in rules if rule.baseline and rule.has(vm))
    return judged(snapshots, policy, baselines={each.id for each in named if each is not None})


async def prune(
    engine: Engine, pruning: Pruning, told: Callable[[Pruned], None], is_stopped: Callable[[], bool] = never
) -> tuple[Pruned, ...]:
    """Delete what is doomed, each by a plan on fresh facts. One that cannot go alone stays, and the others go on.

    Each is judged again before: since somebody agreed to it others may have deleted what was to be kept, or given its
    name to another one. Once it `is_stopped`, nothing more is deleted.
    """
    found = []
    for snapshot in pruning.doomed:
        ended = await _deleted(engine, pruning, snapshot, is_stopped)
        told(ended)
        found.append(ended)
    return tuple(found)


async def _deleted(engine: Engine, pruning: Pruning, snapshot: Snapshot, is_stopped: Callable[[], bool]) -> Pruned:
    vm = pruning.vm
    if is_stopped():
        return Pruned(vm, snapshot, NOT_BEGUN)
    try:
        facts = await engine.facts(vm.ref)
    except Missing:  # somebody was quicker
        return Pruned(vm, snapshot)
    except VmsnapError as error:
        return Pruned(vm, snapshot, str(error))
    verdicts = _judged(vm, facts.snapshots, pruning.policy, pruning.rules)
    now = next((each for each in verdicts if each.snapshot.id == snapshot.id), None)
    if now is None:  # somebody was quicker here too
        return Pruned(vm, snapshot)
    plan = facts.plan(Delete(snapshot.ref))
    if why := _needed_by_now(snapshot, now) or _why_not_alone(plan):
        return Pruned(vm, snapshot, why, stays=True)
    return Pruned(vm, snapshot, why_not_done(await done(engine, plan, is_stopped)))


def _needed_by_now(doomed: Snapshot, now: Verdict) -> str:
    """Why it is not what was judged to go any more, "" where it is."""
    if now.snapshot.created != doomed.created:
        return "it is another one of that name by now"
    return f"it is to be kept by now ({', '.join(now.reasons)})" if now.is_kept else ""


def begin(engine: Engine, prunings: Sequence[Pruning]) -> GroupJob:
    """The same for several vms side by side, as a group job that goes on by itself."""

    async def work(course: Course) -> str:
        async def one(pruning: Pruning) -> tuple[Pruned, ...]:
            vm = pruning.vm.ref

            def tell(each: Pruned) -> None:
                course.tell(vm, JobState.RUNNING, each.problem or f"{each.snapshot.name} deleted")

            ended = await prune(engine, pruning, tell, course.is_stopped)
            left = [f"{each.snapshot.name}: {each.problem}" for each in ended if each.problem]
            state = JobState.DONE if not left else JobState.CANCELLED if course.is_stopped() else JobState.FAILED
            course.tell(vm, state, "; ".join(left) or f"{len(ended)} deleted")
            return ended

        every = [each for found in await asyncio.gather(*map(one, prunings)) for each in found]
        return f"{sum(not each.problem for each in every)} of {len(every)} deleted"

    return engine.groups.start("Prune", [each.vm for each in prunings], work)


def _why_not_alone(plan: Plan) -> str:
    """What stands against it; or what would go as well: none of that was judged to go, or it will have its own turn."""
    if plan.refusals:
        return plan.refusals[0].why
    gone = [loss.what for loss in plan.losses if loss.kind is LossKind.SNAPSHOT]
    return f"with it would go: {', '.join(gone)}" if len(gone) > 1 else ""
