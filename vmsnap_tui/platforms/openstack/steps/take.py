"""Taking a snapshot: an image, volume snapshots, or both as one group. It leaves all or nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.errors import Conflict, Failed, Missing, Unreachable, VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.together import ALONE, Hold
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.openstack.cloud import IMAGE, VOLUME
from vmsnap_tui.platforms.openstack.convert import GIB, moment, state_of, task_of
from vmsnap_tui.platforms.openstack.snapshots import mapping_of, snapshots_of
from vmsnap_tui.platforms.openstack.stamps import GROUP, ID, NOTE, TOGETHER, Stamp, described, token

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmsnap_tui.platforms.openstack.steps.work import Work

Record = dict[str, Any]

_PHASES = {
    "image_snapshot_pending": "waiting for the host",
    "image_snapshot": "taking the image",
    "image_pending_upload": "preparing the upload",
    "image_uploading": "uploading the image",
}
_NO_IMAGE = (
    "nothing was taken; look at the server's actions and the compute host's log; if the guest agent died meanwhile, "
    "the guest may stand frozen until the agent is back or the server is rebooted (openstack server reboot --hard)"
)
_UNCUT = {"image_snapshot_pending", "image_snapshot"}
"""Nova's tasks during which the guest's writes may still get into the image."""
_STUCK = 15.0  # seconds for which an image may be unfinished while Nova is at work no more


@dataclass(slots=True)
class _Made:
    """What there is by now."""

    image: str = ""
    snaps: list[str] = field(default_factory=list)


def take(work: Work) -> str:
    """Take it. Raises Conflict where the world is not as planned, and Cancelled."""
    params = work.params()
    things = work.inventory.things(work.server_id)
    if state_of(things.server).value != params["state"]:
        raise Conflict("the server was started or stopped since this was planned", "look at the plan again")
    # Never twice: an earlier try whose answer was lost may have been carried out.
    if any(each.name == clean(params["name"]) for each in snapshots_of(things, work.step.vm)):
        raise Conflict(f"there is a snapshot “{clean(params['name'])}” already", "choose another name")
    made = _Made()
    work.gate.ready()
    try:
        work.gate.still()
        _create(work, made)
        _wait_cut(work, made)
        work.gate.cut()
        group = work.gate.over(_hold(params))
        _finish(work, made, group.written() if group else "")
    except VmsnapError:
        _undo(work, made)
        raise
    id_ = params["group"] or made.image or made.snaps[0]
    members = [work.image(made.image)] if made.image else []
    members += [work.snap(snap) for snap in made.snaps]
    times = [at for each in members if each and (at := moment(each.get("created_at")))]
    return "taken" + work.note_here([id_, *params["line"]], min(times, default=None))


def _hold(params: Any) -> Hold:  # noqa: ANN401  (what the planner of this very package wrote)
    """Nobody but Nova freezes a guest, and it holds none."""
    if params["state"] != VmState.RUNNING.value:
        return Hold.HELD
    return Hold.LOOSE if params.get("cuts") == 1 else Hold.TORN


def _wait_cut(work: Work, made: _Made) -> None:
    """Until what is written from now on is in no part: an image is copied, and volume snapshots are there."""

    def look() -> bool | None:
        if made.image and task_of(work.inventory.server(work.server_id)) in _UNCUT:
            return None
        snaps = (work.snap(snap) for snap in made.snaps)
        return None if any(snap is not None and snap["status"] == "creating" for snap in snaps) else True

    if work.gate is not ALONE:
        work.report(Progress("cutting"))
        work.until(look, stoppable=True)


def _create(work: Work, made: _Made) -> None:
    params = work.params()
    if params["image"]:
        work.report(Progress("asking for the image"))
        made.image = _looked_up(lambda: _create_image(work), lambda: _find_image(work))
    for volume in params["volumes"]:
        work.report(Progress("asking for the volume snapshot"))
        made.snaps.append(_looked_up(partial(_create_snap, work, volume), partial(_find_snap, work, volume)))


def _stamp(work: Work) -> dict[str, str]:
    params = work.params()
    return Stamp(tuple(params["line"]), params["group"], params["parts"], VmState(params["state"])).written()


def _mark(work: Work, image: Record, together: str) -> None:
    """Sign a finished image, and take away what it inherited: this says nothing of it."""
    note = work.params()["description"]
    pairs = {ID: image["id"]} | ({NOTE: note} if note else {}) | ({TOGETHER: together} if together else {})
    kept = pairs | _stamp(work)
    work.patch_image(
        image["id"],
        [
            *({"op": "add", "path": f"/{key}", "value": value} for key, value in pairs.items()),
            *({"op": "remove", "path": f"/{key}"} for key in image if key.startswith("vmsnap_") and key not in kept),
        ],
    )


def _looked_up(create: Callable[[], str], find: Callable[[], str]) -> str:
    """Create it. Where the answer was lost, see whether it is there: it is never asked for twice."""
    try:
        return create()
    except (Unreachable, Failed):
        if found := find():
            return found
        raise


def _create_image(work: Work) -> str:
    name = work.params()["name"]
    # Nova leaves out whose image it is where the server boots from a volume.
    whose = {"image_type": "snapshot", "instance_uuid": work.server_id, ID: token(work.server_id, name)}
    body = {"createImage": {"name": name, "metadata": {GROUP: ""} | _stamp(work) | whose}}
    return str(work.action(body)["image_id"])


def _find_image(work: Work) -> str:
    query = {"instance_uuid": work.server_id, "name": work.params()["name"]}
    return next((image["id"] for image in work.cloud.every(IMAGE, "/images", "images", **query)), "")


def _create_snap(work: Work, volume: str) -> str:
    params = work.params()
    description, note = described(params["description"])
    body = {
        "snapshot": {
            "volume_id": volume,
            "name": params["name"],
            "description": description,
            "metadata": _stamp(work) | note,
            "force": True,
        }
    }
    return str(work.cloud.ask(VOLUME, "POST", "/snapshots", json=body)[0]["snapshot"]["id"])


def _find_snap(work: Work, volume: str) -> str:
    found = work.cloud.every(VOLUME, "/snapshots/detail", "snapshots", volume_id=volume)
    name = work.params()["name"]
    return next((snap["id"] for snap in found if snap.get("name") == name), "")


def _finish(work: Work, made: _Made, together: str) -> None:
    if made.image:
        _finish_image(work, made, together)
    for snap in made.snaps:
        _finish_snap(work, snap, stoppable=True)
        if together:
            work.cloud.ask(VOLUME, "POST", f"/snapshots/{snap}/metadata", json={"metadata": {TOGETHER: together}})
    if work.params()["state"] == VmState.OFF.value:
        server = work.inventory.server(work.server_id)
        if state_of(server) is not VmState.OFF:
            raise Conflict("the server was started while its snapshot was taken", "take it again")


def _finish_image(work: Work, made: _Made, together: str) -> None:
    quiet = 0.0

    def look() -> Record | None:
        nonlocal quiet
        server, image = work.inventory.server(work.server_id), work.image(made.image)
        if image is None or image["status"] in {"killed", "deleted", "pending_delete"}:
            why = work.why_action_failed("createImage") or "Nova has given up without a word, and removed the image"
            raise Failed(why, _NO_IMAGE)
        task = task_of(server)
        work.report(Progress(_PHASES.get(task, f"image is {image['status']}")))
        if not task and image["status"] == "active":
            return image
        quiet = 0.0 if task else quiet or time.monotonic()
        if quiet and time.monotonic() - quiet > _STUCK:
            raise Failed(
                f"Nova is done, and the image is still {image['status']}", "look at the image service and its space"
            )
        return None

    image = work.until(look, stoppable=True)
    for each in mapping_of(image):  # Nova does not wait for the volume snapshots of a server that boots from a volume
        if each.get("snapshot_id"):
            _finish_snap(work, each["snapshot_id"], stoppable=True)
    _mark(work, image, together)


def _finish_snap(work: Work, id_: str, *, stoppable: bool) -> None:
    def look() -> str | None:
        snap = work.snap(id_)
        if snap is None:
            raise Failed(f"volume snapshot {id_} has vanished", "look at the volume service")
        text = str(snap.get("os-extended-snapshot-attributes:progress") or "").rstrip("%")
        size = snap["size"] * GIB
        done = size * int(text) // 100 if text.isdigit() and text != "0" else None
        work.report(Progress("taking the volume snapshot", done, None if done is None else size))
        return None if snap["status"] in {"creating", "backing-up"} else str(snap["status"])

    status = work.until(look, stoppable=stoppable)
    if stoppable and status != "available":
        raise Failed(f"volume snapshot {id_} is {status}", "look at the volume service's log")


def _undo(work: Work, made: _Made) -> None:
    """Remove what was made. Nova notices that the image is gone, and leaves the server as it was."""
    work.report(Progress("taking it back"))
    left = []
    try:
        snaps = [*made.snaps]
        if made.image:
            image = work.image(made.image)
            snaps += [each["snapshot_id"] for each in mapping_of(image or {}) if each.get("snapshot_id")]
            _remove(work, IMAGE, f"/images/{made.image}")
            work.until(lambda: None if task_of(work.inventory.server(work.server_id)).startswith("image_") else "free")
        for snap in snaps:
            if work.snap(snap) is not None:
                _finish_snap(work, snap, stoppable=False)
                _remove(work, VOLUME, f"/snapshots/{snap}")
                work.until(partial(_gone, work, snap))
    except VmsnapError as error:
        left = [each for each in (made.image, *made.snaps) if each]
        raise Failed(f"it was broken off, and {', '.join(left)} may be left: {error.words}", "delete it") from error


def _remove(work: Work, service: str, path: str) -> None:
    try:
        work.cloud.ask(service, "DELETE", path)
    except Missing:
        return


def _gone(work: Work, snap: str) -> bool | None:
    return True if work.snap(snap) is None else None
