"""Every rule of taking a snapshot, and of thawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from tests.unit.openshift.facts import DATA, OFF, ONE, PAUSED, REF, ROOT, SCRATCH, SILENT, facts, vm
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.plan import Take, Thaw
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import AgentState, Backend, Disk, VmState
from vmsnap_tui.platforms.openshift.facts import Abilities, OpenShiftFacts, Right
from vmsnap_tui.platforms.openshift.plan.rules import labels, seconds

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Request
    from vmsnap_tui.model.vm import Vm

CHANGING = vm(VmState.CHANGING)


def _codes(known: OpenShiftFacts, request: Request) -> set[str]:
    return {refusal.code for refusal in known.plan(request).refusals}


@pytest.mark.parametrize(
    ("found", "method", "consistency", "freezes"),
    [
        (vm(), "vm-snapshot", Consistency.FILESYSTEM, True),
        (vm(), "frozen-volume-snapshot", Consistency.FILESYSTEM, True),
        (vm(), "volume-snapshot", Consistency.CRASH, False),
        (SILENT, "vm-snapshot", Consistency.CRASH, False),
        (PAUSED, "vm-snapshot", Consistency.CRASH, False),
        (OFF, "vm-snapshot", Consistency.CLEAN, False),
        (OFF, "volume-snapshot", Consistency.CLEAN, False),
    ],
)
def test_what_a_method_promises(found: Vm, method: str, consistency: Consistency, *, freezes: bool) -> None:
    plan = facts(vm=found).plan(Take(REF, "one", method=method))
    assert not plan.refusals
    assert plan.consistency is consistency
    assert plan.steps[0].freezes is freezes
    assert any("not frozen" in caution for caution in plan.cautions) is (consistency is Consistency.CRASH)


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ({}, "vm-snapshot"),
        ({"can": Abilities(vm_snapshots=False)}, "frozen-volume-snapshot"),
        ({"can": Abilities(vm_snapshots=False), "vm": SILENT}, "volume-snapshot"),
        ({"denied": frozenset({Right.TAKE, Right.FREEZE})}, "volume-snapshot"),
    ],
)
def test_the_first_possible_method_is_recommended(values: dict[str, Any], best: str) -> None:
    known = facts(**values)
    assert [method.id for method in known.methods() if method.recommended] == [best]
    assert known.plan(Take(REF, "x")).steps == known.plan(Take(REF, "x", method=best)).steps


@pytest.mark.parametrize(
    ("values", "request_", "code"),
    [
        ({"read_only": True}, Take(REF, "one"), "read-only"),
        ({"busy": "snapshot nightly"}, Take(REF, "one"), "busy"),
        ({"migrating": True}, Take(REF, "one"), "migrating"),
        ({"vm": CHANGING}, Take(REF, "one"), "changing"),
        ({"vm": vm(VmState.UNKNOWN)}, Take(REF, "one"), "unknown-state"),
        ({"can": Abilities(vm_snapshots=False)}, Take(REF, "one", method="vm-snapshot"), "no-api"),
        ({"can": Abilities(volume_snapshots=False)}, Take(REF, "one", method="volume-snapshot"), "no-api"),
        ({"denied": frozenset({Right.TAKE})}, Take(REF, "one", method="vm-snapshot"), "not-allowed"),
        ({"denied": frozenset({Right.CUT})}, Take(REF, "one", method="volume-snapshot"), "not-allowed"),
        ({"denied": frozenset({Right.THAW})}, Take(REF, "one", method="frozen-volume-snapshot"), "not-allowed"),
        ({"vm": OFF}, Take(REF, "one", method="frozen-volume-snapshot"), "not-running"),
        ({"vm": SILENT}, Take(REF, "one", method="frozen-volume-snapshot"), "no-agent"),
        ({"freeze": Freeze(FreezeState.FROZEN)}, Take(REF, "one", method="vm-snapshot"), "frozen"),
        ({"volumes": (SCRATCH,)}, Take(REF, "one"), "no-disk"),
        ({"volumes": ()}, Take(REF, "one"), "no-disk"),
        ({}, Take(REF, "one", method="memory"), "no-such-method"),
        ({}, Take(REF, ""), "name-empty"),
        ({}, Take(REF, "One"), "name-invalid"),
        ({}, Take(REF, "a..b"), "name-invalid"),
        ({}, Take(REF, "-a"), "name-invalid"),
        ({}, Take(REF, "n" * 64), "name-too-long"),
        ({"names": {"one": "db"}}, Take(REF, "one"), "name-taken"),
        ({}, Take(REF, "one", "d" * 200_001), "description-too-long"),
        ({}, Take(REF, "one", disks=("vdz",)), "no-such-disk"),
        ({}, Take(REF, "one", disks=("root",)), "all-disks"),
        ({"volumes": (ROOT, DATA, SCRATCH)}, Take(REF, "one", disks=("root", "data", "scratch")), "disk-excluded"),
        ({}, Take(REF, "one", disks=("root", "data", "cloudinit")), "disk-excluded"),
        ({}, Take(REF, "one", settings=(("deadline", "soon"),)), "bad-setting"),
        ({}, Take(REF, "one", settings=(("deletion", "Keep"),)), "bad-setting"),
        ({}, Take(REF, "one", settings=(("labels", "a b"),)), "bad-setting"),
        ({}, Take(REF, "one", settings=(("speed", "high"),)), "no-such-setting"),
        ({}, Take(REF, "one", method="frozen-volume-snapshot", settings=(("deadline", "0"),)), "bad-setting"),
        ({"read_only": True}, Thaw(REF), "read-only"),
        ({"vm": OFF}, Thaw(REF), "not-running"),
        ({}, Thaw(REF), "not-frozen"),
        ({"vm": SILENT, "freeze": Freeze(FreezeState.UNAVAILABLE)}, Thaw(REF), "no-agent"),
        ({"vm": PAUSED, "freeze": Freeze(FreezeState.FROZEN)}, Thaw(REF), "paused"),
        ({"freeze": Freeze(FreezeState.FROZEN), "denied": frozenset({Right.THAW})}, Thaw(REF), "not-allowed"),
    ],
)
def test_refusals(values: dict[str, Any], request_: Request, code: str) -> None:
    assert code in _codes(facts(**values), request_)


def test_a_name_that_another_vm_of_the_namespace_has_is_said_to_be_its() -> None:
    (refusal,) = facts(names={"one": "db"}).plan(Take(REF, "one")).refusals
    assert "“db”" in refusal.why
    assert refusal.instead == "call it web-one"


def test_a_missing_right_is_named() -> None:
    plan = facts(denied=frozenset({Right.TAKE})).plan(Take(REF, "one", method="vm-snapshot"))
    assert plan.refusals[0].why == ("you may not create virtualmachinesnapshots.snapshot.kubevirt.io in namespace shop")


def test_volumes_that_stay_out_are_named_with_the_reason() -> None:
    container = Disk("container", backend=Backend.EPHEMERAL)
    plan = facts(vm=vm(disks=(container,)), volumes=(ROOT, SCRATCH)).plan(Take(REF, "one"))
    assert not plan.refusals
    assert "Not part of it: scratch (No VolumeSnapshotClass: … [local] [scratch])." in plan.cautions
    assert "Not part of it, and new with every start of the vm: container." in plan.cautions
    assert [cut["disk"] for cut in _volumes(plan.steps[0].params["volumes"])] == ["root"]


def _volumes(value: Any) -> list[dict[str, Any]]:
    return list(value)


def test_volume_snapshots_may_be_of_some_volumes() -> None:
    plan = facts().plan(Take(REF, "one", method="volume-snapshot", disks=("data",)))
    assert not plan.refusals
    assert "Not part of it: root." in plan.cautions


def test_what_is_set_reaches_the_step() -> None:
    asked = (("deadline", "1h30m"), ("deletion", "Retain"), ("labels", "team=shop, stage=test"))
    plan = facts().plan(Take(REF, "one", "why", settings=asked))
    assert not plan.refusals
    params = plan.steps[0].params
    assert (params["deadline"], params["retains"]) == (5400.0, True)
    assert params["labels"] == {"team": "shop", "stage": "test"}
    assert any("Retain" in caution for caution in plan.cautions)


def test_no_deadline_is_warned_of() -> None:
    endless = facts().plan(Take(REF, "one", settings=(("deadline", "0"),)))
    assert not endless.refusals
    assert any("no deadline" in caution for caution in endless.cautions)
    assert not any("no deadline" in caution for caution in facts().plan(Take(REF, "one")).cautions)


def test_a_frozen_guest_can_be_thawed_while_something_is_at_work() -> None:
    plan = facts(freeze=Freeze(FreezeState.FROZEN), busy="snapshot one").plan(Thaw(REF))
    assert not plan.refusals
    assert plan.steps
    assert plan.cautions


def test_the_line_above_is_noted() -> None:
    assert facts(ONE, line=("uid-one",)).plan(Take(REF, "two")).steps[0].params["line"] == ["uid-one"]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("5m", 300),
        ("90", 90),
        ("90s", 90),
        ("1h30m", 5400),
        ("0", 0),
        ("0s", 0),
        ("", None),
        ("1d", None),
        ("-5", None),
    ],
)
def test_lengths_of_time(text: str, length: float | None) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("a=b", {"a": "b"}),
        ("example.com/team=shop,x=", {"example.com/team": "shop", "x": ""}),
        ("a", None),
        ("=b", None),
        ("a=b c", None),
        ("a=" + "v" * 64, None),
    ],
)
def test_labels(text: str, found: dict[str, str] | None) -> None:
    assert labels(text) == found


def test_an_absent_agent_is_no_freeze() -> None:
    plan = facts(vm=vm(agent=AgentState.ABSENT)).plan(Take(REF, "one"))
    assert plan.consistency is Consistency.CRASH
    assert any("no agent answers" in caution for caution in plan.cautions)


def test_names_that_others_of_the_namespace_get_too() -> None:
    known = facts()
    assert known.called("baseline-2026-03-02-1405") == "web-baseline-2026-03-02-1405"
    long = facts(vm=replace(known.vm, name="a" * 37 + "-" + "b" * 30))
    assert long.called("baseline-2026-03-02-1405") == "a" * 37 + "-baseline-2026-03-02-1405"
    assert not long.plan(Take(REF, long.called("baseline-2026-03-02-1405"))).refusals
