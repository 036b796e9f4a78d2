"""What the cluster's snapshots mean: worth, readiness, what is missing, and the tree."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.openshift.objects import (
    AGENT,
    NO_AGENT,
    ONLINE,
    PARTIAL,
    PAUSED,
    REF,
    TIMEOUT,
    claim,
    content,
    epoch_of,
    hour,
    read,
    restore,
    snapshot,
    things,
    uid,
    vm,
    volume_snapshot,
)  # fmt: skip
from vmsnap_tui.model.snapshot import Consistency, Snapshot, SnapshotKind
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.openshift import records
from vmsnap_tui.platforms.openshift.lineage import Origin, needs_origin, origin_of
from vmsnap_tui.platforms.openshift.snapshots import Things, snapshots_of


def one(item: dict[str, Any], machine: dict[str, Any] | None = None) -> Snapshot:
    (found,) = snapshots_of(things(machine or vm(), item), REF)
    return found


@pytest.mark.parametrize(
    ("words", "worth", "state"),
    [
        ((ONLINE, AGENT), Consistency.FILESYSTEM, VmState.RUNNING),
        ((ONLINE, AGENT, PARTIAL), Consistency.FILESYSTEM, VmState.RUNNING),
        ((ONLINE, NO_AGENT), Consistency.CRASH, VmState.RUNNING),
        ((ONLINE, AGENT, TIMEOUT), Consistency.CRASH, VmState.RUNNING),
        ((ONLINE, AGENT, ("QuiesceFailed", "")), Consistency.CRASH, VmState.RUNNING),
        ((ONLINE, PAUSED), Consistency.CRASH, VmState.PAUSED),
        ((ONLINE,), Consistency.UNKNOWN, VmState.RUNNING),
        ((ONLINE, AGENT, ("HalfFrozen", "new")), Consistency.UNKNOWN, VmState.RUNNING),
        ((("Hibernated", ""),), Consistency.UNKNOWN, VmState.UNKNOWN),
        ((), Consistency.CLEAN, VmState.OFF),
        ((PARTIAL,), Consistency.CLEAN, VmState.OFF),
    ],
)
def test_worth(words: tuple[tuple[str, str], ...], worth: Consistency, state: VmState) -> None:
    found = one(snapshot("s", 10, 1, *words))
    assert (found.consistency, found.state) == (worth, state)
    assert found.ready
    for name, text in words:
        assert any(name in note and text in note for note in found.notes)


def test_an_older_cluster_tells_names_alone() -> None:
    item = snapshot("s", 10, 1, ONLINE, ("QuiesceFailed", ""), AGENT)
    del item["status"]["sourceIndications"]
    found = one(item)
    assert found.consistency is Consistency.CRASH
    assert any("crash-consistent" in note for note in found.notes)


BUSY = {"phase": "InProgress", "readyToUse": False, "creationTime": None, "indications": [], "sourceIndications": [],
        "snapshotVolumes": None}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            BUSY | {"conditions": [{"type": "Progressing", "status": "False", "reason": "Source not locked volume not "
                                    "bound"}]},
            "Source not locked volume not bound",
        ),
        (BUSY | {"conditions": [{"type": "Progressing", "status": "True", "reason": "Source locked and operation in "
                                 "progress"}]}, ""),
        (
            {"phase": "Failed", "readyToUse": False, "error": {"message": "failed to freeze VMI"},
             "conditions": [{"type": "Failure", "status": "True", "reason": "snapshot deadline exceeded"}]},
            "snapshot deadline exceeded: failed to freeze VMI",
        ),
        ({"readyToUse": False, "error": {"message": "VolumeSnapshots (a,b) missing"}}, "VolumeSnapshots (a,b) missing"),
        ({"readyToUse": False, "conditions": []}, ""),
    ],
)  # fmt: skip
def test_one_that_cannot_be_restored_from(status: dict[str, Any], words: str) -> None:
    found = one(snapshot("s", 10, 1, status=status))
    assert not found.ready
    assert found.error == words
    if status.get("phase"):
        assert found.consistency is Consistency.UNKNOWN


def test_one_that_is_being_deleted_says_what_it_waits_for() -> None:
    more: dict[str, Any] = {
        "deletionTimestamp": "2026-03-02T00:00:00Z",
        "finalizers": ["snapshot.kubevirt.io/vmsnapshot-protection"],
    }
    found = one(snapshot("s", 10, 1, **more))
    assert not found.ready
    assert "snapshot.kubevirt.io/vmsnapshot-protection" in found.error


def test_missing_disks_are_those_that_hold_something() -> None:
    volumes = {"includedVolumes": ["root"], "excludedVolumes": ["data", "cloudinit", "tools"]}
    found = one(snapshot("s", 10, 1, ONLINE, AGENT, PARTIAL, status={"snapshotVolumes": volumes}))
    assert found.missing == ("data",)
    assert [disk.disk for disk in found.disks if disk.included] == ["root"]


def test_notes() -> None:
    item = snapshot("s", 10, 1, status={"sourceUID": uid(99), "snapshotVolumes": {"includedVolumes": []}})
    item["spec"]["deletionPolicy"] = "Retain"
    notes = " ".join(one(item).notes)
    assert "earlier vm of this name" in notes
    assert "retained" in notes
    assert "no disks" in notes


def test_what_is_older_than_the_vm_is_of_an_earlier_one() -> None:
    item = snapshot("s", 10, 1)  # virt-controller has written the new vm's uid to it
    assert not one(item).notes
    item["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    assert one(item).notes == ("taken of an earlier vm of this name",)


def test_what_people_wrote() -> None:
    more = {"annotations": {"description": "a\nb\x1b"}, "labels": {"vmsnap.io/protected": "yes"}}
    found = one(snapshot("s", 10, 1, **more))
    assert found.description == "a\nb␛"
    assert found.protected


# The tree


def tree(things: Things) -> dict[str, str | None]:
    """Name to the parent's name, "?" before what is inferred; the current one's name with a star."""
    found = snapshots_of(things, REF)
    names = {each.id: each.name for each in found}
    return {
        each.name + "*" * each.current: None if each.parent is None else "?" * each.inferred + names[each.parent]
        for each in found
    }


A, B, C, D = (snapshot(name, number, number - 9) for number, name in enumerate("abcd", 10))
BACK_TO_A = restore("back", 30, "a", 2.5)  # between b and c


def test_without_restores_a_line() -> None:
    assert tree(things(vm(), C, A, B)) == {"a": None, "b": "a", "c*": "b"}


def restores(*items: dict[str, Any]) -> tuple[records.VmRestore, ...]:
    return tuple(read(item, records.VmRestore) for item in items)


def origins(**items: dict[str, Any]) -> dict[str, Origin]:
    return {
        uid("abcd".index(name) + 10): origin_of(read(item, records.SnapshotContent)) for name, item in items.items()
    }


def test_a_restore_is_the_branch() -> None:
    epoch = epoch_of(BACK_TO_A)
    known = origins(a=content(10), b=content(11), c=content(12, epoch=epoch), d=content(13, epoch=epoch))
    found = things(vm(epoch=epoch), A, B, C, D, restores=restores(BACK_TO_A), origins=known)
    assert tree(found) == {"a": None, "b": "a", "c": "a", "d*": "c"}


def test_now_is_where_the_last_restore_went() -> None:
    found = things(vm(epoch=epoch_of(BACK_TO_A)), A, B, restores=restores(BACK_TO_A), origins=origins(a=content(10)))
    assert tree(found) == {"a*": None, "b": "?a"}


def test_without_contents_the_times_of_the_restores_must_do() -> None:
    found = things(vm(epoch=epoch_of(BACK_TO_A)), A, B, C, restores=restores(BACK_TO_A))
    assert tree(found) == {"a": None, "b": "?a", "c*": "?a"}


def test_without_the_restore_the_claims_tell() -> None:
    epoch = epoch_of(BACK_TO_A)
    known = origins(a=content(10), b=content(11), c=content(12, epoch=epoch, base=uid(10)))
    assert tree(things(vm(epoch=epoch), A, B, C, origins=known)) == {"a": None, "b": "a", "c*": "a"}


def test_without_both_now_is_told_by_the_vms_own_claims() -> None:
    filled = read(claim("web-root", 20, of=f"vmsnapshot-{uid(10)}-volume-root"), records.Claim)
    known = origins(a=content(10), b=content(11))
    found = things(vm(epoch=epoch_of(BACK_TO_A)), A, B, origins=known, claims={"web-root": filled})
    assert tree(found) == {"a*": None, "b": "a"}


def test_a_branch_from_what_was_deleted_is_a_root() -> None:
    epoch = epoch_of(BACK_TO_A)
    known = origins(b=content(11), c=content(12, epoch=epoch, base=uid(10)))
    assert tree(things(vm(epoch=epoch), B, C, restores=restores(BACK_TO_A), origins=known)) == {"b": None, "c*": None}


def test_a_name_that_was_used_again_is_another_snapshot() -> None:
    again = snapshot("a", 14, 4)
    epoch = epoch_of(BACK_TO_A)
    known = origins(b=content(11), c=content(12, epoch=epoch)) | {uid(14): Origin(epoch)}
    assert tree(things(vm(epoch=epoch), B, C, again, restores=restores(BACK_TO_A), origins=known)) == {
        "b": None, "c": None, "a*": "c",
    }  # fmt: skip


def test_what_is_noted_counts_most() -> None:
    noted = snapshot("c", 12, 3, annotations={"vmsnap.io/parents": f"{uid(77)},{uid(10)}"})
    root = snapshot("d", 13, 4, annotations={"vmsnap.io/parents": "-"})
    assert tree(things(vm(), A, B, noted, root)) == {"a": None, "b": "a", "c": "a", "d*": None}


def test_one_that_failed_has_no_children() -> None:
    failed = snapshot("b", 11, 2, status={"phase": "Failed", "readyToUse": False})
    assert tree(things(vm(), A, failed, C)) == {"a": None, "b": "a", "c*": "a"}


def test_a_restore_that_did_not_end_is_no_branch() -> None:
    begun = restore("back", 30, "a", 2.5, complete=False)
    assert tree(things(vm(), A, B, C, restores=restores(begun))) == {"a": None, "b": "a", "c*": "b"}


def test_snapshots_of_an_earlier_vm_of_that_name_are_a_tree_of_their_own() -> None:
    earlier = snapshot("old", 9, 0, status={"sourceUID": uid(99)})
    assert tree(things(vm(), earlier, A, B)) == {"old": None, "a": None, "b*": "a"}


def swapped_in(name: str, at: float) -> records.Claim:
    """A claim that was made from a VolumeSnapshot by us."""
    item = claim("web-data-2", 50, of=name)
    item["metadata"] |= {"creationTimestamp": hour(at), "annotations": {"vmsnap.io/vm": "web"}}
    return read(item, records.Claim)


def test_a_volume_that_was_swapped_in_is_a_branch_too() -> None:
    cut = read(volume_snapshot("cut", 40, 1.5), records.VolumeSnapshot)
    known = origins(a=content(10), b=content(11))
    claims = {"web-data": swapped_in("cut", 2.5)}
    found = things(vm(), A, B, volume_snapshots=(cut,), origins=known, claims=claims)
    assert tree(found) == {"a": None, "cut*": "?a", "b": "cut"}
    assert tree(things(vm(), A, B, C, volume_snapshots=(cut,), origins=known, claims=claims))["c*"] == "?cut"


def test_an_image_that_the_vm_was_made_of_is_no_branch() -> None:
    golden = read(claim("web-root", 20, of="debian-12"), records.Claim)
    assert tree(things(vm(), A, B, claims={"web-root": golden})) == {"a": None, "b*": "a"}


def test_contents_are_read_only_where_they_are_needed() -> None:
    noted = snapshot("c", 12, 3, annotations={"vmsnap.io/parents": "-"})
    begun = snapshot("d", 13, 4, status=BUSY)
    wanted = [needs_origin(read(each, records.VmSnapshot), Origin(), ()) for each in (A, noted, begun)]
    assert wanted == [True, False, False]
    of_that_second, before = (restores(restore("back", 30, "a", at)) for at in (3, 2))
    assert needs_origin(read(noted, records.VmSnapshot), Origin(), of_that_second)
    assert not needs_origin(read(noted, records.VmSnapshot), Origin(), before)
    assert needs_origin(read(noted, records.VmSnapshot), Origin(since=of_that_second[0].status.restore_time), ())


# Volume snapshots


def loose(*items: dict[str, Any]) -> tuple[Snapshot, ...]:
    return snapshots_of(things(vm(), volume_snapshots=tuple(read(each, records.VolumeSnapshot) for each in items)), REF)


def test_a_volume_snapshot_of_somebody_is_one_disk_and_nothing_is_known_of_its_worth() -> None:
    (found,) = loose(volume_snapshot("nightly", 40, 1))
    assert found.kind is SnapshotKind.VOLUME
    assert found.id == "pvc:shop/nightly"
    assert found.missing == ("root",)
    assert found.consistency is Consistency.UNKNOWN
    assert found.ready


def test_those_that_were_taken_together_are_one() -> None:
    notes = {"vmsnap.io/group": "set", "vmsnap.io/parts": "2", "vmsnap.io/state": "running", "vmsnap.io/frozen": "yes"}
    root = volume_snapshot("set-root", 40, 1, notes=notes | {"vmsnap.io/disk": "root"})
    root["spec"]["source"]["persistentVolumeClaimName"] = "a-claim-it-had-then"
    data = volume_snapshot("set-data", 41, 1, notes=notes | {"vmsnap.io/disk": "data"})
    (found,) = loose(root, data)
    assert (found.id, found.name, found.kind) == ("group:shop/set", "set", SnapshotKind.GROUP)
    assert {disk.disk for disk in found.disks if disk.included} == {"root", "data"}
    assert found.consistency is Consistency.FILESYSTEM
    (torn,) = loose(root)
    assert torn.error == "1 of its 2 parts are there"
    assert torn.consistency is Consistency.UNKNOWN
    del data["metadata"]["annotations"]["vmsnap.io/frozen"]
    assert loose(root, data)[0].consistency is Consistency.CRASH


def test_a_fault_of_the_storage_is_told_until_it_is_overcome() -> None:
    fault = {"message": "Failed to create snapshot: out of space"}
    (found,) = loose(volume_snapshot("n", 40, 1, readyToUse=False, error=fault))
    assert (found.ready, found.error) == (False, "Failed to create snapshot: out of space")
    (found,) = loose(volume_snapshot("n", 40, 1, error=fault))
    assert (found.ready, found.error) == (True, "")


def test_of_two_in_one_second_the_child_is_the_later_one() -> None:
    """Volume snapshots are cut within milliseconds, and times are told in whole seconds."""
    loner = volume_snapshot("z", 40, 1, notes={"vmsnap.io/parents": "-"})
    notes = {"vmsnap.io/group": "g", "vmsnap.io/parts": "1", "vmsnap.io/parents": uid(40)}
    found = loose(volume_snapshot("g-root", 41, 1, notes=notes), loner)  # by their ids the other way round
    assert {each.name: (each.parent, each.current) for each in found} == {
        "z": (None, False),
        "g": ("pvc:shop/z", True),
    }
