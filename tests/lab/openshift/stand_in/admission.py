"""What virt-api refuses when snapshots and restores are made and VMs are changed, in its words.

Ported from KubeVirt's pkg/storage/admitters (vmsnapshot.go, vmrestore.go, vm-storage-status.go) at the version that
`programs/go.mod` names. Its other rules, on what a VM's spec may say, are not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from tests.lab.openshift.api import Object, path

if TYPE_CHECKING:
    from .client import Client

INVALID: Final = "FieldValueInvalid"
MISSING: Final = "FieldValueNotFound"
UNSUPPORTED: Final = "FieldValueNotSupported"
Cause = tuple[str, str, str]
"""Its type, its message, the field."""


class AdmissionError(Exception):
    """Refused without a field to blame."""


class Admission:
    """The validating webhooks."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/validate/{what}", self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        asked = (await request.json())["request"]
        rules = {"vmsnapshots": self._snapshot, "vmrestores": self._restore, "vms": self._vm}
        response: Object = {"uid": asked["uid"], "allowed": True}
        try:
            causes = await rules[request.match_info["what"]](asked)
        except AdmissionError as error:
            response |= {"allowed": False, "status": {"message": str(error), "code": 400}}
        else:
            if causes:
                response |= {"allowed": False, "status": _invalid(causes)}
        return web.json_response({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})

    async def _snapshot(self, asked: Object) -> list[Cause]:
        if asked["operation"] == "UPDATE":
            return _immutable(asked)
        return _reference(asked["object"]["spec"]["source"], "spec.source")

    async def _restore(self, asked: Object) -> list[Cause]:
        if asked["operation"] == "UPDATE":
            return _immutable(asked)
        restore = asked["object"]
        spec, namespace = restore["spec"], asked["namespace"]
        causes = _reference(spec["target"], "spec.target")
        if not causes:
            causes = await self._restore_target(spec, namespace) + _overrides(spec) + _policies(spec)
        for other in (await self._client.ask("GET", path("virtualmachinerestores", namespace)))["items"]:
            if other["spec"]["target"] == spec["target"] and not other.get("status", {}).get("complete"):
                words = f'VirtualMachineRestore "{other["metadata"]["name"]}" in progress'
                causes.append((INVALID, words, "spec.target"))
        return causes

    async def _restore_target(self, spec: Object, namespace: str) -> list[Cause]:
        causes = _patches(spec.get("patches", []))
        snapshot = await self._client.get("virtualmachinesnapshots", namespace, spec["virtualMachineSnapshotName"])
        if snapshot is None:
            return []
        target = await self._client.get("virtualmachines", namespace, spec["target"]["name"])
        status = snapshot.get("status", {})
        source = status.get("sourceUID")
        if target is None or (source is not None and target["metadata"]["uid"] != source):
            name = status.get("virtualMachineSnapshotContentName")
            if name is None:
                raise AdmissionError("snapshot content name is nil in vmSnapshot status")
            content = await self._client.get("virtualmachinesnapshotcontents", namespace, name)
            if content is None:
                group = "virtualmachinesnapshotcontents.snapshot.kubevirt.io"
                raise AdmissionError(f'{group} "{name}" not found')
            vm = content["spec"]["source"].get("virtualMachine")
            if vm is None:
                raise AdmissionError("unexpected snapshot source")
            if _has_backend_storage(vm):
                words = (
                    "Restore to a different VM is not supported when snapshotted VM has backend storage"
                    " (persistent TPM or EFI)"
                )
                causes.append((INVALID, words, "spec"))
        return causes

    async def _vm(self, asked: Object) -> list[Cause]:
        vm, before = asked["object"], asked["oldObject"]
        status = vm.get("status") or {}
        old, new = before["spec"], vm["spec"]
        if (restore := status.get("restoreInProgress")) and _running(old) != _running(new):
            return [(UNSUPPORTED, f'Cannot update VM runStrategy until restore "{restore}" completes', "spec")]
        if snapshot := status.get("snapshotInProgress"):
            if _volumes(old) != _volumes(new):
                words = f'Cannot update vm disks or volumes until snapshot "{snapshot}" completes'
                return [(UNSUPPORTED, words, "spec")]
            if _running(old) != _running(new):
                words = f'Cannot update vm running state until snapshot "{snapshot}" completes'
                return [(UNSUPPORTED, words, "spec")]
        return []


def _invalid(causes: list[Cause]) -> Object:
    return {
        "message": ", ".join(message for _, message, _ in causes),
        "reason": "Invalid",
        "code": 422,
        "details": {"causes": [{"reason": kind, "message": message, "field": at} for kind, message, at in causes]},
    }


def _immutable(asked: Object) -> list[Cause]:
    same = asked["object"]["spec"] == asked["oldObject"]["spec"]
    return [] if same else [(INVALID, "spec in immutable after creation", "spec")]


def _reference(reference: Object, field: str) -> list[Cause]:
    if "apiGroup" not in reference:
        return [(MISSING, "missing apiGroup", f"{field}.apiGroup")]
    if reference["apiGroup"] != "kubevirt.io":
        return [(INVALID, "invalid apiGroup", f"{field}.apiGroup")]
    return [] if reference["kind"] == "VirtualMachine" else [(INVALID, "invalid kind", f"{field}.kind")]


def _patches(patches: list[str]) -> list[Cause]:
    causes = []
    for patch in patches:
        for pair in patch.strip("{}").split(","):
            parts = [part.strip() for part in pair.split(":")]
            if len(parts) != 2:
                words = f'patch format is not valid - one ":" expected in a single key-value json patch: {pair}'
                causes.append((INVALID, words, "spec.patches"))
                continue
            allowed = ('"/metadata/labels/', '"/metadata/annotations/', '"/spec/')
            if parts[0] == '"path"' and not parts[1].startswith(allowed):
                words = f"patching is valid only for elements under /spec/ only: {pair}"
                causes.append((INVALID, words, "spec.patches"))
    return causes


def _overrides(spec: Object) -> list[Cause]:
    causes = []
    for number, override in enumerate(spec.get("volumeRestoreOverrides") or []):
        field = f"spec.volumeRestoreOverrides[{number}]"
        if not override.get("volumeName"):
            causes.append((INVALID, "must provide a volume name", f"{field}.volumeName"))
        if not any(override.get(key) for key in ("restoreName", "annotations", "labels")):
            causes.append((INVALID, "must provide at least one overriden field", field))
    return causes


def _policies(spec: Object) -> list[Cause]:
    causes = []
    for field, kind, known in (
        ("volumeRestorePolicy", "restore", ("RandomizeNames", "InPlace", "PrefixTargetName")),
        ("volumeOwnershipPolicy", "ownership", ("Vm", "None")),
    ):
        policy = spec.get(field)
        if policy is not None and policy not in known:
            causes.append((INVALID, f'volume {kind} policy "{policy}" doesn\'t exist', f"spec.{field}"))
    return causes


def _has_backend_storage(vm: Object) -> bool:
    domain = vm["spec"]["template"]["spec"]["domain"]
    tpm = domain.get("devices", {}).get("tpm") or {}
    efi = domain.get("firmware", {}).get("bootloader", {}).get("efi") or {}
    return bool(tpm.get("persistent") or efi.get("persistent"))


def _volumes(spec: Object) -> object:
    return spec["template"]["spec"].get("volumes", [])


def _running(spec: Object) -> object:
    return spec.get("runStrategy"), spec.get("running")
