"""What is known: the newer word counts, lists end what is gone, and things that belong together are found."""

from __future__ import annotations

from typing import Any

from tests.unit.openshift.objects import claim, hour, meta, read, restore, snapshot, vm, vmi, volume_snapshot
from vmsnap_tui.platforms.openshift import records
from vmsnap_tui.platforms.openshift.kinds import (
    CLAIMS,
    INSTANCES,
    MACHINES,
    RESTORES,
    VM_SNAPSHOTS,
    VOLUME_SNAPSHOTS,
    Kind,
)  # fmt: skip
from vmsnap_tui.platforms.openshift.mirror import Mirror

WEB = ("shop", "web")


def put(mirror: Mirror, kind: Kind[Any], item: dict[str, Any], version: int | None = None) -> bool:
    if version is not None:
        item = item | {"metadata": item["metadata"] | {"resourceVersion": str(version)}}
    return mirror.put(kind, read(item, kind.type))


def test_an_older_word_and_one_that_says_the_same_are_no_news() -> None:
    mirror = Mirror()
    assert put(mirror, MACHINES, vm(), 10)
    assert not put(mirror, MACHINES, vm(), 11)
    assert not put(mirror, MACHINES, vm(status={"printableStatus": "Stopped"}), 9)
    assert put(mirror, MACHINES, vm(status={"printableStatus": "Stopped"}), 12)
    machine = mirror.get(MACHINES, WEB)
    assert machine is not None
    assert machine.status.printable_status == "Stopped"


def test_what_is_skipped_is_no_news() -> None:
    mirror = Mirror()
    put(mirror, MACHINES, vm(), 10)
    assert not put(mirror, MACHINES, vm() | {"kind": "Other"}, 11)


def test_what_belongs_to_a_vm() -> None:
    mirror = Mirror()
    put(mirror, MACHINES, vm())
    put(mirror, INSTANCES, vmi())
    put(mirror, VM_SNAPSHOTS, snapshot("a", 10, 1))
    put(mirror, RESTORES, restore("r", 11, "a", 2))
    put(mirror, CLAIMS, claim("web-root", 12))
    put(mirror, CLAIMS, claim("of-nobody", 13))
    put(mirror, VOLUME_SNAPSHOTS, volume_snapshot("of-its-claim", 14, 1))
    noted = volume_snapshot("noted", 15, 1, notes={"vmsnap.io/vm": "web"})
    noted["spec"]["source"] = {"persistentVolumeClaimName": "a-claim-it-had-then"}
    put(mirror, VOLUME_SNAPSHOTS, noted)
    part = volume_snapshot("part", 16, 1)
    part["metadata"]["ownerReferences"] = [{"kind": "VirtualMachineSnapshotContent", "name": "x", "uid": "y"}]
    put(mirror, VOLUME_SNAPSHOTS, part)
    other = volume_snapshot("other", 17, 1)
    other["spec"]["source"] = {"persistentVolumeClaimName": "of-nobody"}
    put(mirror, VOLUME_SNAPSHOTS, other)
    assert mirror.instance(WEB) is not None
    assert [each.metadata.name for each in mirror.snapshots(WEB)] == ["a"]
    assert [each.metadata.name for each in mirror.restores(WEB)] == ["r"]
    assert {*mirror.claims(WEB)} == {"web-root"}
    assert {each.metadata.name for each in mirror.volume_snapshots(WEB)} == {"of-its-claim", "noted"}
    for kind, item in (
        (CLAIMS, claim("web-data", 18)),
        (VOLUME_SNAPSHOTS, noted),
        (RESTORES, restore("r", 11, "a", 2)),
    ):
        assert mirror.vms_of(kind, read(item, kind.type)) == (WEB,)
    assert mirror.vms_of(VOLUME_SNAPSHOTS, read(other, records.VolumeSnapshot)) == ()


def test_a_vm_that_has_other_claims_now_is_found_by_these() -> None:
    mirror = Mirror()
    put(mirror, MACHINES, vm(), 10)
    moved = vm()
    moved["spec"]["template"]["spec"]["volumes"] = [{"name": "root", "dataVolume": {"name": "restore-1-root"}}]
    put(mirror, MACHINES, moved, 11)
    assert mirror.vms_of(CLAIMS, read(claim("restore-1-root", 20), records.Claim)) == (WEB,)
    assert mirror.vms_of(CLAIMS, read(claim("web-root", 21), records.Claim)) == ()


def test_a_list_that_has_ended_tells_what_is_gone_but_not_of_what_is_newer() -> None:
    mirror = Mirror()
    for number, name in enumerate("abc"):
        put(mirror, VM_SNAPSHOTS, snapshot(name, 10 + number, 1), 100 + number * 100)
    gone = mirror.keep(VM_SNAPSHOTS, None, {("shop", "a")}, "250")
    assert [each.metadata.name for each in gone] == ["b"]
    assert {each.metadata.name for each in mirror.snapshots(WEB)} == {"a", "c"}


def test_a_list_of_one_namespace_says_nothing_of_others() -> None:
    mirror = Mirror()
    put(mirror, VM_SNAPSHOTS, snapshot("a", 10, 1))
    assert not mirror.keep(VM_SNAPSHOTS, "other", set(), "900")
    assert len(mirror.keep(VM_SNAPSHOTS, "shop", set(), "900")) == 1
    assert mirror.snapshots(WEB) == ()


def test_a_deletion_that_is_older_than_what_is_known_does_not_count() -> None:
    mirror = Mirror()
    put(mirror, VM_SNAPSHOTS, snapshot("a", 10, 1), 200)
    assert mirror.drop(VM_SNAPSHOTS, ("shop", "a"), "150") is None
    assert mirror.drop(VM_SNAPSHOTS, ("shop", "a"), "250") is not None
    assert mirror.drop(VM_SNAPSHOTS, ("shop", "a")) is None


def test_what_is_alike_is_kept_once() -> None:
    mirror = Mirror()
    for number in range(2):
        put(mirror, VM_SNAPSHOTS, snapshot(f"s{number}", number, number))
    one, other = mirror.snapshots(WEB)
    assert one.spec is other.spec
    assert one.metadata.namespace is other.metadata.namespace
    assert one.status.snapshot_volumes is other.status.snapshot_volumes
    assert one.content == f"vmsnapshot-content-{one.metadata.uid}"


def test_the_conditions_of_one_that_is_not_ready_are_kept() -> None:
    mirror = Mirror()
    put(mirror, VM_SNAPSHOTS, snapshot("s", 10, 1, status={"readyToUse": False}))
    (found,) = mirror.snapshots(WEB)
    assert found.status.conditions
    assert found.metadata.created is not None
    assert hour(1).startswith(found.metadata.created.strftime("%Y-%m-%dT%H"))
    assert meta("s", 10)["uid"] == found.metadata.uid
