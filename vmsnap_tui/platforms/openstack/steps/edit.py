"""Renaming a snapshot, describing it anew, and protecting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.errors import Missing
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.openstack.cloud import VOLUME
from vmsnap_tui.platforms.openstack.stamps import BASELINE, ID, NOTE, PROTECTED, described, is_own

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openstack.steps.work import Work


def edit(work: Work) -> str:
    """Write every part anew."""
    params = work.params()
    images = [image for id_ in params["images"] if (image := work.image(id_)) is not None]
    snaps = [id_ for id_ in params["snaps"] if work.snap(id_) is not None]
    if not images and not snaps:
        raise Missing("the snapshot is gone", "refresh")
    work.report(Progress("writing"))
    follows = len(images) + len(snaps) > 1 and not any(image.get("vmsnap_group") for image in images) and bool(images)
    for image in images:
        work.patch_image(image["id"], _operations(image, params))
    body = {"name": params["name"]} if "name" in params else {}
    note: dict[str, str] = {}
    if "description" in params:
        body["description"], note = described(params["description"])
    if "protected" in params:
        note[PROTECTED] = "yes" if params["protected"] else "no"
    if "baseline" in params:
        note[BASELINE] = params["baseline"]
    for id_ in [] if follows else snaps:  # those that Nova made with an image keep the names that it gave them
        if note:
            work.cloud.ask(VOLUME, "POST", f"/snapshots/{id_}/metadata", json={"metadata": note})
        if body:
            work.cloud.ask(VOLUME, "PUT", f"/snapshots/{id_}", json={"snapshot": body})
    return "written"


def _operations(image: dict[str, Any], params: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if "name" in params:
        found.append({"op": "replace", "path": "/name", "value": params["name"]})
    noted = {"description", "protected", "baseline"} & params.keys()
    if noted:
        if not is_own(image):
            # What it inherited from another image would count as its own as soon as it is marked as ours.
            found += [{"op": "remove", "path": f"/{key}"} for key in image if key.startswith("vmsnap_")]
        found.append({"op": "add", "path": f"/{ID}", "value": image["id"]})
    if "description" in noted:
        found.append({"op": "add", "path": f"/{NOTE}", "value": params["description"]})
    if "baseline" in noted:
        found.append({"op": "add", "path": f"/{BASELINE}", "value": params["baseline"]})
    if "protected" in noted:
        found.append({"op": "add", "path": f"/{PROTECTED}", "value": "yes" if params["protected"] else "no"})
        if not params["protected"] and image.get("protected"):  # somebody used Glance's own mark
            found.append({"op": "replace", "path": "/protected", "value": False})
    return found
