"""Whatever the history, pruning takes nothing that a kept snapshot needs: each goes with its own parts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs

from tests.unit.openshift.facts import START, facts, part, taken
from vmsnap_tui.model.plan import Delete, LossKind
from vmsnap_tui.model.retention import Policy, judged

if TYPE_CHECKING:
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openshift.facts import Part

counts = some.integers(0, 3)
policies = some.builds(Policy, last=counts, daily=counts, weekly=counts)
histories = some.lists(
    some.tuples(
        some.sampled_from(["whole", "loose", "retained", "used", "deleting"]), some.integers(0, 40), some.booleans()
    ),
    max_size=12,
)


@given(histories, policies)
def test_whatever_the_history(history: list[tuple[str, int, bool]], policy: Policy) -> None:
    snapshots: dict[str, Snapshot] = {}
    parts: dict[str, Part] = {}
    for number, (kind, above, protected) in enumerate(history):
        name, names = f"s{number}", list(snapshots)
        parent = snapshots[names[above % len(names)]].name if names and above % 3 else None
        at = START + timedelta(hours=9 * number)
        made = structs.replace(taken(name, parent), created=at, protected=protected)
        it = part(name, retains=kind == "retained", deleting=kind == "deleting")
        it = replace(it, name="") if kind == "loose" else it
        parts[made.id] = replace(it, users=("restore r",)) if kind == "used" else it
        snapshots[made.id] = made
    left = dict(snapshots)
    kept = set()
    for verdict in reversed(judged(snapshots.values(), policy, lambda at: at)):
        id_ = verdict.snapshot.id
        known = facts(*left.values(), parts={each: parts[each] for each in left})
        plan = known.plan(Delete(verdict.snapshot.ref))
        if verdict.is_kept or plan.refusals:
            kept.add(id_)
            continue
        (step,) = plan.steps
        assert step.params["snapshot"] == parts[id_].name
        assert step.params["cuts"] == [cut.name for cut in parts[id_].cuts]
        others = {cut.name for each in left if each != id_ for cut in parts[each].cuts}
        assert not others & {cut.name for cut in parts[id_].cuts}
        assert [loss.what for loss in plan.losses if loss.kind in {LossKind.SNAPSHOT, LossKind.RECORD}] == [
            verdict.snapshot.name
        ]
        del left[id_]
    assert left.keys() == kept
    assert {id_ for id_, each in snapshots.items() if each.protected} <= kept
    assert {id_ for id_ in snapshots if parts[id_].users} <= kept
