"""Restoring in every way, and what the disks hold afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.model.plan import Restore
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.vm import VmRef, VmState

from .proofs import Proof, volumes

if TYPE_CHECKING:
    from vmsnap_tui.platforms.protocol import Platform

    from .lab import OpenStackLab

ALL = ("root", "sdb", "sdc")  # as the hypervisor of this cloud calls them


@pytest.fixture(scope="module")
def three(cloud: OpenStackLab, platform: Platform) -> Proof:
    """A server with two volumes, taken whole at three points."""
    server = cloud.seed_server("restored")
    for name in ("first", "second"):
        cloud.attach_volume(server, cloud.seed_volume(name))
    proof = Proof.on(cloud, platform, server)
    for point in ("one", "two", "three"):
        proof.write(point)
        proof.take_by("whole", point)
    proof.write("now")
    return proof


def test_whole_to_each_point_in_turn(cloud: OpenStackLab, three: Proof) -> None:
    line = {"one": None, "two": "one", "three": "two"}
    assert three.tree == line
    assert {snapshot.kind for snapshot in three.snapshots.values()} == {SnapshotKind.GROUP}
    first = volumes(cloud, three.vm.id)

    three.restore_by("revert", "three")
    assert three.held() == dict.fromkeys(ALL, "three")
    assert volumes(cloud, three.vm.id) == first
    assert three.refused(Restore(three.snapshots["two"].ref, how="revert")) == {"not-latest"}

    three.write("after three")
    three.restore_by("swap", "one", safety="safe")
    assert three.held() == dict.fromkeys(ALL, "one")
    assert three.tree == line | {"safe": "three"}
    assert three.current == "one"
    assert not set(volumes(cloud, three.vm.id).values()) & set(first.values())
    assert {cloud.read_volume(volume, 11) for volume in first.values()} == {b"after three"}  # they stay, detached

    three.write("branch")
    three.take_by("whole", "branch")
    assert three.tree["branch"] == "one"
    three.restore_by("swap", "two")
    assert three.held() == dict.fromkeys(ALL, "two")
    three.restore_by("swap", "safe")
    assert three.held() == dict.fromkeys(ALL, "after three")
    assert three.tree == line | {"safe": "three", "branch": "one"}
    assert three.current == "safe"
    assert three.platform.vm(three.vm).state is VmState.RUNNING


def test_as_a_new_server(cloud: OpenStackLab, three: Proof) -> None:
    before = three.held()
    three.restore_by("new", "two")
    (new,) = cloud.connect().compute.servers(name="^restored-two$")
    assert sorted(three.held(new.id).values()) == ["two"] * 3
    assert three.held() == before
    cloud.connect().compute.delete_server(new.id)


def test_one_volume_by_itself(cloud: OpenStackLab, platform: Platform) -> None:
    server = cloud.seed_server("one-volume")
    cloud.attach_volume(server, cloud.seed_volume("data"))
    proof = Proof.on(cloud, platform, server)
    proof.write("older")
    proof.take_by("volumes", "older", "sdb")
    proof.write("newer")
    proof.take_by("volumes", "newer", "sdb")
    proof.write("now")
    proof.restore_by("revert", "newer")
    assert proof.held() == {"root": "now", "sdb": "newer"}
    assert proof.refused(Restore(proof.snapshots["older"].ref, how="revert")) == {"not-latest"}
    proof.restore_by("swap", "older")
    assert proof.held() == {"root": "now", "sdb": "older"}
    assert proof.current == "older"
    assert proof.tree == {"older": None, "newer": "older"}


def test_a_server_that_boots_from_a_volume(cloud: OpenStackLab, platform: Platform) -> None:
    server = cloud.seed_server("boots", volume=cloud.seed_volume("boots", image=cloud.image()))
    cloud.attach_volume(server, cloud.seed_volume("boots-data"))
    proof = Proof.on(cloud, platform, server)
    proof.write("taken")
    proof.take_by("image", "whole")
    proof.write("now")
    snapshot = proof.snapshots["whole"]
    assert not snapshot.missing
    for how in ("revert", "swap"):
        assert "root-volume" in proof.refused(Restore(snapshot.ref, how=how))
    proof.restore_by("new", "whole")
    (new,) = cloud.connect().compute.servers(name="^boots-whole$")
    assert proof.held(new.id) == {"sda": "taken", "sdb": "taken"}
    assert {disk.id for disk in platform.vm(VmRef(proof.vm.site, new.id)).disks} == {"sda", "sdb"}
    assert set(proof.held().values()) == {"now"}
    cloud.connect().compute.delete_server(new.id)
