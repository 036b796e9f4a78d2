"""Launching a new server from a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.errors import Conflict, Failed, Missing, Unreachable
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openstack.cloud import COMPUTE
from vmsnap_tui.platforms.openstack.convert import task_of
from vmsnap_tui.platforms.openstack.stamps import FROM

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openstack.steps.work import Work

Record = dict[str, Any]


def launch(work: Work) -> str:
    """Launch it, and wait until it runs."""
    params = work.params()
    if work.image(params["image"]) is None:
        raise Missing("the image of the snapshot is gone", "refresh")
    if _named(work):
        raise Conflict(f"there is a server “{clean(params['name'])}” already", "rename or delete it first")
    work.report(Progress("launching"))
    try:
        id_ = str(work.cloud.ask(COMPUTE, "POST", "/servers", json={"server": _body(work)})[0]["server"]["id"])
    except Unreachable:  # the answer may be lost, and the server there: it is never asked for twice
        id_ = _named(work)
        if not id_:
            raise

    def look() -> Record | None:
        server = work.inventory.server(id_)
        task = task_of(server)
        work.report(Progress(f"launching ({task})" if task else "launching"))
        return server if server["status"] in {"ACTIVE", "ERROR"} and not task else None

    server = work.until(look)
    if server["status"] == "ERROR":
        fault = (server.get("fault") or {}).get("message") or "it is in error"
        raise Failed(clean(f"new server {id_}: {fault}"), "delete it, and look at the compute host's log")
    return f"launched {clean(params['name'])} ({id_})"


def _named(work: Work) -> str:
    name = work.params()["name"]
    found = work.cloud.every(COMPUTE, "/servers", "servers", name=f"^{_escaped(name)}$")
    return next((server["id"] for server in found if server["name"] == name), "")


def _escaped(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_ " else "." for char in name)


def _body(work: Work) -> Record:
    params = work.params()
    wanted = params["launch"]
    body: Record = {
        "name": params["name"],
        "imageRef": params["image"],
        "flavorRef": wanted["flavor"],
        "networks": [{"uuid": net} for net in wanted["networks"]] or "none",
        "metadata": {FROM: f"{work.server_id}/{params['snapshot']}"},
    }
    if wanted["key"]:
        body["key_name"] = wanted["key"]
    if wanted["security_groups"] and wanted["networks"]:
        body["security_groups"] = [{"name": name} for name in wanted["security_groups"]]
    if wanted["zone"]:
        body["availability_zone"] = wanted["zone"]
    if params["volumes"]:
        root = {"uuid": params["image"], "source_type": "image", "destination_type": "local", "boot_index": 0}
        volumes = [
            {"uuid": snap, "source_type": "snapshot", "destination_type": "volume", "boot_index": -1}
            for snap in params["volumes"]
        ]
        body["block_device_mapping_v2"] = [root | {"delete_on_termination": True}, *volumes]
    return body
