"""Every rule of deleting, and of describing anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.openshift.facts import ONE, THREE, TWO, facts, part, ref, taken
from vmsnap_tui.model.plan import Delete, Edit, LossKind, Scope
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.platforms.openshift.facts import Cut, OpenShiftFacts, Part, Right

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Request

VOLUME = taken("data-only", minute=3, kind=SnapshotKind.VOLUME)
VOLUME_PART = {VOLUME.id: Part(uid="v", cuts=(Cut("data", "web-data", "data-only", 20 << 30, "handle-d"),))}


def _codes(known: OpenShiftFacts, request: Request) -> set[str]:
    return {refusal.code for refusal in known.plan(request).refusals}


def test_the_storages_snapshots_are_named() -> None:
    kept = Cut("data", "web-data", "vs-data", 1, "handle-data", keeps=True)
    two = part("two", cuts=(Cut("root", "web-root", "vs-root", 1, "handle-root"), kept))
    plan = facts(ONE, TWO, parts={TWO.id: two}).plan(Delete(ref("two")))
    assert not plan.refusals
    (loss,) = plan.losses
    assert (loss.kind, loss.what) == (LossKind.SNAPSHOT, "two")
    assert loss.detail == "the storage's snapshots of root (handle-root)"
    assert any("handle-data" in caution for caution in plan.cautions)


def test_a_retained_one_loses_its_record_alone() -> None:
    known = facts(ONE, parts={ONE.id: part("one", retains=True)})
    for records in (False, True):
        plan = known.plan(Delete(ref("one"), metadata_only=records))
        assert not plan.refusals
        (loss,) = plan.losses
        assert loss.kind is LossKind.RECORD
        assert "content-one" in loss.detail
        assert any("content-one" in caution for caution in plan.cautions)


@pytest.mark.parametrize(
    ("scope", "order"),
    [(Scope.ONE, ["one"]), (Scope.TREE, ["three", "two", "one"]), (Scope.CHILDREN, ["three", "two"])],
)
def test_leaves_go_first(scope: Scope, order: list[str]) -> None:
    plan = facts(ONE, TWO, THREE).plan(Delete(ref("one"), scope))
    assert not plan.refusals
    assert [step.params["snapshot"] for step in plan.steps] == order
    assert [loss.what for loss in plan.losses] == order


def test_where_the_others_stand_then_is_said() -> None:
    plan = facts(ONE, TWO, THREE).plan(Delete(ref("two")))
    assert "“three” stays whole, and stands below “one” then." in plan.cautions
    assert any("goes on as it is" in caution for caution in facts(THREE).plan(Delete(ref("three"))).cautions)


@pytest.mark.parametrize(
    ("values", "request_", "code"),
    [
        ({"read_only": True}, Delete(ref("one")), "read-only"),
        ({}, Delete(ref("nothing")), "no-snapshot"),
        ({}, Delete(ref("one"), Scope.CHILDREN), "no-children"),
        ({}, Delete(ref("one"), metadata_only=True), "no-records"),
        ({"denied": frozenset({Right.DELETE})}, Delete(ref("one")), "not-allowed"),
        ({"parts": {ONE.id: part("one", users=("restore r",))}}, Delete(ref("one")), "in-use"),
        ({"parts": {ONE.id: part("one", deleting=True, held=("f",))}}, Delete(ref("one")), "deleting"),
        ({"read_only": True}, Edit(ref("one"), description="x"), "read-only"),
        ({}, Edit(ref("one"), name="two"), "rename-unsupported"),
        ({}, Edit(ref("one"), name="one", description=""), "nothing-to-do"),
        ({}, Edit(ref("one"), description="d" * 200_001), "description-too-long"),
        ({"denied": frozenset({Right.EDIT})}, Edit(ref("one"), description="x"), "not-allowed"),
    ],
)
def test_refusals(values: dict[str, Any], request_: Request, code: str) -> None:
    assert code in _codes(facts(ONE, **values), request_)


def test_finalizers_that_hold_it_up_are_named() -> None:
    held = part("one", deleting=True, held=("snapshot.kubevirt.io/vmsnapshot-protection",))
    (refusal,) = facts(ONE, parts={ONE.id: held}).plan(Delete(ref("one"))).refusals
    assert "snapshot.kubevirt.io/vmsnapshot-protection" in refusal.why


def test_a_protected_one_stays() -> None:
    assert "protected" in _codes(facts(taken("one", protected=True)), Delete(ref("one")))


def test_volume_snapshots_need_rights_of_their_own() -> None:
    known = facts(VOLUME, parts=VOLUME_PART, denied=frozenset({Right.DELETE, Right.EDIT}))
    plan = known.plan(Delete(VOLUME.ref))
    assert not plan.refusals
    assert plan.losses[0].detail == "the storage's snapshots of data (handle-d)"
    assert plan.steps[0].params["cuts"] == ["data-only"]
    assert not known.plan(Edit(VOLUME.ref, description="x")).refusals
    denied = facts(VOLUME, parts=VOLUME_PART, denied=frozenset({Right.UNCUT, Right.RELABEL}))
    assert "not-allowed" in _codes(denied, Delete(VOLUME.ref))
    assert "not-allowed" in _codes(denied, Edit(VOLUME.ref, description="x"))


def test_a_description_is_written() -> None:
    plan = facts(ONE).plan(Edit(ref("one"), description="why"))
    assert not plan.refusals
    assert plan.steps[0].params == {"snapshot": "one", "cuts": list(_names()), "description": "why"}


def _names() -> tuple[str, ...]:
    return tuple(cut.name for cut in part("one").cuts)
