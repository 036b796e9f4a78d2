"""Every rule of restoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.openshift.facts import (
    DATA,
    OFF,
    ONE,
    PAUSED,
    ROOT,
    SCRATCH,
    TEMPLATED,
    THREE,
    TWO,
    facts,
    part,
    ref,
    taken,
)
from vmsnap_tui.model.plan import After, LossKind, Restore
from vmsnap_tui.model.snapshot import Consistency, SnapRef, SnapshotKind
from vmsnap_tui.platforms.openshift.facts import Abilities, Cut, OpenRestore, OpenShiftFacts, Part, Right

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Plan, Request

VOLUME = taken("data-only", minute=3, kind=SnapshotKind.VOLUME)
VOLUME_PART = {VOLUME.id: Part(uid="v", cuts=(Cut("data", "web-data", "data-only", 20 << 30),))}
FAILED, OPEN = OpenRestore("r1", failed=True, reason="never ready"), OpenRestore("r2", failed=False, reason="waiting")
NOT_READY = taken("raw", ready=False, error="uploading")
WITH_VM = "new-vm"


def _codes(known: OpenShiftFacts, request: Request) -> set[str]:
    return {refusal.code for refusal in known.plan(request).refusals}


def _lost(plan: Plan, kind: LossKind = LossKind.CHANGES) -> dict[str, str]:
    return {loss.what: loss.detail for loss in plan.losses if loss.kind is kind}


def _one(**values: Any) -> dict[str, Part]:
    return {ONE.id: part("one", **values)}


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ({}, "new-volumes"),
        ({"parts": _one(source_uid="another")}, "new-volumes"),
        ({"denied": frozenset({Right.RESTORE})}, "new-volumes"),
        ({"busy": "snapshot x"}, "new-volumes"),
    ],
)
def test_who_asks_for_a_restore_is_given_nothing_else(values: dict[str, Any], best: str) -> None:
    known = facts(ONE, **values)
    assert [way.id for way in known.ways_back(ref("one")) if way.recommended] == [best]
    assert known.plan(Restore(ref("one"))).steps[-1].action == "restore"


def test_ways_fit_what_the_snapshot_is() -> None:
    known = facts(ONE, VOLUME, parts=VOLUME_PART)
    assert [way.id for way in known.ways_back(ref("one"))] == ["new-volumes", "in-place", "new-vm", "export"]
    assert [way.id for way in known.ways_back(VOLUME.ref)] == ["swap-volumes", "new-claims"]
    assert known.ways_back(ref("nothing")) == ()


@pytest.mark.parametrize(
    ("values", "request_", "code"),
    [
        ({}, Restore(ref("nothing")), "no-snapshot"),
        ({"read_only": True}, Restore(ref("one")), "read-only"),
        ({"read_only": True}, Restore(ref("one"), how="new-vm"), "read-only"),
        ({"busy": "snapshot x"}, Restore(ref("one")), "busy"),
        ({"migrating": True}, Restore(ref("one"), how="in-place"), "migrating"),
        ({"can": Abilities(in_place=False)}, Restore(ref("one"), how="in-place"), "no-api"),
        ({"can": Abilities(export="")}, Restore(ref("one"), how="export"), "no-api"),
        ({"restores": (OPEN,)}, Restore(ref("one"), how="new-volumes"), "restore-open"),
        ({"parts": _one(source_uid="another")}, Restore(ref("one"), how="in-place"), "other-vm"),
        ({"parts": _one(backend_state=True)}, Restore(ref("one"), how="new-vm"), "backend-storage"),
        ({"parts": _one(cuts=())}, Restore(ref("one")), "no-disk"),
        ({"parts": _one(deleting=True)}, Restore(ref("one")), "deleting"),
        ({"denied": frozenset({Right.RESTORE})}, Restore(ref("one"), how="in-place"), "not-allowed"),
        ({"denied": frozenset({Right.EXPORT})}, Restore(ref("one"), how="export"), "not-allowed"),
        ({"denied": frozenset({Right.START})}, Restore(ref("one")), "not-allowed"),
        ({"denied": frozenset({Right.CLEAR}), "restores": (FAILED,)}, Restore(ref("one")), "not-allowed"),
        (
            {"denied": frozenset({Right.STOP}), "can": Abilities(readiness=False)},
            Restore(ref("one"), After.OFF),
            "not-allowed",
        ),
        ({}, Restore(ref("one"), After.PAUSED), "after-unsupported"),
        ({}, Restore(ref("one"), how="swap-volumes"), "no-such-way"),
        ({}, Restore(ref("one"), how="magic"), "no-such-way"),
        ({}, Restore(ref("one"), settings=(("running", "fail"),)), "runs"),
        ({"can": Abilities(readiness=False)}, Restore(ref("one"), settings=(("running", "wait"),)), "bad-setting"),
        ({}, Restore(ref("one"), settings=(("name", "x"),)), "no-such-setting"),
        ({}, Restore(ref("one"), safety="Bad Name"), "name-invalid"),
        ({}, Restore(ref("one"), how="new-vm", safety="s"), "no-safety"),
        ({}, Restore(ref("one"), how="new-vm", settings=(("name", "web"),)), "name-taken"),
        ({}, Restore(ref("one"), how="new-vm", settings=(("name", "Web 2"),)), "name-invalid"),
        (
            {"denied": frozenset({Right.UNCLAIM})},
            Restore(ref("one"), settings=(("old-volumes", "remove-all"),)),
            "not-allowed",
        ),
        ({"volumes": (ROOT, DATA, TEMPLATED)}, Restore(ref("one")), "would-lose-disk"),
    ],
)
def test_refusals(values: dict[str, Any], request_: Request, code: str) -> None:
    assert code in _codes(facts(ONE, **values), request_)


def test_one_that_is_not_ready_says_why() -> None:
    assert "uploading" in facts(NOT_READY).plan(Restore(ref("raw"))).refusals[0].why


def test_new_volumes_leave_the_old_ones_behind_and_say_so() -> None:
    plan = facts(ONE, THREE, line=("uid-three",)).plan(Restore(ref("one")))
    assert not plan.refusals
    assert _lost(plan) == {"root, data": "the vm goes on without what was written since “three”; "
                                         "web-root, web-data keep it"}  # fmt: skip
    assert _lost(plan, LossKind.MEMORY)
    assert "Left behind, and still taking space: web-root, web-data." in plan.cautions
    (step,) = plan.steps
    assert step.params["stop"] is True
    assert step.params["readiness"] == "FailImmediate"
    assert step.params["policy"] == ""
    assert step.params["remove"] == []


def test_what_was_left_behind_is_removed_on_request_and_named() -> None:
    known = facts(ONE, leftovers=("web-root-old",))
    assert any("web-root-old" in caution for caution in known.plan(Restore(ref("one"))).cautions)
    plan = known.plan(Restore(ref("one"), settings=(("old-volumes", "remove-all"),)))
    assert not plan.refusals
    assert set(_lost(plan)) == {"root, data", "web-root-old"}
    assert plan.steps[-1].params["remove"] == ["web-root", "web-data", "web-root-old"]


def test_those_of_now_are_removed_alone() -> None:
    """Somebody may have kept what an earlier restore left, to look into it."""
    plan = facts(ONE, leftovers=("web-root-old",)).plan(Restore(ref("one"), settings=(("old-volumes", "remove"),)))
    assert set(_lost(plan)) == {"root, data"}
    assert plan.steps[-1].params["remove"] == ["web-root", "web-data"]
    assert [each for each in plan.cautions if "Left behind" in each] == [
        "Left behind by earlier restores: web-root-old."
    ]


def test_what_the_template_made_is_deleted_by_kubevirt() -> None:
    templated = part("one", "root", "extra", disks=("root", "extra"), templates=("web-extra",))
    plan = facts(ONE, volumes=(ROOT, TEMPLATED), parts={ONE.id: templated}).plan(Restore(ref("one")))
    assert not plan.refusals
    assert _lost(plan) == {
        "extra": "everything written so far",
        "root": "the vm goes on without what was written so far; web-root keep it",
    }


def test_in_place_loses_all_and_warns() -> None:
    plan = facts(ONE).plan(Restore(ref("one"), how="in-place"))
    assert not plan.refusals
    assert _lost(plan) == {"root, data": "everything written so far"}
    assert any("before the new ones are there" in caution for caution in plan.cautions)
    assert plan.steps[-1].params["policy"] == "InPlace"


def test_a_safety_snapshot_keeps_what_would_be_lost() -> None:
    plan = facts(ONE).plan(Restore(ref("one"), safety="safe", how="in-place"))
    assert not plan.refusals
    assert _lost(plan) == {}
    assert [step.action for step in plan.steps] == ["take", "restore"]
    assert plan.consistency is Consistency.FILESYSTEM


def test_a_disk_that_kubevirt_would_delete_needs_a_safety_snapshot() -> None:
    known = facts(ONE, volumes=(ROOT, DATA, TEMPLATED))
    plan = known.plan(Restore(ref("one"), safety="safe"))
    assert not plan.refusals
    assert _lost(plan) == {"extra": "is deleted; the safety snapshot holds it"}
    from dataclasses import replace

    lost = replace(TEMPLATED, why_not="No VolumeSnapshotClass")
    known = facts(ONE, volumes=(ROOT, DATA, lost))
    assert "would-lose-disk" in _codes(known, Restore(ref("one"), safety="safe"))


def test_disks_that_are_not_in_it_are_told_apart() -> None:
    then = part("one", "root", disks=("root", "scratch"))
    cautions = facts(ONE, volumes=(ROOT, DATA, SCRATCH), parts={ONE.id: then}).plan(Restore(ref("one"))).cautions
    assert "scratch was not part of the snapshot: it keeps what it holds now." in cautions
    assert "data came later: it is taken out of the vm, and its claim web-data stays." in cautions


def test_a_failed_restore_in_the_way_is_removed_first() -> None:
    plan = facts(ONE, restores=(FAILED,)).plan(Restore(ref("one"), safety="safe"))
    assert not plan.refusals
    assert [step.action for step in plan.steps] == ["clear", "take", "restore"]
    assert _lost(plan, LossKind.RECORD) == {"r1": "the record of a restore that failed: never ready"}
    assert [step.action for step in facts(ONE, restores=(FAILED,)).plan(Restore(ref("one"), how="new-vm")).steps] == [
        "launch"
    ]


@pytest.mark.parametrize(
    ("values", "after", "settings", "expected"),
    [
        ({}, After.AS_TAKEN, (), (True, "FailImmediate", True)),
        ({}, After.OFF, (), (True, "FailImmediate", False)),
        ({"vm": PAUSED}, After.AS_TAKEN, (), (True, "FailImmediate", True)),
        ({"vm": OFF}, After.AS_TAKEN, (), (False, "FailImmediate", False)),
        ({"vm": OFF}, After.RUNNING, (), (False, "FailImmediate", True)),
        ({"denied": frozenset({Right.STOP})}, After.AS_TAKEN, (), (False, "StopTarget", True)),
        ({"can": Abilities(readiness=False)}, After.AS_TAKEN, (), (True, "", True)),
        ({}, After.AS_TAKEN, (("running", "wait"),), (False, "WaitEventually", True)),
    ],
)
def test_how_the_vm_is_stopped_and_started(
    values: dict[str, Any], after: After, settings: Any, expected: tuple[bool, str, bool]
) -> None:
    plan = facts(ONE, **values).plan(Restore(ref("one"), after, settings=settings))
    assert not plan.refusals
    params = plan.steps[-1].params
    assert (params["stop"], params["readiness"], params["runs"]) == expected


def test_a_new_vm_is_cloned_where_it_can_be_and_else_restored() -> None:
    patched = {ONE.id: part("one", patches=("p",))}
    clone = facts(ONE, parts=patched).plan(Restore(ref("one"), how="new-vm"))
    assert not clone.refusals
    assert not clone.losses
    assert clone.steps[0].params["name"] == "web-one"
    assert clone.steps[0].params["version"] == "v1beta1"
    restored = facts(ONE, parts=patched, can=Abilities(clone="")).plan(Restore(ref("one"), how="new-vm"))
    assert restored.steps[0].params["version"] == ""
    assert restored.steps[0].params["patches"] == ["p"]
    assert (
        facts(ONE, vm_names=frozenset({"web-one"})).plan(Restore(ref("one"), how="new-vm")).steps[0].params["name"]
        == "web-one-2"
    )


def test_volumes_of_a_new_vm_may_be_named_after_it() -> None:
    asked = (("volume-names", "by vm"), ("name", "copy"))
    plan = facts(ONE).plan(Restore(ref("one"), how="new-vm", settings=asked))
    assert plan.steps[0].params["naming"] == "PrefixTargetName"
    old = facts(ONE, can=Abilities(prefix=False)).plan(Restore(ref("one"), how="new-vm", settings=asked))
    assert "no-such-setting" in {refusal.code for refusal in old.refusals}


def test_a_volume_snapshot_is_swapped_in_or_made_a_claim() -> None:
    known = facts(VOLUME, parts=VOLUME_PART)
    plan = known.plan(Restore(VOLUME.ref))
    assert not plan.refusals
    assert set(_lost(plan)) == {"data"}
    assert plan.steps[0].action == "swap"
    claims = known.plan(Restore(VOLUME.ref, how="new-claims"))
    assert not claims.refusals
    assert not claims.losses
    assert "web-data-only-data" in claims.steps[0].label
    taken_name = facts(VOLUME, parts=VOLUME_PART, claim_names=frozenset({"x-data"}))
    assert "name-taken" in _codes(taken_name, Restore(VOLUME.ref, how="new-claims", settings=(("name", "x"),)))
    assert "not-attached" in _codes(facts(VOLUME, parts=VOLUME_PART, volumes=(ROOT,)), Restore(VOLUME.ref))


def test_an_export_changes_nothing() -> None:
    plan = facts(ONE, TWO).plan(Restore(SnapRef(ONE.ref.vm, ONE.id), After.RUNNING, how="export"))
    assert not plan.refusals
    assert not plan.losses
    assert plan.steps[0].cancellable


def test_what_it_is_worth_is_said() -> None:
    crash = taken("crash", consistency=Consistency.CRASH)
    assert any("crash" in caution for caution in facts(crash).plan(Restore(ref("crash"))).cautions)


def test_one_that_was_taken_of_an_earlier_vm_says_so() -> None:
    plan = facts(ONE, parts=_one(vm_uid="another")).plan(Restore(ref("one")))
    assert not plan.refusals
    assert any("an earlier vm of this name" in caution for caution in plan.cautions)
    assert not any("earlier vm" in caution for caution in facts(ONE).plan(Restore(ref("one"))).cautions)
