"""Deletes what a policy does not keep, one after the other, each by a plan of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.plan import Delete, LossKind
from vmsnap_tui.model.reclaim import reclaim
from vmsnap_tui.model.retention import judged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.model.reclaim import Reclaim
    from vmsnap_tui.model.retention import Policy, Verdict
    from vmsnap_tui.model.snapshot import Snapshot
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
    survey = await engine.survey(vm.ref.site, [vm.ref])
    held = survey.holdings.get(vm.ref)
    if held is None:
        return Pruning(vm, (), reclaim((), ()))
    verdicts = judged(held.snapshots, policy)
    doomed = {each.snapshot.id for each in verdicts if not each.is_kept}
    return Pruning(vm, verdicts, reclaim(held.layers, doomed))


async def prune(engine: Engine, pruning: Pruning, told: Callable[[Pruned], None]) -> tuple[Pruned, ...]:
    """Delete what is doomed, each by a plan on fresh facts. One that cannot go alone stays, and the others go on."""
    found = []
    for snapshot in pruning.doomed:
        ended = Pruned(pruning.vm, snapshot, await _deleted(engine, snapshot))
        told(ended)
        found.append(ended)
    return tuple(found)


async def _deleted(engine: Engine, snapshot: Snapshot) -> str:
    try:
        plan = await engine.plan(Delete(snapshot.ref))
        if plan.refusals:
            return plan.refusals[0].why
        if others := _takes_others(plan):
            return f"with it would go: {', '.join(others)}"
        job = await engine.jobs.submit(plan)
        ended = await engine.jobs.wait(job.id)
    except VmsnapError as error:
        return str(error)
    if ended.state is JobState.DONE:
        return ""
    return str(ended.error) if ended.error else ended.outcome or ended.state.value


def _takes_others(plan: Plan) -> Sequence[str]:
    """The snapshots that would go as well: none of them was judged to go, or it will have its own turn."""
    gone = [loss.what for loss in plan.losses if loss.kind is LossKind.SNAPSHOT]
    return gone if len(gone) > 1 else ()
