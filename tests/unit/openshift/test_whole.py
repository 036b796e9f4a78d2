"""What only a look at all of a cluster shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.openshift.objects import content, hour, read, snapshot, uid
from vmsnap_tui.model.plan import Delete
from vmsnap_tui.model.snapshot import SnapRef
from vmsnap_tui.model.survey import Severity
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.openshift import records
from vmsnap_tui.platforms.openshift.classes import Chosen
from vmsnap_tui.platforms.openshift.whole import Whole, findings_of

SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
TAKEN = read(snapshot("s", 10, 1), records.VmSnapshot)
CONTENT = read(content(10), records.SnapshotContent)
PLACE = ("shop", f"vmsnapshot-{uid(10)}-volume-root")
WEB = ("shop", "web")


def cut(namespace: str = "shop", name: str = PLACE[1], policy: str = "Delete") -> Any:
    return read(
        {
            "metadata": {"name": "snapcontent-1", "creationTimestamp": hour(1)},
            "spec": {"deletionPolicy": policy, "volumeSnapshotRef": {"namespace": namespace, "name": name}},
            "status": {"snapshotHandle": "snap-77"},
        },
        records.VolumeSnapshotContent,
    )


def whole(**changes: Any) -> Whole:
    contents = {("shop", CONTENT.metadata.name): CONTENT}
    given: dict[str, Any] = {
        "machines": {WEB},
        "snapshots": [TAKEN],
        "contents": contents,
        "volumes": {PLACE},
        "cuts": [cut()],
    }
    return Whole(**(given | changes))


def codes(found: Whole, since: datetime = SINCE) -> list[str]:
    return [each.code for each in findings_of(found, "lab", since)]


def test_nothing_where_all_is_there() -> None:
    assert codes(whole()) == []


def test_a_snapshot_whose_vm_is_gone_is_a_note() -> None:
    [found] = findings_of(whole(machines=(), kubectl=("kubectl", "--context", "lab")), "lab", SINCE)
    assert (found.code, found.severity, found.vm) == ("snapshot-of-nobody", Severity.NOTE, None)
    assert found.mends[0].command == "kubectl --context lab -n shop delete virtualmachinesnapshot s"


@pytest.mark.parametrize(
    ("changes", "place"),
    [({"contents": {}}, CONTENT.metadata.name), ({"volumes": (), "cuts": ()}, PLACE[1])],
)
def test_a_record_without_data_is_an_error(changes: dict[str, Any], place: str) -> None:
    [found] = findings_of(whole(**changes), "lab", SINCE)
    assert (found.code, found.severity, found.place) == ("snapshot-without-data", Severity.ERROR, place)
    assert found.vm == VmRef("lab", "shop/web")
    assert found.mends[0].request == Delete(SnapRef(found.vm, "shop/s"))


def test_what_is_just_being_made_or_cannot_be_read_is_nothing_wrong() -> None:
    early = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    assert codes(whole(contents={}), early) == []
    assert codes(whole(volumes=()), early) == []
    assert codes(whole(contents=None, volumes=None, cuts=None)) == []
    assert codes(whole(volumes=None)) == []
    waiting = read(snapshot("s", 10, 1, status={"readyToUse": False}), records.VmSnapshot)
    assert codes(whole(snapshots=[waiting], contents={})) == []


@pytest.mark.parametrize(("policy", "words"), [("Retain", "Retain"), ("Delete", "not told")])
def test_a_content_that_nobody_shows(policy: str, words: str) -> None:
    [found] = findings_of(whole(cuts=[cut(name="gone", policy=policy)]), "lab", SINCE)
    assert (found.code, found.severity) == ("orphan-content", Severity.WARNING)
    assert words in found.means
    assert found.mends[0].command.splitlines() == [
        """kubectl patch volumesnapshotcontent snapcontent-1 --type merge -p '{"spec":{"deletionPolicy":"Delete"}}'""",
        "kubectl delete volumesnapshotcontent snapcontent-1",
    ]
    assert codes(whole(cuts=[cut("elsewhere", "gone")], namespaces={"shop"})) == []


def test_storage_classes_without_a_class_for_snapshots() -> None:
    classes = {
        "good": Chosen("daily", "csi"),
        "bare": Chosen(driver="bare.csi"),
        "torn": Chosen(driver="csi", rivals=("a", "b")),
    }
    bare, torn = findings_of(whole(classes=classes), "lab", SINCE)
    assert (bare.code, bare.severity) == ("no-snapshot-class", Severity.NOTE)
    assert "driver: bare.csi" in bare.mends[0].command
    assert (torn.code, torn.severity) == ("several-classes", Severity.WARNING)
    assert torn.mends[0].command.startswith("kubectl annotate volumesnapshotclass a ")
