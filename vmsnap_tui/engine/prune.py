"""Deletes what a policy does not keep, one after the other, each by a plan of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmsnap_tui.engine.ask import asked
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.plan import Delete, LossKind
from vmsnap_tui.model.reclaim import reclaim
from vmsnap_tui.model.retention import judged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import Course, GroupJob
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.model.reclaim import Reclaim
    from vmsnap_tui.model.retention import Policy, Verdict
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.survey import Holdings
    from vmsnap_tui.model.vm import Vm


@dataclass(frozen=True, slots=True)
class Pruning:
    """What a policy comes to for one vm. `freed` is an estimate."""

    vm: Vm
    verdicts: tuple[Verdict, ...]
    freed: Reclaim

    @property
    def doomed(self) -> tuple[Snapshot, ...]:
        """What would go, oldest first."""
        return tuple(each.snapshot for each in reversed(self.verdicts) if not each.is_kept)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What came of one snapshot. `problem` says why it is still there, "" where it is gone."""

    vm: Vm
    snapshot: Snapshot
    problem: str = ""


async def planned(engine: Engine, vm: Vm, policy: Policy) -> Pruning:
    """What would go of one vm. Raises what reading it raises."""
    return pruning_of(vm, await read(engine, vm), policy)


async def read(engine: Engine, vm: Vm) -> Holdings | None:
    """What there is of a vm, to judge as often as need be. None where it is gone. Raises what reading it raises."""
    survey = await engine.survey(vm.ref.site, [vm.ref])
    return survey.holdings.get(vm.ref)


def pruning_of(vm: Vm, held: Holdings | None, policy: Policy) -> Pruning:
    """What a policy comes to for it."""
    if held is None:
        return Pruning(vm, (), reclaim((), ()))
    verdicts = judged(held.snapshots, policy)
    doomed = {each.snapshot.id for each in verdicts if not each.is_kept}
    return Pruning(vm, verdicts, reclaim(held.layers, doomed))


async def prune(engine: Engine, pruning: Pruning, told: Callable[[Pruned], None]) -> tuple[Pruned, ...]:
    """Delete what is doomed, each by a plan on fresh facts. One that cannot go alone stays, and the others go on."""
    found = []
    for snapshot in pruning.doomed:
        ended = Pruned(pruning.vm, snapshot, await asked(engine, Delete(snapshot.ref), _takes_others))
        told(ended)
        found.append(ended)
    return tuple(found)


def begin(engine: Engine, prunings: Sequence[Pruning]) -> GroupJob:
    """The same for several vms side by side, as a group job that goes on by itself."""

    async def work(course: Course) -> str:
        async def one(pruning: Pruning) -> tuple[Pruned, ...]:
            vm = pruning.vm.ref

            def tell(each: Pruned) -> None:
                course.tell(vm, JobState.RUNNING, each.problem or f"{each.snapshot.name} deleted")

            ended = await prune(engine, pruning, tell)
            left = [f"{each.snapshot.name}: {each.problem}" for each in ended if each.problem]
            state = JobState.FAILED if left else JobState.DONE
            course.tell(vm, state, "; ".join(left) or f"{len(ended)} deleted")
            return ended

        every = [each for found in await asyncio.gather(*map(one, prunings)) for each in found]
        return f"{sum(not each.problem for each in every)} of {len(every)} deleted"

    return engine.groups.start("Prune", [each.vm for each in prunings], work)


def _takes_others(plan: Plan) -> str:
    """The snapshots that would go as well: none of them was judged to go, or it will have its own turn."""
    gone = [loss.what for loss in plan.losses if loss.kind is LossKind.SNAPSHOT]
    return f"with it would go: {', '.join(gone)}" if len(gone) > 1 else ""
