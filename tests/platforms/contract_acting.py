"""Taking, restoring, deleting, editing: what is there afterwards, and what is there when it was stopped."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.engine.rendezvous import Rendezvous
from vmsnap_tui.model.errors import Cancelled
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import After, Delete, Edit, Power, Restore, Scope, Take
from vmsnap_tui.model.together import Group
from vmsnap_tui.model.vm import VmState

if TYPE_CHECKING:
    from tests.platforms.subject import Subject
    from vmsnap_tui.model.plan import Request
    from vmsnap_tui.model.progress import Progress


_STANDS_STILL = {FreezeState.FREEZING, FreezeState.FROZEN, FreezeState.THAWING}


class ActingContract:
    """Acts."""

    def test_taken_ones_make_a_line(self, subject: Subject) -> None:
        subject.take("one")
        assert subject.tree == {"one": None}
        assert subject.current == "one"
        subject.take("two")
        assert subject.tree == {"one": None, "two": "one"}
        assert subject.current == "two"
        created = {name: snapshot.created for name, snapshot in subject.snapshots.items()}
        assert created["one"] <= created["two"]

    def test_restore_branches(self, subject: Subject) -> None:
        subject.take("one", "two")
        subject.restore("one")
        assert subject.current == "one"
        assert subject.tree == {"one": None, "two": "one"}
        subject.take("three")
        assert subject.tree == {"one": None, "two": "one", "three": "one"}
        assert subject.current == "three"

    @pytest.mark.parametrize("after", list(After))
    def test_after_a_restore(self, subject: Subject, after: After) -> None:
        subject.take("one")
        subject.do_if_able(Restore(subject.snapshots["one"].ref, after))
        wanted = {After.RUNNING: VmState.RUNNING, After.PAUSED: VmState.PAUSED, After.OFF: VmState.OFF}
        if after in wanted:
            assert subject.platform.vm(subject.vm).state is wanted[after]

    def test_safety_snapshot_comes_first(self, subject: Subject) -> None:
        subject.take("one")
        subject.do_if_able(Restore(subject.snapshots["one"].ref, safety="safe"))
        assert subject.tree == {"one": None, "safe": "one"}
        assert subject.current == "one"

    def test_delete_a_leaf(self, subject: Subject) -> None:
        subject.take("one", "two")
        plan = subject.do(Delete(subject.snapshots["two"].ref))
        assert plan.is_destructive
        assert subject.tree == {"one": None}
        subject.take("three")
        assert subject.tree == {"one": None, "three": "one"}

    def test_delete_the_last_one(self, subject: Subject) -> None:
        subject.take("one")
        subject.do(Delete(subject.snapshots["one"].ref))
        assert subject.tree == {}
        assert subject.current is None

    def test_delete_one_in_the_middle(self, subject: Subject) -> None:
        subject.take("one", "two", "three")
        subject.delete("two")
        assert subject.tree == {"one": None, "three": "one"}
        assert subject.current == "three"

    def test_delete_with_children(self, subject: Subject) -> None:
        subject.take("one", "two", "three")
        subject.do_if_able(Delete(subject.snapshots["two"].ref, Scope.TREE))
        assert subject.tree == {"one": None}

    def test_delete_children_only(self, subject: Subject) -> None:
        subject.take("one", "two", "three")
        subject.do_if_able(Delete(subject.snapshots["one"].ref, Scope.CHILDREN))
        assert subject.tree == {"one": None}

    def test_a_protected_one_is_not_deleted(self, subject: Subject) -> None:
        subject.take("one")
        subject.do_if_able(Edit(subject.snapshots["one"].ref, protected=True))
        kept = subject.snapshots["one"]
        assert kept.protected
        assert "protected" in {refusal.code for refusal in subject.plan(Delete(kept.ref)).refusals}
        assert "nothing-to-do" in {refusal.code for refusal in subject.plan(Edit(kept.ref, protected=True)).refusals}
        subject.do(Edit(kept.ref, protected=False))
        free = subject.snapshots["one"]
        assert not free.protected
        assert (free.name, free.description, free.consistency) == (kept.name, kept.description, kept.consistency)
        assert "protected" not in {refusal.code for refusal in subject.plan(Delete(free.ref)).refusals}

    def test_a_baseline_is_seen_by_everybody(self, subject: Subject) -> None:
        subject.take("one")
        before = subject.snapshots["one"]
        subject.do_if_able(Edit(before.ref, protected=True, baseline="Networks 101"))
        kept = subject.snapshots["one"]
        assert (kept.protected, kept.baseline) == (True, "Networks 101")
        subject.do(Edit(kept.ref, protected=False, baseline=""))
        free = subject.snapshots["one"]
        assert (free.protected, free.baseline) == (False, "")
        assert (free.name, free.description, free.consistency) == (before.name, before.description, before.consistency)
        refused = subject.plan(Edit(free.ref, baseline="a/b" * 40)).refusals
        assert "lab-name" in {refusal.code for refusal in refused}

    def test_a_part_of_a_group_snapshot_says_so(self, subject: Subject) -> None:
        """And no more than was proven; nothing that is written to it later takes that away."""
        plan = subject.plan(Take(subject.vm, "one", group="5e1f0c77"))
        if plan.refusals:
            pytest.skip("; ".join(f"{refusal.code}: {refusal.why}" for refusal in plan.refusals))
        meeting = Rendezvous("5e1f0c77", 1, 30.0)
        gate = meeting.gate()
        for step in plan.steps:
            assert subject.platform.run(step, subject.reports.append, Event(), gate)
        taken = subject.snapshots["one"]
        assert taken.group is not None
        assert taken.group.written() == Group("5e1f0c77", meeting.window).written()
        assert taken.consistency is plan.consistency
        assert subject.platform.facts(subject.vm).freeze.state not in _STANDS_STILL
        subject.do(Edit(taken.ref, description="with others"))
        assert subject.snapshots["one"].group == taken.group
        subject.take("two")
        assert subject.snapshots["two"].group is None

    def test_power(self, subject: Subject) -> None:
        """Off and on again, where the guest can; what is so already is refused."""
        assert subject.plan(Power(subject.vm, on=subject.platform.vm(subject.vm).state is VmState.RUNNING)).refusals
        for on in (False, True):
            if not subject.plan(Power(subject.vm, on=on)).refusals:
                subject.do(Power(subject.vm, on=on))
                assert (subject.platform.vm(subject.vm).state is VmState.RUNNING) is on

    def test_describe(self, subject: Subject) -> None:
        subject.take("one", "two")
        before = subject.snapshots["one"]
        subject.do_if_able(Edit(before.ref, description="quite <another> reason"))
        after = subject.snapshots["one"]
        assert after.description == "quite <another> reason"
        assert (after.created, after.kind, after.consistency) == (before.created, before.kind, before.consistency)
        assert subject.tree == {"one": None, "two": "one"}
        assert subject.current == "two"

    def test_rename(self, subject: Subject) -> None:
        subject.take("one", "two")
        subject.do_if_able(Edit(subject.snapshots["one"].ref, name="first"))
        assert subject.tree == {"first": None, "two": "first"}
        assert subject.current == "two"

    def test_consistency_is_as_promised(self, subject: Subject) -> None:
        for number, method in enumerate(subject.platform.facts(subject.vm).methods()):
            plan = subject.plan(Take(subject.vm, f"m{number}", method=method.id))
            if plan.refusals:  # this way is not possible here, or no more after the one before
                continue
            assert plan.consistency is method.consistency
            subject.do(plan.request)
            assert subject.snapshots[f"m{number}"].consistency is plan.consistency
        assert subject.snapshots

    def test_progress_never_lies(self, subject: Subject) -> None:
        subject.take("one")
        for report in subject.reports:
            assert report.phase
            assert report.fraction is None or 0 <= report.fraction <= 1
        done: dict[str, int] = {}
        for report in subject.reports:
            if report.done is not None:
                assert report.done >= done.get(report.phase, 0)
                done[report.phase] = report.done

    def test_lamp_ends_thawed(self, subject: Subject) -> None:
        for method in subject.platform.facts(subject.vm).methods():
            plan = subject.plan(Take(subject.vm, f"with-{method.id}", method=method.id))
            if plan.refusals or not plan.steps[0].freezes:
                continue
            subject.reports.clear()
            subject.do(plan.request)
            states = [report.freeze.state for report in subject.reports if report.freeze]
            assert states[-1] is FreezeState.THAWED
            assert FreezeState.FREEZING in states
            assert subject.platform.facts(subject.vm).freeze.state is not FreezeState.FROZEN

    @pytest.mark.parametrize("early", [True, False], ids=["before it begins", "at its first report"])
    @pytest.mark.parametrize("act", ["take", "restore", "delete"])
    def test_stopped_is_all_or_nothing(self, subject: Subject, act: str, *, early: bool) -> None:
        subject.take("one", "two")
        before = subject.tree, subject.current
        requests: dict[str, Request] = {
            "take": Take(subject.vm, "three"),
            "restore": Restore(subject.snapshots["one"].ref),
            "delete": Delete(subject.snapshots["two"].ref),
        }
        then = {
            "take": ({"one": None, "two": "one", "three": "two"}, "three"),
            "restore": ({"one": None, "two": "one"}, "one"),
            "delete": ({"one": None}, "one"),
        }
        stop = Event()
        if early:
            stop.set()

        def report(_: Progress) -> None:
            stop.set()

        plan = subject.plan(requests[act])
        assert not plan.refusals
        try:
            for step in plan.steps:
                subject.platform.run(step, report, stop)
        except Cancelled:
            assert (subject.tree, subject.current) == before
        else:
            assert (subject.tree, subject.current) == then[act]
        assert subject.platform.facts(subject.vm).freeze.state is not FreezeState.FROZEN
        subject.take("afterwards")
