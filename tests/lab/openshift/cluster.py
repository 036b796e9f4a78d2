"""What every cluster has before its first VM: resource definitions, roles, classes, a node, KubeVirt."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tests.lab.libvirt.daemon import wait_until

from . import identity
from .api import KUBEVIRT, Api, Object, RefusedError
from .settings import DRIVER, Place

if TYPE_CHECKING:
    from .software import Software

NODE: Final = "lab-node"
STORAGE_CLASS: Final = "lab"
NO_SNAPSHOTS: Final = "lab-no-snapshots"
"""A storage class whose volumes cannot be snapshotted: it has no VolumeSnapshotClass."""
SNAPSHOT_CLASS: Final = "lab"
KUBEVIRT_NAMESPACE: Final = "kubevirt"

_REST: Final = {"apiVersions": ["v1beta1"], "operations": ["CREATE", "UPDATE"]}
# What virt-api refuses: see `stand_in/admission.py`.
_REFUSED: Final = {
    "vmsnapshots": {"apiGroups": ["snapshot.kubevirt.io"], "resources": ["virtualmachinesnapshots"]} | _REST,
    "vmrestores": {"apiGroups": ["snapshot.kubevirt.io"], "resources": ["virtualmachinerestores"]} | _REST,
    "vms": {
        "apiGroups": ["kubevirt.io"],
        "apiVersions": ["v1"],
        "operations": ["UPDATE"],
        "resources": ["virtualmachines"],
    },
}


def define(api: Api, software: Software) -> None:
    """All that does not need the stand-in to answer."""
    manifests = software.manifests()
    definitions = [item for item in manifests if item["kind"] == "CustomResourceDefinition"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: api.create("customresourcedefinitions", item), definitions))
        roles = [item for item in manifests if item not in definitions] + identity.roles(manifests)
        rest = [(f"{item['kind'].lower()}s", item) for item in roles]
        list(pool.map(lambda pair: api.create(*pair), [*rest, *_objects()]))
    wanted = {
        (f"{item['spec']['group']}/{version['name']}", item["spec"]["names"]["plural"])
        for item in definitions
        for version in item["spec"]["versions"]
        if version["served"]
    }

    def served() -> bool:
        nonlocal wanted
        wanted = _unserved(api, wanted)
        return not wanted

    wait_until(served, 180, "the resource definitions", every=0.1)
    # A KubeVirt that was deployed: it is what virt-controller reads its configuration from.
    gates = {"developerConfiguration": {"featureGates": ["Snapshot", "VMExport"]}}
    kubevirt = {
        "kind": "KubeVirt",
        "metadata": {"name": "kubevirt", "namespace": KUBEVIRT_NAMESPACE},
        "spec": {"configuration": gates},
    }
    api.create("namespaces", {"kind": "Namespace", "metadata": {"name": KUBEVIRT_NAMESPACE}})
    api.create("kubevirts", kubevirt)
    api.merge("kubevirts", KUBEVIRT_NAMESPACE, "kubevirt", {"status": {"phase": "Deployed"}}, "status")
    snapshot_class: Object = {
        "kind": "VolumeSnapshotClass",
        "metadata": {"name": SNAPSHOT_CLASS},
        "driver": DRIVER,
        "deletionPolicy": "Delete",
    }
    api.create("volumesnapshotclasses", snapshot_class)


def _unserved(api: Api, wanted: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the resources, by API version and name, that the API server does not serve yet."""
    served = set()
    for version in {version for version, _ in wanted}:
        with suppress(RefusedError):  # not even the version is
            served |= {(version, item["name"]) for item in api.ask("GET", f"/apis/{version}")["resources"]}
    return wanted - served


def _objects() -> list[tuple[str, Object]]:
    classes = [
        ("storageclasses", {
            "kind": "StorageClass",
            "metadata": {"name": name, "annotations": annotations},
            "provisioner": driver,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
        })
        for name, driver, annotations in (
            (STORAGE_CLASS, DRIVER, {"storageclass.kubernetes.io/is-default-class": "true"}),
            (NO_SNAPSHOTS, f"static.{DRIVER}", {}),
        )
    ]  # fmt: skip
    node: Object = {
        "kind": "Node",
        "metadata": {"name": NODE, "labels": {"kubevirt.io/schedulable": "true", "kubernetes.io/hostname": NODE}},
    }
    return [*classes, ("nodes", node)]


def enrol_stand_in(api: Api, place: Place) -> None:
    """Send to the stand-in what virt-api would be asked: subresources, and whether changes are acceptable."""
    trust = base64.b64encode(place.keys.authority.read_bytes()).decode()
    service: Object = {
        "kind": "Service",
        "metadata": {"name": "virt-api", "namespace": KUBEVIRT_NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    }
    api.create("services", service)
    group, version = "subresources.kubevirt.io", KUBEVIRT.split("/")[1]
    api_service: Object = {
        "kind": "APIService",
        "metadata": {"name": f"{version}.{group}"},
        "spec": {
            "group": group,
            "version": version,
            "caBundle": trust,
            "groupPriorityMinimum": 1000,
            "versionPriority": 15,
            "service": {"name": "virt-api", "namespace": KUBEVIRT_NAMESPACE, "port": place.ports["stand-in"]},
        },
    }
    api.create("apiservices", api_service)
    webhooks = [
        {
            "name": f"{name}.kubevirt.io",
            "rules": [rule],
            "clientConfig": {"url": f"{place.url('stand-in')}/validate/{name}", "caBundle": trust},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": 10,
        }
        for name, rule in _REFUSED.items()
    ]
    configuration: Object = {"kind": "ValidatingWebhookConfiguration", "metadata": {"name": "virt-api-validator"}}
    api.create("validatingwebhookconfigurations", configuration | {"webhooks": webhooks})


def answers_subresources(api: Api) -> bool:
    service = api.get("apiservices", None, "v1.subresources.kubevirt.io")
    conditions = service.get("status", {}).get("conditions", [])
    return any(entry["type"] == "Available" and entry["status"] == "True" for entry in conditions)
