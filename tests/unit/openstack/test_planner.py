"""Every rule of the planner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.openstack.records import REF, SERVER, facts_of, server, snap, stamped, volume
from vmsnap_tui.model.advice import AGENT
from vmsnap_tui.model.plan import After, Delete, Edit, LossKind, Restore, Scope, Take, Thaw
from vmsnap_tui.model.snapshot import Consistency, SnapRef
from vmsnap_tui.platforms.openstack.facts import Launch, OpenStackFacts, Quota, Volume
from vmsnap_tui.platforms.openstack.snapshots import Things

BARE = Things(server())
WITH_VOLUMES = Things(server(), (volume("v1"), volume("v2", "/dev/vdc")))
OFF = server(**{"OS-EXT-STS:vm_state": "stopped", "OS-EXT-STS:power_state": 4})
LAUNCH = Launch("m1.small", {"m1.small": "1", "m1.large": "2"}, ("net-1",), "me", ("default",), "nova")


def _codes(facts: OpenStackFacts, request: Any) -> set[str]:
    return {refusal.code for refusal in facts.plan(request).refusals}


def _ref(id_: str) -> SnapRef:
    return SnapRef(REF, id_)


def _group(id_: str, at: str, line: str = "-") -> list[dict[str, Any]]:
    noted = {"vmsnap_group": id_, "vmsnap_line": line, "vmsnap_state": "running", "vmsnap_parts": "2"}
    return [snap(f"{id_}-{disk}", disk, at, metadata=noted) for disk in ("v1", "v2")]


TWO_GROUPS = Things(
    WITH_VOLUMES.server, WITH_VOLUMES.volumes, (), (*_group("g1", "11:00:00"), *_group("g2", "12:00:00", "g1"))
)


# Taking


@pytest.mark.parametrize(("things", "best"), [(BARE, "image"), (WITH_VOLUMES, "whole")])
def test_the_best_method_holds_all_of_it(things: Things, best: str) -> None:
    assert [method.id for method in facts_of(things).methods() if method.recommended] == [best]


def test_an_image_leaves_the_volumes_out_and_says_so() -> None:
    plan = facts_of(WITH_VOLUMES).plan(Take(REF, "one", method="image"))
    assert not plan.refusals
    assert "Not part of it: vdb, vdc." in plan.cautions


@pytest.mark.parametrize(
    ("found", "method", "quiesce", "consistency"),
    [
        (server(), "image", False, Consistency.CRASH),
        (server(), "image", True, Consistency.UNKNOWN),
        (server(image=""), "image", True, Consistency.FILESYSTEM),
        (server(image=""), "image", False, Consistency.CRASH),
        (server(), "whole", True, Consistency.CRASH),
        (OFF, "image", True, Consistency.CLEAN),
        (OFF, "volumes", False, Consistency.CLEAN),
    ],
)
def test_consistency_is_promised_by_what_is_frozen(
    found: dict[str, Any], method: str, *, quiesce: bool, consistency: Consistency
) -> None:
    facts = facts_of(Things(found, WITH_VOLUMES.volumes), quiesce=quiesce)
    assert facts.plan(Take(REF, "one", method=method)).consistency is consistency


@pytest.mark.parametrize(
    ("things", "values", "request_", "code"),
    [
        (BARE, {"read_only": True}, Take(REF, "one"), "read-only"),
        (BARE, {"task": "image_uploading"}, Take(REF, "one"), "busy"),
        (BARE, {"vm_state": "error"}, Take(REF, "one"), "state"),
        (BARE, {}, Take(REF, "one", method="volumes"), "no-disk"),
        (BARE, {}, Take(REF, "one", method="whole"), "same-as-image"),
        (BARE, {}, Take(REF, "one", method="memory"), "no-such-method"),
        (BARE, {}, Take(REF, " "), "name-empty"),
        (BARE, {}, Take(REF, "a\nb"), "name-invalid"),
        (BARE, {}, Take(REF, "🐧"), "name-invalid"),
        (BARE, {}, Take(REF, "n" * 256), "name-too-long"),
        (BARE, {}, Take(REF, "one", "d" * 256), "description-too-long"),
        (WITH_VOLUMES, {}, Take(REF, "one", method="volumes", disks=("vdz",)), "no-such-disk"),
        (WITH_VOLUMES, {}, Take(REF, "one", method="volumes", disks=("root",)), "disk-excluded"),
        (WITH_VOLUMES, {}, Take(REF, "one", method="image", disks=("vdb",)), "all-disks"),
        (WITH_VOLUMES, {"quotas": {"snapshots": Quota(9, 10)}}, Take(REF, "one", method="volumes"), "quota"),
        (WITH_VOLUMES, {"no_volumes": "no endpoint"}, Take(REF, "one", method="volumes"), "no-volumes"),
        (TWO_GROUPS, {}, Take(REF, "name-g1-v1"), "name-taken"),
        (BARE, {}, Thaw(REF), "thaw-unsupported"),
    ],
)
def test_refusals(things: Things, values: dict[str, Any], request_: Any, code: str) -> None:
    assert code in _codes(facts_of(things, **values), request_)


def test_gigabytes_that_a_cloud_may_not_count_are_a_caution() -> None:
    facts = facts_of(WITH_VOLUMES, quotas={"gigabytes": Quota(9, 10)})
    plan = facts.plan(Take(REF, "one", method="volumes"))
    assert not plan.refusals
    assert any("9 of 10 are used" in caution for caution in plan.cautions)


def test_a_paused_guest_cannot_be_frozen() -> None:
    paused = server(**{"OS-EXT-STS:vm_state": "paused", "OS-EXT-STS:power_state": 3})
    assert "cannot-freeze" in _codes(facts_of(Things(paused), quiesce=True), Take(REF, "one"))


def test_a_group_has_the_same_id_twice_and_single_parts_have_none() -> None:
    facts = facts_of(WITH_VOLUMES)
    one = facts.plan(Take(REF, "one"))
    assert one == facts.plan(Take(REF, "one"))
    assert one.steps[0].params["group"]
    assert one.steps[0].params["group"] != facts.plan(Take(REF, "two")).steps[0].params["group"]
    assert facts.plan(Take(REF, "one", method="image")).steps[0].params["group"] == ""


# Restoring


def test_an_image_is_restored_by_a_rebuild_that_loses_the_root_disk_alone() -> None:
    things = Things(WITH_VOLUMES.server, WITH_VOLUMES.volumes, (stamped("a", "11:00:00"),))
    plan = facts_of(things).plan(Restore(_ref("a")))
    assert not plan.refusals
    assert {loss.kind: loss.what for loss in plan.losses} == {LossKind.MEMORY: "lab-one", LossKind.CHANGES: "root"}
    assert plan.steps[-1].params["way"] == "rebuild"


def test_the_newest_group_is_reverted_and_an_older_one_swapped() -> None:
    facts = facts_of(TWO_GROUPS)
    assert facts.plan(Restore(_ref("g2"))).steps[-1].params["way"] == "revert"
    assert facts.plan(Restore(_ref("g1"))).steps[-1].params["way"] == "swap"
    assert "not-latest" in _codes(facts, Restore(_ref("g1"), how="revert"))
    assert {loss.what for loss in facts.plan(Restore(_ref("g2"))).losses} == {"lab-one", "vdb, vdc"}
    assert LossKind.CHANGES not in {loss.kind for loss in facts.plan(Restore(_ref("g1"))).losses}


def test_a_swapped_volume_is_swapped_again() -> None:
    old = volume("v1", attachments=[], metadata={"vmsnap_vm": SERVER, "vmsnap_disk": "vdb"}, status="available")
    things = Things(TWO_GROUPS.server, (old, volume("new"), volume("v2", "/dev/vdc")), (), TWO_GROUPS.snaps)
    facts = facts_of(things)
    assert "swapped" in _codes(facts, Restore(_ref("g2"), how="revert"))
    plan = facts.plan(Restore(_ref("g2")))
    assert not plan.refusals
    replaced = plan.steps[-1].params["volumes"]
    assert isinstance(replaced, list)
    assert {entry["volume"] for entry in replaced if isinstance(entry, dict)} == {"new", "v2"}


def test_volumes_that_are_let_go_are_removed_on_request_but_for_those_that_hold_snapshots() -> None:
    old = volume("v1", attachments=[], metadata={"vmsnap_vm": SERVER, "vmsnap_disk": "vdb"}, status="available")
    left = volume("v0", attachments=[], metadata={"vmsnap_vm": SERVER, "vmsnap_disk": "vdb"}, status="available")
    volumes = (left, old, volume("new"), volume("v2", "/dev/vdc"))
    facts = facts_of(Things(TWO_GROUPS.server, volumes, (), TWO_GROUPS.snaps))
    removed: dict[str, Any] = {}
    for value in ("keep", "remove", "remove-all"):
        plan = facts.plan(Restore(_ref("g2"), how="swap", settings=(("old-volumes", value),)))
        assert not plan.refusals
        removed[value] = plan.steps[-1].params["remove"]
        holds = [each for each in plan.cautions if each.startswith("Of now stay behind, detached, since they hold")]
        assert bool(holds) is (value != "keep")
        assert all(each.endswith(": vdc.") for each in holds)
        lost = [loss.what for loss in plan.losses if loss.kind is LossKind.CHANGES]
        assert lost == {"keep": [], "remove": ["vdb"], "remove-all": ["vdb", "vdb (v0)"]}[value]
    assert removed == {"keep": [], "remove": ["new"], "remove-all": ["new", "v0"]}
    kept = facts.plan(Restore(_ref("g2"), safety="safe", how="swap", settings=(("old-volumes", "remove"),)))
    assert kept.steps[-1].params["remove"] == []  # the safety snapshot is one of them
    assert "no-such-setting" in _codes(facts, Restore(_ref("g2"), how="revert", settings=(("old-volumes", "remove"),)))


@pytest.mark.parametrize(
    ("values", "request_", "code"),
    [
        ({"locked": True}, Restore(_ref("g2")), "locked"),
        ({"vm_state": "paused"}, Restore(_ref("g2")), "state"),
        ({"volume": (3, 39)}, Restore(_ref("g2"), how="revert"), "revert-unsupported"),
        ({"quotas": {"volumes": Quota(9, 10)}}, Restore(_ref("g1"), how="swap"), "quota"),
        ({"quotas": {"gigabytes": Quota(99, 100)}}, Restore(_ref("g1"), how="swap"), "quota"),
        ({}, Restore(_ref("g2"), how="teleport"), "no-such-way"),
        ({}, Restore(_ref("g2"), how="rebuild"), "no-such-way"),
        ({}, Restore(_ref("g2"), After.PAUSED), "after-unsupported"),
        ({}, Restore(_ref("g2"), safety="safe", how="revert"), "safety-is-newer"),
        ({}, Restore(_ref("nothing")), "no-snapshot"),
    ],
)
def test_restore_refusals(values: dict[str, Any], request_: Restore, code: str) -> None:
    assert code in _codes(facts_of(TWO_GROUPS, **values), request_)


def test_a_root_volume_is_restored_by_a_new_server_alone() -> None:
    boots = server(image="")
    things = Things(
        boots,
        (volume("v1", "/dev/vda", bootable="true"),),
        (stamped("a", "11:00:00", block_device_mapping='[{"snapshot_id": "s"}]', size=0),),
        (snap("s", "v1", "11:00:01"),),
    )
    facts = facts_of(things, launch=LAUNCH)
    for way in ("revert", "swap"):
        assert "root-volume" in _codes(facts, Restore(_ref("a"), how=way))
    plan = facts.plan(Restore(_ref("a")))
    assert plan.steps[-1].action == "launch"
    assert not plan.is_destructive
    assert not plan.refusals


def test_a_new_server_is_like_this_one_but_for_what_is_set() -> None:
    facts = facts_of(Things(BARE.server, images=(stamped("a", "11:00:00"),)), launch=LAUNCH)
    new = next(way for way in facts.ways_back(_ref("a")) if way.id == "new")
    offered = {setting.id: setting.value for setting in new.settings}
    assert offered["flavor"] == "m1.small"
    assert offered["networks"] == "net-1"
    like = facts.plan(Restore(_ref("a"), how="new"))
    assert not like.refusals
    assert like.steps[0].params["launch"] == {
        "flavor": "1", "networks": ["net-1"], "key": "me", "security_groups": ["default"], "zone": "nova",
    }  # fmt: skip
    said = (("name", "copy"), ("flavor", "m1.large"), ("networks", "a, b"), ("key", ""))
    other = facts.plan(Restore(_ref("a"), how="new", settings=said))
    assert not other.refusals
    assert other.steps[0].params["name"] == "copy"
    assert other.steps[0].params["launch"] == {
        "flavor": "2", "networks": ["a", "b"], "key": "", "security_groups": ["default"], "zone": "nova",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("how", "said", "code"),
    [
        ("new", ("flavor", "m9.huge"), "no-flavor"),
        ("new", ("name", " "), "bad-setting"),
        ("new", ("colour", "red"), "no-such-setting"),
        ("rebuild", ("name", "copy"), "no-such-setting"),
    ],
)
def test_what_cannot_be_set_is_refused(how: str, said: tuple[str, str], code: str) -> None:
    facts = facts_of(Things(BARE.server, images=(stamped("a", "11:00:00"),)), launch=LAUNCH)
    assert code in _codes(facts, Restore(_ref("a"), how=how, settings=(said,)))


def test_a_server_that_is_off_stays_off_unless_asked() -> None:
    things = Things(OFF, images=(stamped("a", "11:00:00"),))
    ends = {after: facts_of(things).plan(Restore(_ref("a"), after)).steps[-1].params["runs"] for after in After}
    assert (ends[After.AS_TAKEN], ends[After.RUNNING], ends[After.OFF]) == (False, True, False)


# Deleting and describing


def test_deleting_a_tree_goes_leaves_first_and_names_all() -> None:
    plan = facts_of(TWO_GROUPS).plan(Delete(_ref("g1"), Scope.TREE))
    assert [step.params["snapshot"] for step in plan.steps] == ["g2", "g1"]
    assert {loss.detail for loss in plan.losses} == {"2 volume snapshots"}


@pytest.mark.parametrize(
    ("things", "request_", "code"),
    [
        (TWO_GROUPS, Delete(_ref("g1"), metadata_only=True), "no-records"),
        (TWO_GROUPS, Delete(_ref("g2"), Scope.CHILDREN), "no-children"),
        (Things(server(), images=(stamped("a", "11:00:00", protected=True),)), Delete(_ref("a")), "protected"),
        (
            Things(server(), (volume("v1"),), (), (snap("s", "v1", "11:00:00", group_snapshot_id="c"),)),
            Delete(_ref("c")),
            "cinder-group",
        ),
        (
            Things(server(), (volume("v1"),), (), (snap("s", "v1", "11:00:00", status="creating"),)),
            Delete(_ref("s")),
            "busy",
        ),
        (TWO_GROUPS, Edit(_ref("g1"), name="name-g2-v1"), "name-taken"),
        (TWO_GROUPS, Edit(_ref("g1")), "nothing-to-do"),
    ],
)
def test_delete_and_edit_refusals(things: Things, request_: Any, code: str) -> None:
    assert code in _codes(facts_of(things), request_)


# Advice


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({"base": "b"}, "image set --property hw_qemu_guest_agent=yes --property os_require_quiesce=yes b"),
        (
            {"base": "", "volumes": (Volume("v", "vda", 1, "in-use", attached=True, is_root=True),)},
            "volume set --image-property hw_qemu_guest_agent=yes --image-property os_require_quiesce=yes v",
        ),
    ],
)
def test_how_to_get_a_freeze(changes: dict[str, Any], command: str) -> None:
    facts = replace(facts_of(BARE), cloud="prod", **changes)
    first, agent = facts.advice()
    assert first.command == f"openstack --os-cloud prod {command}"
    assert agent is AGENT
    assert replace(facts, quiesce=True).advice() == replace(facts, base="", volumes=()).advice() == ()
