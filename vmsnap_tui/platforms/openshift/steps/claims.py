"""Claims made from volume snapshots: beside the vm, or swapped in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Conflict, Failed, Missing, Unreachable, VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.openshift import stamps
from vmsnap_tui.platforms.openshift.kinds import CLAIMS, MACHINES, STORAGE, VOLUME_SNAPSHOTS
from vmsnap_tui.platforms.openshift.plan.rules import shortened
from vmsnap_tui.platforms.openshift.steps import limits
from vmsnap_tui.platforms.openshift.steps.leftovers import remove_claims

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vmsnap_tui.platforms.openshift.records import Claim
    from vmsnap_tui.platforms.openshift.steps.work import Body, Work

_JSON_PATCH = "application/json-patch+json"


def make_claims(work: Work) -> str:
    """Make them, all or none. Raises Missing where a snapshot or the claim that it was taken of is gone."""
    made = _make(work, {each["name"]: each["new"] for each in work.params()["cuts"]})
    return f"made {', '.join(made)}"


def swap(work: Work) -> str:
    """Make new claims and point the vm to them. The old ones stay, unless they are to be removed."""
    params = work.params()
    work.machine()
    names = {each["name"]: shortened(f"{work.vm_name}-{each['disk']}"[:54], work.act[:8]) for each in params["cuts"]}
    _make(work, names)
    try:
        if params["stop"]:
            work.stop_vm()
        if work.instance() is not None:
            raise Conflict("the vm runs", "switch it off first, or have it stopped")
        _point(work, {each["disk"]: names[each["name"]] for each in params["cuts"]})
    except VmsnapError as error:
        after = [remove_claims(work, list(names.values()))]
        if params["stop"] and params["runs"] and not isinstance(error, Unreachable):
            after.append(work.start_vm())
        raise type(error)(error.words, "; ".join(filter(None, [error.hint, *after]))) from error
    said = [f"restored into {', '.join(names.values())}"]
    if params["remove"]:
        said.append(remove_claims(work, params["remove"]))
    said.append(work.start_vm() if params["runs"] else "the vm is off")
    return "; ".join(filter(None, said))


def _make(work: Work, names: Mapping[str, str]) -> list[str]:
    """A claim for each volume snapshot, by its name. All or none."""
    cuts = work.params()["cuts"]
    models: list[Claim] = []
    for each in cuts:
        if work.found(VOLUME_SNAPSHOTS, each["name"]) is None:
            raise Missing("the snapshot is gone", "refresh")
        model = work.found(CLAIMS, each["claim"])
        if model is None:
            raise Missing(
                f"claim {each['claim']} is gone, and what a new one should be like with it", "make it by hand"
            )
        models.append(model)
    made: list[str] = []
    try:
        for each, model in zip(cuts, models, strict=True):
            name = names[each["name"]]
            work.report(Progress(f"making {name}"))
            notes = {stamps.VM: work.vm_name, stamps.DISK: each["disk"]}
            work.create(CLAIMS, "PersistentVolumeClaim", name, _spec(each, model), {"annotations": notes})
            made.append(name)
    except VmsnapError as error:
        raise type(error)(error.words, "; ".join(filter(None, [error.hint, remove_claims(work, made)]))) from error
    return made


def _spec(cut: Mapping[str, Any], model: Claim) -> Body:
    spec: Body = {
        "accessModes": list(model.spec.access_modes),
        "resources": {"requests": {"storage": str(cut["size"])}},
        "dataSource": {"apiGroup": STORAGE, "kind": "VolumeSnapshot", "name": cut["name"]},
    }
    if model.spec.storage_class_name:
        spec["storageClassName"] = model.spec.storage_class_name
    if model.spec.volume_mode:
        spec["volumeMode"] = model.spec.volume_mode
    return spec


def _point(work: Work, claims: Mapping[str, str]) -> None:
    """Have the vm use these claims for these volumes. What its own templates made is its own no more."""

    def point() -> bool | None:
        machine = work.raw(MACHINES, work.vm_name)
        operations = _operations(machine["spec"], claims)
        if not operations:  # so it is already: the answer to an earlier try was lost
            return True
        version = machine["metadata"]["resourceVersion"]
        try:
            work.cluster.ask(
                "PATCH",
                work.cluster.path(MACHINES, work.namespace, work.vm_name),
                body=[{"op": "test", "path": "/metadata/resourceVersion", "value": version}, *operations],
                content_type=_JSON_PATCH,
            )
        except (Conflict, Failed):
            if work.raw(MACHINES, work.vm_name)["metadata"]["resourceVersion"] == version:
                raise
            return None  # somebody was quicker
        return True

    try:
        work.until(point, patience=limits.CHANGES)
    except TimeoutError:
        raise Conflict("others go on changing the vm", "try again") from None


def _operations(spec: Mapping[str, Any], claims: Mapping[str, str]) -> list[Body]:
    volumes = spec["template"]["spec"].get("volumes") or []
    found: list[Body] = []
    made_by_template = set()
    for index, volume in enumerate(volumes):
        if volume["name"] not in claims:
            continue
        source = {"claimName": claims[volume["name"]]}
        if volume.get("persistentVolumeClaim") == source:
            continue
        made_by_template.add((volume.get("dataVolume") or {}).get("name"))
        changed = {key: value for key, value in volume.items() if key not in {"dataVolume", "persistentVolumeClaim"}}
        path = f"/spec/template/spec/volumes/{index}"
        found.append({"op": "replace", "path": path, "value": changed | {"persistentVolumeClaim": source}})
    templates = spec.get("dataVolumeTemplates") or []
    # From the end, so that what is removed moves nothing that is still to be found.
    gone = [index for index, each in enumerate(templates) if each["metadata"]["name"] in made_by_template]
    return found + [{"op": "remove", "path": f"/spec/dataVolumeTemplates/{index}"} for index in reversed(gone)]
