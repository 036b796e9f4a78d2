"""Great numbers of VMs and snapshots, for lists and watches only: written into etcd as the API server would.

Nobody is asked, so it takes seconds; the API server and its watchers see the new objects as they see any others.
virt-controller sees them too: let it rest meanwhile (`OpenShiftLab.pause_controllers`).
"""

from __future__ import annotations

import base64
import json
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from .api import KUBEVIRT, SNAPSHOT, Object
from .cluster import NODE
from .seed import vm_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH: Final = 500
BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)


def write(etcd: str, vms: int, snapshots: int, namespaces: int) -> None:
    """`vms` machines, every second of them running, with `snapshots` each, in namespaces `many-0` and so on.

    The namespaces must exist; `etcd` is its URL.
    """
    puts = [_put(key, item) for key, item in _objects(vms, snapshots, namespaces)]
    *batches, last = (puts[first : first + BATCH] for first in range(0, len(puts), BATCH))
    # The API server waits for the newest revision, not for all that came with it: the newest has one object.
    for batch in (*batches, last[:-1], last[-1:]):
        if batch:
            call(etcd, "kv/txn", {"success": batch})


def _put(key: str, item: Object) -> Object:
    value = json.dumps(item, separators=(",", ":")).encode()
    return {"requestPut": {"key": _text(key.encode()), "value": _text(value)}}


def call(etcd: str, what: str, body: Object) -> Object:
    """Ask etcd by its JSON gateway."""
    request = urllib.request.Request(f"{etcd}/v3/{what}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: Object = json.load(answer)
        return found


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _objects(vms: int, snapshots: int, namespaces: int) -> Iterator[tuple[str, Object]]:
    for number in range(vms):
        namespace, name = f"many-{number % namespaces}", f"vm-{number:05}"
        running = number % 2 == 0
        vm = _vm(namespace, name, running=running)
        yield f"/registry/kubevirt.io/virtualmachines/{namespace}/{name}", vm
        if running:
            yield f"/registry/kubevirt.io/virtualmachineinstances/{namespace}/{name}", _vmi(vm)
        for count in range(snapshots):
            snapshot = _snapshot(vm, count, running=running)
            where = f"{namespace}/{snapshot['metadata']['name']}"
            yield f"/registry/snapshot.kubevirt.io/virtualmachinesnapshots/{where}", snapshot


def _metadata(namespace: str, name: str, at: datetime) -> Object:
    return {
        "name": name,
        "namespace": namespace,
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace}/{name}")),
        "generation": 1,
        "creationTimestamp": _stamp(at),
        "labels": {"app": name.rsplit("-", 1)[0], "team": namespace},
    }


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _vm(namespace: str, name: str, *, running: bool) -> Object:
    volumes = [f"{name}-{disk}" for disk in ("root", "data")]
    return {
        "apiVersion": KUBEVIRT,
        "kind": "VirtualMachine",
        "metadata": _metadata(namespace, name, BEGIN),
        "spec": vm_spec(name, volumes, running=running),
        "status": {
            "created": running,
            "ready": running,
            "printableStatus": "Running" if running else "Stopped",
            "runStrategy": "Always" if running else "Halted",
            "conditions": [
                {"type": "Ready", "status": str(running), "lastTransitionTime": _stamp(BEGIN)},
                {"type": "LiveMigratable", "status": "False", "reason": "DisksNotLiveMigratable"},
            ],
            "volumeSnapshotStatuses": [{"name": volume, "enabled": True} for volume in volumes],
        },
    }


def _vmi(vm: Object) -> Object:
    metadata = vm["metadata"] | {"uid": str(uuid.uuid5(uuid.UUID(vm["metadata"]["uid"]), "vmi"))}
    return {
        "apiVersion": KUBEVIRT,
        "kind": "VirtualMachineInstance",
        "metadata": metadata,
        "spec": vm["spec"]["template"]["spec"],
        "status": {
            "phase": "Running",
            "nodeName": NODE,
            "conditions": [
                {"type": "Ready", "status": "True"},
                {"type": "AgentConnected", "status": "True"},
            ],
            "guestOSInfo": {"id": "debian", "prettyName": "Debian GNU/Linux 12 (bookworm)"},
        },
    }


def _snapshot(vm: Object, count: int, *, running: bool) -> Object:
    namespace, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
    at = BEGIN + timedelta(hours=count + 1)
    metadata = _metadata(namespace, f"{name}-snapshot-{count:03}", at)
    volumes = [volume["name"] for volume in vm["spec"]["template"]["spec"]["volumes"]]
    indications = ["Online", "GuestAgent"] if running else []
    return {
        "apiVersion": SNAPSHOT,
        "kind": "VirtualMachineSnapshot",
        "metadata": metadata | {"finalizers": ["snapshot.kubevirt.io/vmsnapshot-protection"]},
        "spec": {
            "source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": name},
            "deletionPolicy": "Delete",
            "failureDeadline": "5m0s",
        },
        "status": {
            "phase": "Succeeded",
            "readyToUse": True,
            "sourceUID": vm["metadata"]["uid"],
            "creationTime": _stamp(at + timedelta(seconds=4)),
            "virtualMachineSnapshotContentName": f"vmsnapshot-content-{metadata['uid']}",
            "indications": indications,
            "sourceIndications": [{"indication": name, "message": f"{name}."} for name in indications],
            "snapshotVolumes": {"includedVolumes": volumes},
            "conditions": [
                {"type": "Progressing", "status": "False", "reason": "Operation complete"},
                {"type": "Ready", "status": "True", "reason": "Operation complete"},
            ],
        },
    }
