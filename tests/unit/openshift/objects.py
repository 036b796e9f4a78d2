"""Objects as a cluster answers with them: its field names, its words, and much that is skipped."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.openshift import records
from vmsnap_tui.platforms.openshift.snapshots import Things

Object = dict[str, Any]
T = TypeVar("T")

REF = VmRef("east", "shop/web")
VM_UID = "4f0c1b57-0000-4000-8000-000000000001"
ONLINE = ("Online", "Snapshot taken while the VM was running. Consistency depends on guest-agent quiescing.")
AGENT = (
    "GuestAgent",
    "Guest agent was active and attempted to quiesce the filesystem for application consistency.",
)
NO_AGENT = (
    "NoGuestAgent",
    "Guest agent was not available. Snapshot is crash-consistent and may not be application-consistent.",
)
TIMEOUT = (
    "QuiesceTimeout",
    (
        "Guest agent quiesced the filesystem, but the freeze window timed out before completion. Snapshot is "
        "crash-consistent and may not be application-consistent."
    ),
)
PAUSED = (
    "Paused",
    "Snapshot taken while the VM was paused. Snapshot is crash-consistent and may not be application-consistent.",
)
PARTIAL = (
    "PartialSnapshot",
    (
        "Not all snapshotable volumes were included in the snapshot. Check status.snapshotVolumes for excluded volumes "
        "and VM VolumeSnapshotStatus for details."
    ),
)


def read(item: Object, type_: type[T]) -> T:
    """As it comes over the wire."""
    return msgspec.json.decode(msgspec.json.encode(item), type=type_)


def uid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def hour(number: float) -> str:
    return f"2026-03-01T{int(number):02}:{int(number % 1 * 60):02}:00Z"


def meta(name: str, number: int, at: float = 0, **more: Any) -> Object:
    return {
        "name": name,
        "namespace": "shop",
        "uid": uid(number),
        "resourceVersion": str(100 + number),
        "generation": 1,
        "creationTimestamp": hour(at),
        "managedFields": [{"manager": "virt-api", "fieldsV1": {"f:spec": {}}}],
        **more,
    }


def vm(*, epoch: str = "", status: Object | None = None, spec: Object | None = None, **more: Any) -> Object:
    annotations = {"kubevirt.io/latest-observed-api-version": "v1"}
    if epoch:
        annotations["restore.kubevirt.io/lastRestoreUID"] = epoch
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": meta("web", 1, uid=VM_UID, annotations=annotations, **more),
        "spec": {
            "runStrategy": "Always",
            "dataVolumeTemplates": [{"metadata": {"name": "web-root"}, "spec": {"storage": {}}}],
            "template": {
                "metadata": {"labels": {"kubevirt.io/domain": "web"}, "creationTimestamp": None},
                "spec": {
                    "domain": {
                        "cpu": {"cores": 2, "sockets": 2},
                        "memory": {"guest": "4Gi"},
                        "firmware": {"bootloader": {"efi": {"secureBoot": True}}},
                        "devices": {
                            "disks": [
                                {"name": "root", "disk": {"bus": "virtio"}, "bootOrder": 1},
                                {"name": "data", "disk": {"bus": "virtio"}, "shareable": True},
                                {"name": "tools", "cdrom": {"bus": "sata"}},
                                {"name": "cloudinit", "disk": {"bus": "virtio"}},
                            ],
                            "interfaces": [{"name": "default", "masquerade": {}, "macAddress": "02:00:00:00:00:01"}],
                            "rng": {},
                        },
                    },
                    "volumes": [
                        {"name": "root", "dataVolume": {"name": "web-root"}},
                        {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}},
                        {"name": "tools", "containerDisk": {"image": "registry/virtio-win:1"}},
                        {"name": "cloudinit", "cloudInitNoCloud": {"userData": "#cloud-config"}},
                    ],
                },
            },
            **(spec or {}),
        },
        "status": {
            "printableStatus": "Running",
            "created": True,
            "ready": True,
            "conditions": [{"type": "AgentConnected", "status": "True", "lastProbeTime": None}],
            "volumeSnapshotStatuses": [
                {"name": "root", "enabled": True},
                {
                    "name": "data",
                    "enabled": False,
                    "reason": "No VolumeSnapshotClass: Volume snapshots are not configured for this StorageClass "
                    "[slow] [data]",
                },
                {"name": "cloudinit", "enabled": False, "reason": "Snapshot is not supported for this volumeSource "
                 "type [cloudinit]"},
            ],
            **(status or {}),
        },
    }  # fmt: skip


def vmi(*, agent: bool = True, paused: bool = False, frozen: str = "", phase: str = "Running") -> Object:
    conditions = [{"type": "Ready", "status": "True"}]
    if agent:
        conditions.append({"type": "AgentConnected", "status": "True"})
    if paused:
        conditions.append({"type": "Paused", "status": "True", "reason": "PausedByUser"})
    return {
        "metadata": meta("web", 2),
        "spec": vm()["spec"]["template"]["spec"],
        "status": {
            "phase": phase,
            "nodeName": "worker-1",
            "conditions": conditions,
            **({"fsFreezeStatus": frozen} if frozen else {}),
            "guestOSInfo": {"prettyName": "Fedora Linux 43"},
        },
    }


def claim(name: str, number: int, *, of: str = "") -> Object:
    spec: Object = {"storageClassName": "fast", "volumeMode": "Block", "volumeName": f"pvc-{number}",
                    "accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "10Gi"}}}  # fmt: skip
    if of:
        spec["dataSource"] = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": of}
    return {
        "metadata": meta(name, number),
        "spec": spec,
        "status": {"phase": "Bound", "capacity": {"storage": "10737418240"}},
    }


def snapshot(
    name: str, number: int, at: float, *words: tuple[str, str], status: Object | None = None, **more: Any
) -> Object:
    return {
        "metadata": meta(name, number, at, **more),
        "spec": {"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "web"}},
        "status": {
            "phase": "Succeeded",
            "readyToUse": True,
            "sourceUID": VM_UID,
            "creationTime": hour(at),
            "virtualMachineSnapshotContentName": f"vmsnapshot-content-{uid(number)}",
            "indications": [name for name, _ in words],
            "sourceIndications": [{"indication": name, "message": text} for name, text in words],
            "snapshotVolumes": {"includedVolumes": ["root", "data"], "excludedVolumes": ["cloudinit"]},
            "conditions": [
                {"type": "Progressing", "status": "False", "reason": "Operation complete"},
                {"type": "Ready", "status": "True", "reason": "Ready"},
            ],
            **(status or {}),
        },
    }


def content(number: int, *, epoch: str = "", base: str = "") -> Object:
    annotations = {"restore.kubevirt.io/lastRestoreUID": epoch} if epoch else {}
    backed = claim("web-root", 20, of=f"vmsnapshot-{base}-volume-root" if base else "")
    return {
        "metadata": meta(f"vmsnapshot-content-{uid(number)}", 500 + number),
        "spec": {
            "virtualMachineSnapshotName": "x",
            "source": {"virtualMachine": {"metadata": {"annotations": annotations}, "spec": vm()["spec"]}},
            "volumeBackups": [
                {
                    "volumeName": "root",
                    "persistentVolumeClaim": {"metadata": backed["metadata"], "spec": backed["spec"]},
                    "volumeSnapshotName": f"vmsnapshot-{uid(number)}-volume-root",
                }
            ],
        },
    }


def restore(name: str, number: int, of: str, at: float, *, complete: bool = True) -> Object:
    return {
        "metadata": meta(name, number, at),
        "spec": {
            "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "web"},
            "virtualMachineSnapshotName": of,
        },
        "status": {"complete": complete, **({"restoreTime": hour(at)} if complete else {})},
    }


def volume_snapshot(name: str, number: int, at: float, *, notes: Object | None = None, **more: Any) -> Object:
    return {
        "metadata": meta(name, number, at, annotations=notes or {}, **more.pop("metadata", {})),
        "spec": {"source": {"persistentVolumeClaimName": "web-data"}, "volumeSnapshotClassName": "fast"},
        "status": {
            "boundVolumeSnapshotContentName": f"snapcontent-{uid(number)}",
            "creationTime": hour(at),
            "readyToUse": True,
            "restoreSize": "10Gi",
            **more,
        },
    }


def epoch_of(item: Object) -> str:
    return f"{item['metadata']['name']}-{item['metadata']['uid']}"


def things(machine: Object, *snapshots: Object, **more: Any) -> Things:
    """Of a vm and its snapshots."""
    return Things(
        read(machine, records.VirtualMachine),
        snapshots=tuple(read(each, records.VmSnapshot) for each in snapshots),
        **more,
    )
