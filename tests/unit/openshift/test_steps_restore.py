"""Steps that restore, delete and describe: what is asked of a cluster, and what is left when it goes wrong. A fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.openshift.fake import Doing, FakeCluster
from vmsnap_tui.model.errors import Cancelled, Conflict, Failed, Missing, Unsupported
from vmsnap_tui.platforms.openshift.kinds import RESTORES as RESTORE_KIND

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("quick")

Object = dict[str, Any]
SNAPSHOTS, RESTORES, CLAIMS = "virtualmachinesnapshots", RESTORE_KIND.plural, "persistentvolumeclaims"
MACHINES, INSTANCES, VOLUMES = "virtualmachines", "virtualmachineinstances", "volumesnapshots"
GIB = 1 << 30


@pytest.fixture
def cluster() -> FakeCluster:
    """A running vm of two volumes with a snapshot, which starts and stops as it is told."""
    found = FakeCluster()
    volumes = [
        {"name": "root", "dataVolume": {"name": "web-root"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}, "hotpluggable": True},
    ]
    found.add(
        MACHINES,
        "web",
        spec={
            "template": {"spec": {"volumes": volumes}},
            "dataVolumeTemplates": [{"metadata": {"name": "other"}}, {"metadata": {"name": "web-root"}}],
        },
        status={},
    )
    found.add(INSTANCES, "web", status={"phase": "Running"})
    found.add(SNAPSHOTS, "one", status={"phase": "Succeeded", "readyToUse": True})
    for name in ("web-root", "web-data"):
        spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "volumeMode": "Block"}
        found.add(CLAIMS, name, spec=spec, status={"phase": "Bound"})

    def called(what: str) -> None:
        if what.endswith("/stop"):
            found.objects.pop((INSTANCES, "web"), None)
        elif what.endswith("/start"):
            found.add(INSTANCES, "web", status={"phase": "Running"})

    found.on_call = called
    return found


def _params(**values: Any) -> dict[str, Any]:
    usual = {
        "snapshot": "one",
        "uid": "uid-3",
        "vm_uid": "uid-1",
        "policy": "",
        "readiness": "FailImmediate",
        "stop": True,
        "runs": True,
        "cuts": [{"disk": "root", "name": "vs-root", "claim": "web-root", "size": GIB}],
        "remove": [],
    }
    return usual | values


def _status(**status: Any) -> Callable[[FakeCluster], None]:
    def look(cluster: FakeCluster) -> None:
        for name in cluster.names(RESTORES):
            cluster.objects[RESTORES, name]["status"] = status

    return look


def _condition(type_: str, status: str, reason: str) -> list[Object]:
    return [{"type": type_, "status": status, "reason": reason}]


DONE = _status(complete=True)


def test_the_vm_is_stopped_first_and_runs_again(cluster: FakeCluster) -> None:
    cluster.looks = [DONE]
    assert Doing(cluster).do("restore", **_params(policy="InPlace")) == "restored; the vm runs"
    assert [what for what, _ in cluster.calls] == ["virtualmachines/stop", "virtualmachines/start"]
    (name,) = cluster.names(RESTORES)
    assert name.startswith("one-restore-")
    assert cluster.objects[RESTORES, name]["spec"] == {
        "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "web"},
        "virtualMachineSnapshotName": "one",
        "volumeRestorePolicy": "InPlace",
        "targetReadinessPolicy": "FailImmediate",
    }
    order = cluster.sent
    assert order.index(f"PUT {MACHINES}/web/stop") < order.index(f"POST {RESTORES}")


def test_a_vm_that_is_off_stays_off(cluster: FakeCluster) -> None:
    del cluster.objects[INSTANCES, "web"]
    cluster.looks = [DONE]
    assert Doing(cluster).do("restore", **_params(stop=False, runs=False)) == "restored; the vm is off"
    assert cluster.calls == []


def test_new_claims_come_up_one_by_one(cluster: FakeCluster) -> None:
    def one_by_one(fake: FakeCluster) -> None:
        phase = "Bound" if len(fake.sent) > 40 else "Pending"
        fake.add(CLAIMS, "restore-root", status={"phase": phase})
        _status(
            restores=[{"volumeName": "root", "persistentVolumeClaim": "restore-root"}], complete=len(fake.sent) > 60
        )(fake)

    cluster.looks = [one_by_one]
    doing = Doing(cluster)
    doing.do("restore", **_params())
    shown = [report.done for report in doing.reports if report.total]
    assert shown[0] == 0
    assert shown[-1] == GIB


def test_a_wish_that_the_cluster_drops_is_seen(cluster: FakeCluster) -> None:
    cluster.looks = [DONE]
    ask = cluster.ask

    def pruning(method: str, path: str, **values: Any) -> bytes:
        if method == "POST" and path.endswith(RESTORES):
            del values["body"]["spec"]["volumeRestorePolicy"]
        return ask(method, path, **values)

    cluster.ask = pruning  # type: ignore[method-assign]
    with pytest.raises(Unsupported, match="volumeRestorePolicy"):
        Doing(cluster).do("restore", **_params(policy="InPlace"))
    assert cluster.names(RESTORES) == []
    assert cluster.get_raw(INSTANCES, "web") is not None


def test_one_that_fails_leaves_nothing_in_the_way_and_the_vm_running(cluster: FakeCluster) -> None:
    failure = _condition("Failure", "True", "Restore target failed to be ready within 5m0s")
    cluster.looks = [_status(conditions=failure)]
    with pytest.raises(Failed, match=r"failed to be ready within 5m0s.*the vm runs"):
        Doing(cluster).do("restore", **_params())
    assert cluster.names(RESTORES) == []
    assert cluster.get_raw(INSTANCES, "web") is not None


def test_one_that_is_stuck_is_given_up_and_left_if_it_has_begun(cluster: FakeCluster) -> None:
    stuck = _condition("Progressing", "False", "VMSnapshot shop/one not ready")
    cluster.looks = [_status(conditions=stuck, restores=[{"volumeName": "root", "persistentVolumeClaim": "x"}])]
    with pytest.raises(Failed, match="not ready"):
        Doing(cluster).do("restore", **_params(runs=False))
    assert len(cluster.names(RESTORES)) == 1


def test_waiting_for_the_vm_to_be_switched_off_can_be_stopped(cluster: FakeCluster) -> None:
    words = "Waiting for target VM to be powered off. Please stop the restore target to proceed with restore"
    cluster.looks = [_status(conditions=_condition("Progressing", "False", words))]
    doing = Doing(cluster)
    doing.on_report = lambda progress: doing.stop.set() if progress.phase.startswith("Waiting") else None
    with pytest.raises(Cancelled):
        doing.do("restore", **_params(stop=False, readiness="WaitEventually"))
    assert cluster.names(RESTORES) == []
    assert cluster.get_raw(INSTANCES, "web") is not None


def test_a_snapshot_of_the_same_name_is_another(cluster: FakeCluster) -> None:
    with pytest.raises(Missing):
        Doing(cluster).do("restore", **_params(uid="another"))
    assert cluster.calls == []


def test_only_claims_that_no_vm_has_are_removed(cluster: FakeCluster) -> None:
    cluster.add(CLAIMS, "old", metadata={"ownerReferences": [{"kind": "DataVolume", "name": "old", "uid": "d"}]})
    cluster.add("datavolumes", "old", metadata={"uid": "d"})
    cluster.add(CLAIMS, "older")
    cluster.looks = [DONE]
    said = Doing(cluster).do("restore", **_params(remove=["old", "older", "web-data", "gone"]))
    assert "removed old, older" in said
    assert "left web-data (a vm has it)" in said
    assert cluster.names("datavolumes") == []
    assert "older" not in cluster.names(CLAIMS)
    assert "web-data" in cluster.names(CLAIMS)


# Claims of volume snapshots


def _swap(**values: Any) -> dict[str, Any]:
    cuts = [
        {"disk": disk, "name": f"vs-{disk}", "claim": f"web-{disk}", "size": GIB, "new": f"new-{disk}"}
        for disk in ("root", "data")
    ]
    return _params(uid="", snapshot="group:shop/one", cuts=cuts, **values)


def test_claims_are_made_like_the_old_ones(cluster: FakeCluster) -> None:
    cluster.add(VOLUMES, "vs-root")
    cluster.add(VOLUMES, "vs-data")
    assert Doing(cluster).do("claims", cuts=_swap()["cuts"]) == "made new-root, new-data"
    assert cluster.objects[CLAIMS, "new-data"]["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": str(GIB)}},
        "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "vs-data"},
        "storageClassName": "fast",
        "volumeMode": "Block",
    }


def test_all_claims_or_none(cluster: FakeCluster) -> None:
    cluster.add(VOLUMES, "vs-root")
    cluster.add(VOLUMES, "vs-data")
    cluster.add(CLAIMS, "new-data")
    with pytest.raises(Conflict):
        Doing(cluster).do("claims", cuts=_swap()["cuts"])
    assert "new-root" not in cluster.names(CLAIMS)
    assert "new-data" in cluster.names(CLAIMS)


def test_the_vm_is_pointed_to_the_new_claims(cluster: FakeCluster) -> None:
    cluster.add(VOLUMES, "vs-root")
    cluster.add(VOLUMES, "vs-data")
    said = Doing(cluster).do("swap", **_swap())
    assert "the vm runs" in said
    spec = cluster.objects[MACHINES, "web"]["spec"]
    root, data = spec["template"]["spec"]["volumes"]
    assert root["persistentVolumeClaim"]["claimName"].startswith("web-root-")
    assert "dataVolume" not in root
    assert data["hotpluggable"] is True
    assert data["persistentVolumeClaim"]["claimName"] in cluster.names(CLAIMS)
    assert spec["dataVolumeTemplates"] == [{"metadata": {"name": "other"}}]
    assert {"web-root", "web-data"} <= set(cluster.names(CLAIMS))


def test_a_vm_that_cannot_be_changed_is_left_as_it_was(cluster: FakeCluster) -> None:
    cluster.add(VOLUMES, "vs-root")
    cluster.add(VOLUMES, "vs-data")
    cluster.refuse[f"PATCH {MACHINES}"] = Failed("admission webhook denied the request")
    with pytest.raises(Failed, match="denied"):
        Doing(cluster).do("swap", **_swap())
    assert sorted(cluster.names(CLAIMS)) == ["web-data", "web-root"]
    assert cluster.get_raw(INSTANCES, "web") is not None


def test_a_vm_that_runs_on_is_not_changed(cluster: FakeCluster) -> None:
    cluster.add(VOLUMES, "vs-root")
    cluster.add(VOLUMES, "vs-data")
    with pytest.raises(Conflict, match="the vm runs"):
        Doing(cluster).do("swap", **_swap(stop=False))
    assert sorted(cluster.names(CLAIMS)) == ["web-data", "web-root"]


# Beside the vm


def _finishes(plural: str, **status: Any) -> Callable[[FakeCluster], None]:
    def look(cluster: FakeCluster) -> None:
        for name in cluster.names(plural):
            cluster.objects[plural, name]["status"] = status

    return look


def _launch(**values: Any) -> dict[str, Any]:
    usual = {"snapshot": "one", "uid": "uid-3", "name": "copy", "version": "v1beta1", "naming": "", "patches": [],
             "runs": False, "cuts": []}  # fmt: skip
    return usual | values


def test_a_new_vm_is_cloned(cluster: FakeCluster) -> None:
    cluster.looks = [_finishes("virtualmachineclones", phase="Succeeded")]
    assert Doing(cluster).do("launch", **_launch(naming="PrefixTargetName")) == "made copy; it is off"
    (name,) = cluster.names("virtualmachineclones")
    spec = cluster.objects["virtualmachineclones", name]["spec"]
    assert spec["source"] == {
        "apiGroup": "snapshot.kubevirt.io", "kind": "VirtualMachineSnapshot", "name": "one"
    }  # fmt: skip
    assert spec["target"]["name"] == "copy"
    assert spec["volumeNamePolicy"] == "PrefixTargetName"


def test_a_clone_that_fails_says_why(cluster: FakeCluster) -> None:
    conditions = [{"type": "Ready", "status": "False", "reason": "", "message": "no room"}]
    cluster.looks = [_finishes("virtualmachineclones", phase="Failed", conditions=conditions)]
    with pytest.raises(Failed, match="no room"):
        Doing(cluster).do("launch", **_launch())


def test_a_new_vm_is_restored_where_nothing_clones(cluster: FakeCluster) -> None:
    cluster.looks = [DONE]
    Doing(cluster).do("launch", **_launch(version="", patches=["p"]))
    (name,) = cluster.names(RESTORES)
    spec = cluster.objects[RESTORES, name]["spec"]
    assert (spec["target"]["name"], spec["patches"]) == ("copy", ["p"])


def test_no_vm_is_made_over_another(cluster: FakeCluster) -> None:
    with pytest.raises(Failed, match="there is a vm web"):
        Doing(cluster).do("launch", **_launch(name="web"))


def test_an_export_tells_where_it_is(cluster: FakeCluster) -> None:
    link = {"volumes": [{"name": "root", "formats": [{"format": "raw", "url": "https://x/root.img"}]}]}
    cluster.looks = [
        _finishes("virtualmachineexports", phase="Ready", tokenSecretRef="secret", links={"internal": link})
    ]
    said = Doing(cluster).do("export", snapshot="one", uid="uid-3", version="v1beta1")
    assert "https://x/root.img" in said
    assert "secret secret" in said


def test_an_export_that_is_stopped_is_removed(cluster: FakeCluster) -> None:
    doing = Doing(cluster)
    doing.on_report = lambda progress: doing.stop.set() if "Pending" in progress.phase else None
    with pytest.raises(Cancelled):
        doing.do("export", snapshot="one", uid="uid-3", version="v1beta1")
    assert cluster.names("virtualmachineexports") == []


# Deleting and describing


def _delete(**values: Any) -> dict[str, Any]:
    return {"snapshot": "one", "uid": "uid-3", "content": "", "cuts": [], "retains": False, **values}


def test_it_and_its_data_are_seen_to_go(cluster: FakeCluster) -> None:
    cluster.add("virtualmachinesnapshotcontents", "content")
    cluster.add(VOLUMES, "vs-root")

    def follow(fake: FakeCluster) -> None:
        if (SNAPSHOTS, "one") not in fake.objects:
            fake.objects.pop(("virtualmachinesnapshotcontents", "content"), None)
            fake.objects.pop((VOLUMES, "vs-root"), None)

    cluster.looks = [follow]
    assert Doing(cluster).do("delete", **_delete(content="content", cuts=["vs-root"])) == "deleted"
    assert cluster.names(SNAPSHOTS) == []


def test_data_that_stays_by_policy_is_named(cluster: FakeCluster) -> None:
    cluster.add("virtualmachinesnapshotcontents", "content")
    said = Doing(cluster).do("delete", **_delete(content="content", retains=True))
    assert said == "deleted; its data stays in content"


def test_data_that_is_held_is_told(cluster: FakeCluster) -> None:
    held = {"finalizers": ["snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"]}
    cluster.add(VOLUMES, "vs-root", metadata=held)
    said = Doing(cluster).do("delete", **_delete(cuts=["vs-root"]))
    assert "vs-root, held by snapshot.storage.kubernetes.io/volumesnapshot-bound-protection" in said


def test_a_record_that_is_held_fails_and_shows_by_what(cluster: FakeCluster) -> None:
    cluster.objects[SNAPSHOTS, "one"]["metadata"]["finalizers"] = ["example.com/keep"]
    doing = Doing(cluster)
    with pytest.raises(Failed, match=r"held by example\.com/keep"):
        doing.do("delete", **_delete())
    assert any("example.com/keep" in report.phase for report in doing.reports)


@pytest.mark.parametrize("params", [_delete(uid="another"), _delete(snapshot="", cuts=["vs-gone"])])
def test_what_is_gone_is_missing(cluster: FakeCluster, params: dict[str, Any]) -> None:
    with pytest.raises(Missing):
        Doing(cluster).do("delete", **params)
    assert cluster.names(SNAPSHOTS) == ["one"]


def test_volume_snapshots_are_deleted(cluster: FakeCluster) -> None:
    cluster.add(VOLUMES, "vs-root")
    assert Doing(cluster).do("delete", **_delete(snapshot="", cuts=["vs-root", "vs-gone"])) == "deleted"
    assert cluster.names(VOLUMES) == []


def test_a_failed_restore_is_cleared(cluster: FakeCluster) -> None:
    cluster.add(RESTORES, "r1")
    assert "r1" in Doing(cluster).do("clear", restore="r1")
    assert cluster.names(RESTORES) == []
    assert Doing(cluster).do("clear", restore="r1") == "it is gone already"


def test_describing(cluster: FakeCluster) -> None:
    cluster.add(VOLUMES, "vs-root")
    Doing(cluster).do("edit", snapshot="one", cuts=[], description="why")
    Doing(cluster).do("edit", snapshot="", cuts=["vs-root"], description="because")
    assert cluster.objects[SNAPSHOTS, "one"]["metadata"]["annotations"]["description"] == "why"
    assert cluster.objects[VOLUMES, "vs-root"]["metadata"]["annotations"]["description"] == "because"
    with pytest.raises(Missing):
        Doing(cluster).do("edit", snapshot="none", cuts=[], description="why")


def test_a_step_of_another_version_is_refused(cluster: FakeCluster) -> None:
    with pytest.raises(Unsupported):
        Doing(cluster).do("fly")
