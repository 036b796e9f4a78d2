"""Layers with the objects that lead to them, and what is wrong with those objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.openshift.objects import REF, claim, content, read, snapshot, things, uid, vm, volume_snapshot
from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.survey import Severity
from vmsnap_tui.platforms.openshift import hops, records
from vmsnap_tui.platforms.openshift.chain import layers
from vmsnap_tui.platforms.openshift.findings import findings_of
from vmsnap_tui.platforms.openshift.snapshots import snapshots_of

PLACE = f"vmsnapshot-{uid(10)}-volume-root"
GIB = 2**30
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WAIT = timedelta(minutes=10)
CUT = {
    "metadata": {"name": f"snapcontent-{uid(30)}"},
    "spec": {"driver": "disk.csi.example.com", "deletionPolicy": "Delete", "volumeSnapshotClassName": "fast"},
    "status": {"snapshotHandle": "snap-77", "readyToUse": True},
}


def found(*, cut: dict[str, Any] | None = CUT, unread: dict[str, str] | None = None, **status: Any) -> hops.Found:
    volume = read(volume_snapshot(PLACE, 30, 1, **status), records.VolumeSnapshot)
    return hops.Found(
        {uid(10): read(content(10), records.SnapshotContent)},
        {PLACE: volume},
        {PLACE: read(cut, records.VolumeSnapshotContent)} if cut else {},
        unread or {},
    )


def traced(known: hops.Found) -> dict[str, Layer]:
    it = things(vm(), snapshot("s", 10, 1), claims={"web-root": read(claim("web-root", 20, of="old"), records.Claim)})
    return {each.place: each for each in hops.traced(layers(it, snapshots_of(it, REF)), it, known)}


def test_from_the_snapshot_to_the_drivers_handle() -> None:
    layer = traced(found())[PLACE]
    assert [(hop.kind, hop.name, hop.ready, hop.error) for hop in layer.hops] == [
        ("VirtualMachineSnapshot", "s", True, ""),
        ("VirtualMachineSnapshotContent", f"vmsnapshot-content-{uid(10)}", None, ""),
        ("VolumeSnapshot", PLACE, True, ""),
        ("VolumeSnapshotContent", f"snapcontent-{uid(30)}", True, ""),
        ("disk.csi.example.com", "snap-77", True, ""),
    ]
    assert dict(layer.hops[2].details) == {"class": "fast", "restore size": "10Gi"}
    assert dict(layer.hops[3].details) == {"class": "fast", "deletion policy": "Delete"}
    assert layer.virtual == 10 * GIB
    assert layer.used is None


def test_from_the_claim_to_its_volume_and_where_it_is_from() -> None:
    [layer] = [each for each in traced(found()).values() if each.kind is LayerKind.ACTIVE]
    assert [(hop.kind, hop.name, hop.ready) for hop in layer.hops] == [
        ("PersistentVolumeClaim", "web-root", True),
        ("PersistentVolume", "pvc-20", None),
    ]
    assert dict(layer.hops[0].details) == {
        "storage class": "fast", "mode": "Block", "access": "ReadWriteMany", "restored from": "VolumeSnapshot old",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("known", "hop", "error"),
    [
        (hops.Found(), "VirtualMachineSnapshotContent", "it is not there, or may not be read"),
        (hops.Found(unread={PLACE: "forbidden"}), "VolumeSnapshot", "forbidden"),
        (hops.Found(), "VolumeSnapshot", "it is not there"),
        (found(error={"message": "no class"}, readyToUse=False), "VolumeSnapshot", "no class"),
        (found(cut=None), "VolumeSnapshotContent", "it is not there"),
        (found(cut=None, unread={f"snapcontent-{uid(30)}": "not allowed"}), "VolumeSnapshotContent", "not allowed"),
        (found(cut=CUT | {"status": {}}), "disk.csi.example.com", "the driver has given no handle"),
    ],
)
def test_what_is_missing_is_said_at_its_hop(known: hops.Found, hop: str, error: str) -> None:
    assert [each.error for each in traced(known)[PLACE].hops if each.kind == hop] == [error]


def test_snapshots_of_other_branches_stand_aside() -> None:
    noted = snapshot("c", 12, 3, annotations={"vmsnap.io/parents": uid(10)})
    it = things(vm(), snapshot("a", 10, 1), snapshot("b", 11, 2), noted)
    shown = {each.snapshots[0]: each.aside for each in layers(it, snapshots_of(it, REF)) if each.snapshots}
    assert shown == {"shop/a": False, "shop/b": True, "shop/c": False}


@pytest.mark.parametrize(
    ("deleted", "finalizers", "codes"),
    [
        ("2026-03-01T11:00:00Z", ["a/b"], ["deletion-hangs"]),
        ("2026-03-01T11:58:00Z", ["a/b"], []),
        ("2026-03-01T11:00:00Z", [], []),
        (None, ["a/b"], []),
    ],
)
def test_a_deletion_that_hangs(deleted: str | None, finalizers: list[str], codes: list[str]) -> None:
    it = things(vm(), snapshot("s", 10, 1, deletionTimestamp=deleted, finalizers=finalizers))
    findings = list(findings_of(it, REF, NOW, WAIT))
    assert [each.code for each in findings] == codes
    for each in findings:
        assert each.severity is Severity.WARNING
        assert "a/b" in each.what
        assert each.snapshot == "shop/s"
        assert each.mends[0].command == "kubectl -n shop describe virtualmachinesnapshot s"


def test_a_claim_whose_volume_is_gone() -> None:
    lost = claim("web-root", 20)
    lost["status"]["phase"] = "Lost"
    it = things(vm(), claims={"web-root": read(lost, records.Claim)})
    [finding] = findings_of(it, REF, NOW, WAIT)
    assert (finding.code, finding.severity, finding.place) == ("lost-claim", Severity.ERROR, "web-root")
