"""Restoring a server: its root disk by a rebuild, its volumes by reverting them or by swapping in new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.errors import Failed, Missing, VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.openstack.cloud import COMPUTE, VOLUME
from vmsnap_tui.platforms.openstack.convert import is_attached, state_of
from vmsnap_tui.platforms.openstack.plan.ways import REVERT, SWAP
from vmsnap_tui.platforms.openstack.stamps import DISK, VM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.openstack.steps.work import Work

Record = dict[str, Any]
_DELETES_WITH = (2, 79)  # the microversion in which an attachment says whether the volume goes with the server


def restore(work: Work) -> str:
    """All of it. It cannot be stopped: half a restore helps nobody. One that breaks off midway says what it leaves."""
    params = work.params()
    _still_there(work)
    work.report(Progress("restoring"))
    fresh = _new_volumes(work) if params["way"] == SWAP else {}
    back: list[str] = []
    try:
        _put_back(work, fresh, back)
    except VmsnapError as error:
        raise type(error)(error.words, "; ".join(filter(None, [error.hint, *_left(work, fresh, back)]))) from error
    noted = work.note_here(params["line"])
    return f"restored; the server is {'running' if params['runs'] else 'off'}{noted}{_remove(work)}"


def _put_back(work: Work, fresh: dict[str, str], back: list[str]) -> None:
    """Every disk in turn. `fresh` are the new volumes that are not in their place yet, `back` the disks that are."""
    params = work.params()
    server = work.inventory.server(work.server_id)
    if params["volumes"]:
        work.power(runs=False)
    for entry in params["volumes"]:
        if params["way"] == REVERT:
            _revert(work, server, entry)
        else:
            _swap(work, server, entry, fresh[entry["snap"]])
            del fresh[entry["snap"]]
        back.append(entry["disk"])
    if params["image"]:
        work.action({"rebuild": {"imageRef": params["image"]}})
        work.server_settled("rebuilding")
    work.power(runs=params["runs"])


def _left(work: Work, fresh: dict[str, str], back: list[str]) -> Iterator[str]:
    """How things stand after half a restore."""
    if back:
        yield f"{', '.join(back)} stand{'s' if len(back) == 1 else ''} at the snapshot already"
    if fresh:
        yield f"new volumes {', '.join(fresh.values())} are left"
    try:
        state = state_of(work.inventory.server(work.server_id))
    except VmsnapError as error:
        yield f"what the server does is not known ({error.words})"
    else:
        yield f"the server is {state.value}"


def _still_there(work: Work) -> None:
    params = work.params()
    if params["image"] and work.image(params["image"]) is None:
        raise Missing("the image of the snapshot is gone", "refresh")
    for entry in params["volumes"]:
        snap = work.snap(entry["snap"])
        if snap is None:
            raise Missing(f"the snapshot of {entry['disk']} is gone", "refresh")
        # Cinder lets a volume hang in `reverting` for good when its snapshot is not ready.
        if snap["status"] != "available":
            raise Failed(f"the snapshot of {entry['disk']} is {snap['status']}", "wait until it is available")


def _new_volumes(work: Work) -> dict[str, str]:
    """New volumes from the snapshots, made before anything is touched. All or none."""
    made: dict[str, str] = {}
    try:
        for entry in work.params()["volumes"]:
            made[entry["snap"]] = _new_volume(work, entry)
        for id_ in made.values():
            work.volume_settled(id_, "available", "making new volumes")
    except VmsnapError:
        for id_ in made.values():
            _drop(work, id_)
        raise
    return made


def _new_volume(work: Work, entry: Record) -> str:
    old = work.inventory.volume(entry["volume"]) or {}
    body = {
        "snapshot_id": entry["snap"],
        "size": entry["size"],
        "name": old.get("name") or entry["disk"],
        "description": old.get("description"),
        "metadata": {key: value for key, value in (old.get("metadata") or {}).items() if key not in {VM, DISK}},
    }
    try:
        return str(work.cloud.ask(VOLUME, "POST", "/volumes", json={"volume": body})[0]["volume"]["id"])
    except VmsnapError as error:
        raise type(error)(error.words, f"{error.hint}; nothing was changed") from error


def _drop(work: Work, id_: str) -> None:
    try:
        work.until(lambda: (work.inventory.volume(id_) or {"status": "gone"})["status"] != "creating" or None)
        work.cloud.ask(VOLUME, "DELETE", f"/volumes/{id_}")
    except VmsnapError as error:
        raise Failed(f"new volume {id_} is left behind: {error.words}", "delete it") from error


def _revert(work: Work, server: Record, entry: Record) -> None:
    _detach(work, entry)
    try:
        body = {"revert": {"snapshot_id": entry["snap"]}}
        work.cloud.ask(VOLUME, "POST", f"/volumes/{entry['volume']}/action", json=body)
        work.volume_settled(entry["volume"], "available", f"reverting {entry['disk']}")
    finally:
        if (work.inventory.volume(entry["volume"]) or {}).get("status") == "available":
            _attach(work, server, entry, entry["volume"])


def _swap(work: Work, server: Record, entry: Record, new: str) -> None:
    _detach(work, entry)
    try:
        _attach(work, server, entry, new)
    except VmsnapError:
        _attach(work, server, entry, entry["volume"])
        raise
    # So that its snapshots are found again, and stand in the server's tree.
    body = {"metadata": {VM: work.server_id, DISK: entry["disk"]}}
    work.cloud.ask(VOLUME, "POST", f"/volumes/{entry['volume']}/metadata", json=body)


def _remove(work: Work) -> str:
    """Remove volumes that the server has let go. Says which stay: what it follows is done, and no error any more."""
    left = []
    ids: list[str] = work.params()["remove"]
    for id_ in ids:
        try:
            volume = work.inventory.volume(id_)
            if volume is None:
                continue
            if volume.get("status") != "available":  # somebody has taken it up again
                left.append(f"{id_} (it is {volume.get('status')})")
                continue
            work.cloud.ask(VOLUME, "DELETE", f"/volumes/{id_}")
            work.volume_settled(id_, "gone", "removing the volumes that it lets go")
        except Missing:
            continue
        except VmsnapError as error:
            left.append(f"{id_} ({error.words})")
    return f"; left behind: {', '.join(left)}" if left else ""


def _detach(work: Work, entry: Record) -> None:
    path = f"/servers/{work.server_id}/os-volume_attachments/{entry['volume']}"
    work.cloud.ask(COMPUTE, "DELETE", path)
    work.volume_settled(entry["volume"], "available", f"detaching {entry['disk']}")


def _attach(work: Work, server: Record, entry: Record, volume: str) -> None:
    body: Record = {"volumeId": volume, "device": f"/dev/{entry['disk']}"}
    for each in server.get("os-extended-volumes:volumes_attached") or ():
        if each["id"] == entry["volume"] and work.cloud.version(COMPUTE) >= _DELETES_WITH:
            body["delete_on_termination"] = bool(each.get("delete_on_termination"))
    path = f"/servers/{work.server_id}/os-volume_attachments"
    work.cloud.ask(COMPUTE, "POST", path, json={"volumeAttachment": body})
    work.volume_settled(volume, "in-use", f"attaching {entry['disk']}")
    if not is_attached(work.inventory.volume(volume) or {}, work.server_id):
        raise Failed(f"volume {volume} is in use, but not by this server", "look at the volume")
