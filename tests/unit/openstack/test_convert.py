"""From the services' answers to vms and snapshots."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.openstack.records import BASE, REF, SERVER, image, server, snap, stamped, tree, volume
from vmsnap_tui.model.snapshot import Consistency, SnapshotKind
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.platforms.openstack.convert import state_of, vm_of
from vmsnap_tui.platforms.openstack.inventory import Heirs, owners
from vmsnap_tui.platforms.openstack.snapshots import Things, snapshots_of
from vmsnap_tui.platforms.openstack.stamps import is_own, token


@pytest.mark.parametrize(
    ("vm_state", "power", "task", "state"),
    [
        ("active", 1, None, VmState.RUNNING),
        ("active", 4, None, VmState.OFF),  # it has switched itself off, and Nova has yet to see it
        ("active", 1, "image_uploading", VmState.RUNNING),
        ("active", 1, "powering-off", VmState.CHANGING),
        ("stopped", 4, None, VmState.OFF),
        ("paused", 3, None, VmState.PAUSED),
        ("suspended", 4, None, VmState.SUSPENDED),
        ("error", 1, None, VmState.UNKNOWN),
        ("brand-new-state", 1, None, VmState.UNKNOWN),
    ],
)
def test_states(vm_state: str, power: int, task: str | None, state: VmState) -> None:
    values = {"OS-EXT-STS:vm_state": vm_state, "OS-EXT-STS:power_state": power, "OS-EXT-STS:task_state": task}
    assert state_of(server(**values)) is state


def test_disks_are_the_root_disk_and_what_is_attached() -> None:
    gone = volume("old", attachments=[], metadata={"vmsnap_vm": SERVER, "vmsnap_disk": "vdb"})
    vm = vm_of(server(), [volume("v2", "/dev/vdc"), volume("v1"), gone], "cloud", "lab")
    assert [(disk.id, disk.capacity) for disk in vm.disks] == [("root", 1 << 30), ("vdb", 1 << 30), ("vdc", 1 << 30)]
    assert (vm.memory, vm.vcpus, vm.group) == (64 << 20, 1, "lab")


@pytest.mark.parametrize(
    ("found", "device", "disks"),
    [
        ({"id": "of-one-that-boots-so", "properties": {"bdm_v2": "True"}}, "/dev/vda", ["vda"]),
        ({"id": BASE}, "/dev/vda", ["vda"]),  # an older Nova tells no properties
        ({"id": BASE}, "/dev/vdb", ["root", "vdb"]),
        ({"id": BASE, "properties": {}}, "/dev/sda", ["root", "sda"]),  # a data disk on another bus
        ("", "/dev/vda", ["vda"]),
    ],
)
def test_a_server_that_boots_from_a_volume_has_no_root_disk(found: Any, device: str, disks: list[str]) -> None:
    vm = vm_of(server(image=found), [volume("v1", device, bootable="true")], "cloud", "")
    assert [disk.id for disk in vm.disks] == disks


@pytest.mark.parametrize(
    ("values", "servers"),
    [
        ({}, {SERVER}),
        ({"instance_uuid": "inherited", "block_device_mapping": '[{"snapshot_id": "s1"}]'}, {SERVER}),
        ({"instance_uuid": "inherited", "block_device_mapping": '[{"snapshot_id": "gone"}]'}, set()),
        ({"vmsnap_id": "i1", "block_device_mapping": '[{"snapshot_id": "gone"}]'}, {SERVER}),
    ],
)
def test_an_image_is_of_the_server_whose_volumes_it_holds(values: dict[str, str], servers: set[str]) -> None:
    assert owners(image("i1", "11:00:00", **values), {"s1": {SERVER}}) == servers


@pytest.mark.parametrize(
    ("values", "own"),
    [
        ({"vmsnap_id": "i1"}, True),
        ({"vmsnap_id": token(SERVER, "name-i1")}, True),  # it is not finished yet
        ({"vmsnap_id": token(SERVER, "another")}, False),  # inherited
        ({"vmsnap_id": token("another", "name-i1")}, False),
        ({}, False),
    ],
)
def test_whose_stamp_an_image_carries(values: dict[str, str], own: bool) -> None:
    assert is_own(image("i1", "11:00:00", **values)) is own


@pytest.mark.parametrize(
    ("properties", "agent"),
    [({"hw_qemu_guest_agent": "yes"}, AgentState.UNKNOWN), ({}, AgentState.ABSENT), (None, AgentState.UNKNOWN)],
)
def test_whether_there_may_be_an_agent(properties: dict[str, str] | None, agent: AgentState) -> None:
    found: dict[str, Any] = {"id": BASE} | ({} if properties is None else {"properties": properties})
    assert vm_of(server(image=found), [], "cloud", "").agent is agent


QUIESCE = {"os_require_quiesce": "yes", "hw_qemu_guest_agent": "yes"}


@pytest.mark.parametrize(
    ("found", "consistency"),
    [
        (stamped("a", "11:00:00"), Consistency.CRASH),
        (stamped("a", "11:00:00", state="off"), Consistency.CLEAN),
        (stamped("a", "11:00:00", **QUIESCE), Consistency.UNKNOWN),
        (stamped("a", "11:00:00", os_require_quiesce="yes"), Consistency.CRASH),
        (stamped("a", "11:00:00", state="paused", **QUIESCE), Consistency.CRASH),
        (stamped("a", "11:00:00", status="queued", **QUIESCE), Consistency.UNKNOWN),
        (image("a", "11:00:00"), Consistency.UNKNOWN),
        (image("a", "11:00:00", **QUIESCE), Consistency.UNKNOWN),
    ],
)
def test_an_image_is_worth_what_is_proven(found: dict[str, Any], consistency: Consistency) -> None:
    (snapshot,) = snapshots_of(Things(server(), images=(found,)), REF)
    assert snapshot.consistency is consistency


def test_a_stamp_that_was_inherited_does_not_count() -> None:
    genuine = stamped("a", "11:00:00", vmsnap_group="g", vmsnap_note="mine")
    heir = image("b", "12:00:00", **{key: value for key, value in genuine.items() if key.startswith("vmsnap_")})
    found = {each.id: each for each in snapshots_of(Things(server(), images=(genuine, heir)), REF)}
    assert set(found) == {"g", "b"}
    assert (found["g"].description, found["b"].description) == ("mine", "")


def test_a_group_is_one_snapshot_worth_its_weakest_part() -> None:
    noted = {"vmsnap_group": "g", "vmsnap_line": "-", "vmsnap_state": "running", "vmsnap_parts": "2"}
    things = Things(
        server(),
        (volume("v"), volume("w", "/dev/vdc")),
        (stamped("i", "11:00:00", vmsnap_group="g", vmsnap_parts="2", **QUIESCE),),
        (snap("s", "v", "11:00:01", metadata=noted),),
    )
    (snapshot,) = snapshots_of(things, REF)
    assert (snapshot.id, snapshot.kind, snapshot.ready) == ("g", SnapshotKind.GROUP, True)
    assert snapshot.consistency is Consistency.CRASH
    assert snapshot.missing == ("vdc",)
    (torn,) = snapshots_of(Things(things.server, things.volumes, things.images), REF)
    assert not torn.ready
    assert torn.error == "1 of its 2 parts are there"


def test_what_nova_cuts_along_with_an_image_belongs_to_it() -> None:
    mapping = json.dumps([{"snapshot_id": "s", "boot_index": 0}, {"snapshot_id": "t"}])
    boots = server(image="")
    cuts = (snap("s", "v", "11:00:01"), snap("t", "v", "11:00:02"))
    (snapshot,) = snapshots_of(
        Things(boots, (volume("v"),), (image("i", "11:00:00", block_device_mapping=mapping),), cuts), REF
    )
    assert (snapshot.id, snapshot.ready, snapshot.size) == ("i", True, None)
    (torn,) = snapshots_of(
        Things(boots, (volume("v"),), (image("i", "11:00:00", block_device_mapping=mapping),), cuts[:1]), REF
    )
    assert "1 of the volume snapshots" in torn.error


@pytest.mark.parametrize("status", ["queued", "saving", "killed"])
def test_an_unfinished_image_is_not_ready(status: str) -> None:
    (snapshot,) = snapshots_of(Things(server(), images=(stamped("a", "11:00:00", status=status),)), REF)
    assert not snapshot.ready
    assert status in snapshot.error


# Who descends from whom


def test_what_nobody_noted_is_a_line_by_time() -> None:
    assert tree(Things(server(), images=(image("b", "12:00:00"), image("a", "11:00:00")))) == (
        {"a": None, "b": "a"},
        "b",
    )


def test_a_noted_line_heals_when_one_in_the_middle_is_gone() -> None:
    here = {"vmsnap_now": "c,b,a", "vmsnap_since": f"2026-11-23T13:00:00Z {BASE}"}
    images = (stamped("a", "11:00:00"), stamped("c", "13:00:00", "b,a"))
    assert tree(Things(server(metadata=here), images=images)) == ({"a": None, "c": "a"}, "c")
    assert tree(Things(server(metadata=here), images=images[:1])) == ({"a": None}, "a")


def test_after_a_restore_what_others_take_descends_from_there() -> None:
    here = {"vmsnap_now": "a", "vmsnap_since": "2026-11-23T13:00:00Z a"}
    images = (stamped("a", "11:00:00"), stamped("b", "12:00:00", "a"), image("x", "14:00:00"))
    things = Things(server(image={"id": "a"}, metadata=here), images=images)
    assert tree(things) == ({"a": None, "b": "a", "x": "a"}, "x")


def test_somebody_else_rebuilt_it_from_a_snapshot() -> None:
    here = {"vmsnap_now": "b,a", "vmsnap_since": f"2026-11-23T12:00:00Z {BASE}"}
    values = {"OS-SRV-USG:launched_at": "2026-11-23T12:30:00.000000"}
    images = (stamped("a", "11:00:00"), stamped("b", "12:00:00", "a"))
    assert tree(Things(server(image={"id": "a"}, metadata=here, **values), images=images))[1] == "a"
    assert tree(Things(server(image={"id": "foreign"}, metadata=here, **values), images=images))[1] is None


def test_whole_seconds_do_not_move_the_server() -> None:
    here = {"vmsnap_now": "a", "vmsnap_since": f"2026-11-23T12:00:00Z {BASE}"}
    images = (stamped("a", "11:00:00"), stamped("b", "12:00:00.900000", "a"))
    assert tree(Things(server(metadata=here), images=images))[1] == "a"


def test_servers_that_were_launched_from_a_snapshot_are_told_with_it() -> None:
    mine = server()
    copy = server(id="copy", name="copy", image={"id": "a"})
    noted = server(id="noted", name="noted", image="", metadata={"vmsnap_from": f"{SERVER}/g"})
    other = server(id="other", name="other", image={"id": "b"}, metadata={"vmsnap_from": "else/g"})
    rebuilt = server(image={"id": "a"})
    images = (image("a", "11:00:00"), stamped("i", "12:00:00", vmsnap_group="g"))
    heirs = Heirs([mine, copy, noted, other, rebuilt]).of(mine, images)
    found = {each.id: each.forks for each in snapshots_of(Things(mine, images=images, heirs=heirs), REF)}
    assert found == {"a": ("copy",), "g": ("noted",)}


@pytest.mark.parametrize(
    ("state", "consistency"),
    [("running", Consistency.FILESYSTEM), ("paused", Consistency.CRASH), ("off", Consistency.CLEAN)],
)
def test_of_volumes_a_freeze_that_was_demanded_is_proven(state: str, consistency: Consistency) -> None:
    mapping = '[{"snapshot_id": "s"}]'
    found = stamped("a", "11:00:00", state=state, block_device_mapping=mapping, size=0, **QUIESCE)
    boots = server(image="")
    volumes = (volume("v1", "/dev/vda", bootable="true"),)
    (snapshot,) = snapshots_of(Things(boots, volumes, (found,), (snap("s", "v1", "11:00:01"),)), REF)
    assert snapshot.consistency is consistency


def test_of_two_in_one_second_the_child_is_the_later_one() -> None:
    images = (stamped("b", "11:00:00"), stamped("a", "11:00:00", "b"))
    assert tree(Things(server(), images=images)) == ({"b": None, "a": "b"}, "a")
