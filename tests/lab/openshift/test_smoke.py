"""The OpenShift lab itself: what other tests build on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.libvirt.daemon import wait_until

from .api import Api, RefusedError, path
from .lab import EDITOR, READER, TENANT, OpenShiftLab, sweep

if TYPE_CHECKING:
    from .api import Object

BOTH = (b"first root", b"first data")


def take(cluster: OpenShiftLab, vm: str, name: str, namespace: str, **spec: str) -> None:
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm}
    snapshot = {
        "kind": "VirtualMachineSnapshot",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": source} | spec,
    }
    cluster.api.create("virtualmachinesnapshots", snapshot)


def wait_snapshot(cluster: OpenShiftLab, name: str, namespace: str) -> Object:
    """Until it can be restored or has failed; its status."""
    status: Object = {}

    def ended() -> bool:
        nonlocal status
        status = cluster.api.get("virtualmachinesnapshots", namespace, name).get("status", {})
        return status.get("phase") == "Failed" or bool(status.get("readyToUse"))

    wait_until(ended, 60, f"the snapshot {name}", every=0.1)
    return status


def restore(cluster: OpenShiftLab, vm: str, snapshot: str, namespace: str, name: str = "back", **spec: str) -> Object:
    target = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm}
    wanted = {
        "kind": "VirtualMachineRestore",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"target": target, "virtualMachineSnapshotName": snapshot} | spec,
    }
    cluster.api.create("virtualmachinerestores", wanted)
    status: Object = {}

    def complete() -> bool:
        nonlocal status
        status = cluster.api.get("virtualmachinerestores", namespace, name).get("status", {})
        return bool(status.get("complete"))

    wait_until(complete, 60, f"the restore {name}", every=0.1)
    return status


def claims(cluster: OpenShiftLab, vm: str, namespace: str) -> list[str]:
    spec = cluster.api.get("virtualmachines", namespace, vm)["spec"]["template"]["spec"]
    return [volume["persistentVolumeClaim"]["claimName"] for volume in spec["volumes"]]


def write(cluster: OpenShiftLab, vm: str, namespace: str, contents: tuple[bytes, ...]) -> None:
    for claim, content in zip(claims(cluster, vm, namespace), contents, strict=True):
        cluster.write_volume(claim, content, namespace)


def read(cluster: OpenShiftLab, vm: str, namespace: str) -> tuple[bytes, ...]:
    return tuple(cluster.read_volume(claim, len(BOTH[0]), namespace) for claim in claims(cluster, vm, namespace))


def ask_vm(cluster: OpenShiftLab, vm: str, namespace: str, action: str) -> None:
    where = f"/apis/subresources.kubevirt.io/v1/namespaces/{namespace}/virtualmachines/{vm}/{action}"
    cluster.api.ask("PUT", where, {})


def test_the_api_answers_each_user_as_their_roles_say(cluster: OpenShiftLab) -> None:
    namespace = cluster.fresh_namespace("smoke-users")
    everywhere = path("virtualmachines")
    reader, editor, tenant = (cluster.api_of(user) for user in (READER, EDITOR, TENANT))
    assert "items" in reader.ask("GET", everywhere)
    new: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}}
    where = f"/api/v1/namespaces/{namespace}/configmaps"
    with pytest.raises(RefusedError, match='User "reader" cannot create'):
        reader.ask("POST", where, new)
    assert editor.ask("POST", where, new)["metadata"]["uid"]
    restores = path("virtualmachinerestores", namespace)
    with pytest.raises(RefusedError, match='User "editor" cannot create resource "virtualmachinerestores"'):
        editor.ask("POST", restores, new)
    with pytest.raises(RefusedError, match='User "tenant" cannot list'):
        tenant.ask("GET", path("virtualmachines", namespace))
    cluster.grant(namespace, "view")
    wait_until(lambda: _may_list(tenant, namespace), 30, "the new right")


def _may_list(api: Api, namespace: str) -> bool:
    try:
        api.ask("GET", path("virtualmachines", namespace))
    except RefusedError:
        return False
    return True


def test_a_stopped_vm_comes_back_with_both_disks(cluster: OpenShiftLab) -> None:
    namespace = cluster.fresh_namespace("smoke-offline")
    vm = cluster.seed_vm("web", running=False, namespace=namespace)
    write(cluster, vm, namespace, BOTH)
    take(cluster, vm, "one", namespace)
    status = wait_snapshot(cluster, "one", namespace)
    assert status["phase"] == "Succeeded"
    assert "indications" not in status
    assert status["snapshotVolumes"]["includedVolumes"] == ["web-0", "web-1"]
    write(cluster, vm, namespace, (b"other root", b"other data"))
    restored = restore(cluster, vm, "one", namespace)["restores"]
    assert [entry["volumeName"] for entry in restored] == ["web-0", "web-1"]
    assert read(cluster, vm, namespace) == BOTH
    assert claims(cluster, vm, namespace) != ["web-0", "web-1"]


def test_a_running_vm_is_frozen_for_its_snapshot_and_thawed(cluster: OpenShiftLab) -> None:
    namespace = cluster.fresh_namespace("smoke-online")
    vm = cluster.seed_vm("web", namespace=namespace)
    cluster.set_storage_fault("CreateSnapshot", None, seconds=1)
    try:
        take(cluster, vm, "one", namespace)
        wait_until(lambda: cluster.is_frozen(vm, namespace), 30, "the freeze")
        status = wait_snapshot(cluster, "one", namespace)
    finally:
        cluster.clear_storage_faults()
    assert sorted(status["indications"]) == ["GuestAgent", "Online"]
    wait_until(lambda: not cluster.is_frozen(vm, namespace), 30, "the thaw")


def test_without_an_agent_the_snapshot_says_so(cluster: OpenShiftLab) -> None:
    namespace = cluster.fresh_namespace("smoke-no-agent")
    vm = cluster.seed_vm("web", namespace=namespace)
    cluster.set_agent(vm, False, namespace)
    take(cluster, vm, "one", namespace)
    assert sorted(wait_snapshot(cluster, "one", namespace)["indications"]) == ["NoGuestAgent", "Online"]


def test_a_freeze_that_fails_runs_into_the_deadline(cluster: OpenShiftLab) -> None:
    namespace = cluster.fresh_namespace("smoke-freeze-fails")
    vm = cluster.seed_vm("web", namespace=namespace)
    cluster.set_freeze(vm, namespace, fails="the freeze was told to fail")
    take(cluster, vm, "one", namespace, failureDeadline="8s")
    status: Object = {}

    def complained() -> bool:
        nonlocal status
        status = cluster.api.get("virtualmachinesnapshots", namespace, "one").get("status", {})
        return "error" in status

    wait_until(complained, 30, "the error", every=0.1)
    assert "the freeze was told to fail" in status["error"]["message"]
    assert wait_snapshot(cluster, "one", namespace)["phase"] == "Failed"
    assert not cluster.is_frozen(vm, namespace)


def test_a_snapshot_becomes_a_new_vm(cluster: OpenShiftLab) -> None:
    namespace = cluster.fresh_namespace("smoke-new-vm")
    vm = cluster.seed_vm("web", running=False, namespace=namespace)
    write(cluster, vm, namespace, BOTH)
    take(cluster, vm, "one", namespace)
    wait_snapshot(cluster, "one", namespace)
    restore(cluster, "copy", "one", namespace)
    assert read(cluster, "copy", namespace) == BOTH
    ask_vm(cluster, "copy", namespace, "start")
    cluster.wait_vm("copy", "Running", namespace)
    ask_vm(cluster, "copy", namespace, "stop")
    cluster.wait_vm("copy", "Stopped", namespace)


def test_volumes_without_a_snapshot_class_are_left_out(cluster: OpenShiftLab) -> None:
    namespace = cluster.fresh_namespace("smoke-excluded")
    volumes = [cluster.seed_volume("kept", namespace=namespace)]
    volumes += [cluster.seed_volume("left-out", namespace=namespace, snapshots=False)]
    cluster.seed_vm_with("web", volumes, namespace=namespace)
    take(cluster, "web", "one", namespace)
    found = wait_snapshot(cluster, "one", namespace)["snapshotVolumes"]
    assert (found["includedVolumes"], found["excludedVolumes"]) == (["kept"], ["left-out"])


def test_deleting_a_snapshot_takes_its_data_along(cluster: OpenShiftLab) -> None:
    namespace = cluster.fresh_namespace("smoke-delete")
    vm = cluster.seed_vm("web", running=False, namespace=namespace)
    before = set((cluster.place.storage / "snapshots").iterdir())
    take(cluster, vm, "one", namespace)
    wait_snapshot(cluster, "one", namespace)
    made = set((cluster.place.storage / "snapshots").iterdir()) - before
    assert len(made) == 4  # two volumes, a note each
    cluster.api.delete("virtualmachinesnapshots", namespace, "one")
    wait_until(lambda: not any(file.exists() for file in made), 60, "the storage to let go", every=0.1)


def test_what_virt_api_refuses_is_refused(cluster: OpenShiftLab) -> None:
    namespace = cluster.fresh_namespace("smoke-refused")
    with pytest.raises(RefusedError, match=r"422: .*missing apiGroup"):
        cluster.api.create("virtualmachinesnapshots", {
            "kind": "VirtualMachineSnapshot",
            "metadata": {"name": "one", "namespace": namespace},
            "spec": {"source": {"kind": "VirtualMachine", "name": "web"}},
        })  # fmt: skip
    vm = cluster.seed_vm("web", namespace=namespace)
    instances = f"/apis/subresources.kubevirt.io/v1/namespaces/{namespace}/virtualmachineinstances"
    with pytest.raises(RefusedError, match=r"500: .*Unfreeze timeout in freeze request is not set"):
        cluster.api.ask("PUT", f"{instances}/{vm}/freeze", {})
    with pytest.raises(RefusedError, match=r"409: .*VM is already running"):
        ask_vm(cluster, vm, namespace, "start")


def test_the_api_stops_and_comes_back_with_the_controllers(cluster: OpenShiftLab) -> None:
    namespace = cluster.fresh_namespace("smoke-restart")
    past = cluster.api.ask("GET", path("namespaces"))["metadata"]["resourceVersion"]
    cluster.fresh_namespace("smoke-restart-later")
    cluster.stop_api()
    assert not cluster.api.is_ready()
    cluster.start_api()
    event = cluster.api.ask("GET", path("namespaces"), watch="1", resourceVersion=past, timeoutSeconds="5")
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
    vm = cluster.seed_vm("web", namespace=namespace)
    take(cluster, vm, "one", namespace)
    assert wait_snapshot(cluster, "one", namespace)["phase"] == "Succeeded"


def test_pages_of_the_past_expire(cluster: OpenShiftLab) -> None:
    first = cluster.api.ask("GET", path("namespaces"), limit="1")["metadata"]
    cluster.fresh_namespace("smoke-expire")
    cluster.compact()
    with pytest.raises(RefusedError, match="410: "):
        cluster.api.ask("GET", path("namespaces"), limit="1", **{"continue": first["continue"]})


def test_many_objects_are_there_at_once(cluster: OpenShiftLab) -> None:
    assert cluster.api.is_ready()
    with OpenShiftLab() as other:
        other.many(200, 10, namespaces=4)
        snapshots = other.api_of(READER).ask("GET", path("virtualmachinesnapshots"))["items"]
        assert len(snapshots) == 2000
        assert len(other.api.list("virtualmachines", "many-3")) == 50
        with other.counting() as requests:
            other.api_of(READER).ask("GET", path("virtualmachines"), limit="10")
        assert [(request.user, request.verb, request.status) for request in requests] == [(READER, "list", 200)]
        assert sweep() == []  # neither of the two, which run side by side


def test_a_busy_api_server_is_asked_again_and_makes_nothing_twice(
    cluster: OpenShiftLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = cluster.fresh_namespace("smoke-busy")
    api, said = Api(cluster.place), [
        {"message": "etcdserver: request timed out"},
        {"message": "the request did not complete", "reason": "Timeout"},
    ]  # fmt: skip
    real = api._exchange

    def exchange(*request: Any) -> tuple[int, bytes]:
        answer = real(*request)  # it was done, and the answer did not come through
        return (504, json.dumps(said.pop()).encode()) if said else answer

    monkeypatch.setattr(api, "_exchange", exchange)
    item: Object = {"kind": "PersistentVolumeClaim", "metadata": {"name": "one", "namespace": namespace}}
    item["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    made = api.create("persistentvolumeclaims", item)
    assert not said
    assert [each["metadata"]["uid"] for each in api.list("persistentvolumeclaims", namespace)] == [
        made["metadata"]["uid"]
    ]
    with pytest.raises(RefusedError, match=r"409: .*already exists"):
        api.create("persistentvolumeclaims", item)
