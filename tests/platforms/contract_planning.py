"""Plans: the same for the same world, honest about what they promise, and never an act."""

from __future__ import annotations

from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.model.errors import Missing, VmsnapError
from vmsnap_tui.model.plan import Delete, Edit, LossKind, Restore, Scope, Take, Thaw
from vmsnap_tui.model.snapshot import SnapRef

if TYPE_CHECKING:
    from tests.platforms.subject import Subject
    from vmsnap_tui.model.plan import Request


class PlanningContract:
    """Plans."""

    def test_methods_advise(self, subject: Subject) -> None:
        methods = subject.platform.facts(subject.vm).methods()
        assert len({method.id for method in methods}) == len(methods)
        possible = [method for method in methods if not method.refusals]
        assert [method.recommended for method in methods].count(True) == 1
        assert all(method.label and method.restore and method.space for method in possible)
        assert all(refusal.code and refusal.why for method in methods for refusal in method.refusals)
        assert next(method for method in methods if method.recommended) in possible

    def test_default_method_is_the_recommended_one(self, subject: Subject) -> None:
        facts = subject.platform.facts(subject.vm)
        best = next(method for method in facts.methods() if method.recommended)
        default = facts.plan(Take(subject.vm, "one"))
        named = facts.plan(Take(subject.vm, "one", method=best.id))
        assert default.steps == named.steps
        assert default.consistency is best.consistency

    def test_a_method_is_refused_as_it_says(self, subject: Subject) -> None:
        facts = subject.platform.facts(subject.vm)
        for method in facts.methods():
            codes = {refusal.code for refusal in facts.plan(Take(subject.vm, "one", method=method.id)).refusals}
            assert codes >= {refusal.code for refusal in method.refusals}

    def test_unknown_method_and_disk_are_refused(self, subject: Subject) -> None:
        assert subject.plan(Take(subject.vm, "one", method="no-such-method")).refusals
        assert subject.plan(Take(subject.vm, "one", disks=("no-such-disk",))).refusals

    def test_the_same_plan_twice(self, subject: Subject) -> None:
        subject.take("one", "two")
        one = subject.snapshots["one"].ref
        requests: list[Request] = [
            Take(subject.vm, "three"),
            Restore(one),
            Restore(one, safety="safe"),
            *(Delete(one, scope) for scope in Scope),
            Edit(one, description="new"),
            Thaw(subject.vm),
        ]
        for request in requests:
            assert subject.plan(request) == subject.plan(request)

    def test_planning_changes_nothing(self, subject: Subject) -> None:
        subject.take("one")
        before = subject.snapshots
        one = before["one"].ref
        for request in (Take(subject.vm, "one"), Restore(one), Delete(one), Edit(one, "two"), Thaw(subject.vm)):
            subject.plan(request)
        assert subject.snapshots == before

    def test_another_world_is_another_plan(self, subject: Subject) -> None:
        subject.take("one", "two")
        request = Delete(subject.snapshots["two"].ref)
        plan = subject.plan(request)
        subject.outside.delete("two")
        assert subject.plan(request) != plan

    def test_name_taken(self, subject: Subject) -> None:
        plan = subject.plan(Take(subject.vm, "one"))
        subject.take("one")
        before = subject.snapshots
        assert "name-taken" in {refusal.code for refusal in subject.plan(Take(subject.vm, "one")).refusals}
        with pytest.raises(VmsnapError):
            subject.run(plan.steps[0])
        assert subject.snapshots == before

    @pytest.mark.parametrize("name", ["", " "])
    def test_name_invalid(self, subject: Subject, name: str) -> None:
        assert any(refusal.code.startswith("name-") for refusal in subject.plan(Take(subject.vm, name)).refusals)

    def test_missing_snapshot(self, subject: Subject) -> None:
        nothing = SnapRef(subject.vm, "no-such-snapshot")
        for request in (Restore(nothing), Delete(nothing), Edit(nothing, description="x")):
            with suppress(Missing):  # as good: the words come from the platform
                assert subject.plan(request).refusals

    def test_snapshot_that_went_meanwhile(self, subject: Subject) -> None:
        subject.take("one", "two")
        two = subject.snapshots["two"].ref
        steps = [subject.plan(request).steps[-1] for request in (Delete(two), Edit(two, description="x"))]
        subject.outside.delete("two")
        before = subject.snapshots
        for step in steps:
            with pytest.raises(Missing):
                subject.run(step)
        assert subject.snapshots == before

    def test_losses_are_named(self, subject: Subject) -> None:
        subject.take("one", "two", "three")
        plan = subject.plan(Delete(subject.snapshots["two"].ref, Scope.TREE))
        if not plan.refusals:
            lost = {loss.what for loss in plan.losses if loss.kind is LossKind.SNAPSHOT}
            assert lost == {"two", "three"}
        active = subject.platform.vm(subject.vm).state.is_active
        kinds = {loss.kind for loss in subject.plan(Restore(subject.snapshots["one"].ref)).losses}
        assert (LossKind.CHANGES in kinds) >= active

    def test_read_only_refuses_everything(self, subject: Subject) -> None:
        platform = subject.read_only()
        platform.open()
        try:
            before = platform.snapshots([subject.vm])
            facts = platform.facts(subject.vm)
            requests: list[Request] = [Take(subject.vm, "one"), Thaw(subject.vm)]
            for request in requests:
                assert "read-only" in {refusal.code for refusal in facts.plan(request).refusals}
            assert all(method.refusals for method in facts.methods())
            with pytest.raises(VmsnapError):
                platform.run(subject.plan(Take(subject.vm, "one")).steps[0], subject.reports.append, Event())
            assert platform.snapshots([subject.vm]) == before
        finally:
            platform.close()
