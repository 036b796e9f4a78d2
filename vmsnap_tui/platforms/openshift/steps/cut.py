"""Taking volume snapshots, with the guest frozen by ourselves or not. It leaves all or nothing."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Failed, VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift import stamps
from vmsnap_tui.platforms.openshift.kinds import VOLUME_SNAPSHOTS
from vmsnap_tui.platforms.openshift.steps import limits
from vmsnap_tui.platforms.openshift.steps.freeze import frozen
from vmsnap_tui.platforms.openshift.steps.lamp import Lamp
from vmsnap_tui.platforms.openshift.steps.together import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmsnap_tui.platforms.openshift.records import VolumeSnapshot
    from vmsnap_tui.platforms.openshift.steps.work import Work


def cut(work: Work) -> str:
    """Take them. They are one snapshot, by a note on each. Raises AlreadyThere, Failed, Cancelled."""
    params = work.params()
    work.machine()
    made: list[VolumeSnapshot] = []
    proven = False
    lamp = Lamp(work)
    part = Part(work, lamp)
    try:
        if work.is_part:
            proven = _cut_together(work, made, part, lamp)
        elif params["freeze"]:
            with frozen(work, lamp, params["deadline"]) as still:
                _create(work, made)
                _wait_cut(work, made)
                proven = still()
            proven = proven and not lamp.trouble
        else:
            _create(work, made)
        for each in made:
            if proven:
                work.annotate(VOLUME_SNAPSHOTS, each.metadata.name, {stamps.FROZEN: stamps.YES})
            part.note(VOLUME_SNAPSHOTS, each.metadata.name)
        _wait(work, made, "waiting until they can be restored", lambda each: bool(each.status.ready_to_use))
    except VmsnapError as error:
        if left := _undo(work, made):
            raise Failed(error.words, f"{left} may be left: delete it") from error
        raise
    if params["freeze"] and not proven:
        return "taken; a restore is like a start after a power cut: the freeze ended before all volumes were cut"
    return "taken, with the file systems frozen" if proven else "taken"


def _cut_together(work: Work, made: list[VolumeSnapshot], part: Part, lamp: Lamp) -> bool:
    """Cut them when all of the group stand still. Whether the guest was frozen all the while."""
    freezes = bool(work.params()["freeze"])
    part.begin(thaws_itself=False)
    try:
        _create(work, made)
        _wait_cut(work, made)
        proven = freezes and lamp.look() and part.is_in_time
        part.cut(frozen=proven)
    finally:
        why = lamp.thaw(at_once=True) if freezes else ""
    part.over(held=not lamp.trouble)
    if why:
        raise Failed("it was taken, but the guest may still be frozen", f"thaw it, or reset the vm: {why}")
    return proven and not lamp.trouble


def _wait_cut(work: Work, made: list[VolumeSnapshot]) -> None:
    _wait(work, made, "cutting the volumes", lambda each: each.status.creation_time is not None)


def _create(work: Work, made: list[VolumeSnapshot]) -> None:
    params = work.params()
    volumes = params["volumes"]
    for volume in volumes:
        work.report(Progress(f"cutting {volume['disk']}"))
        notes = {
            stamps.PARENTS: stamps.written(params["line"]),
            stamps.STATE: params["state"],
            stamps.VM: work.vm_name,
            stamps.DISK: volume["disk"],
        }
        name = params["name"]
        if len(volumes) > 1:
            # Other vms of the namespace may have a snapshot of that name, and disks of these names.
            name = f"{work.vm_name}-{name}-{volume['disk']}"
            notes |= {stamps.GROUP: params["name"], stamps.PARTS: str(len(volumes))}
        if params["description"]:
            notes[stamps.DESCRIPTION] = params["description"]
        spec: dict[str, object] = {"source": {"persistentVolumeClaimName": volume["claim"]}}
        if volume["class"]:
            spec["volumeSnapshotClassName"] = volume["class"]
        made.append(
            work.create(
                VOLUME_SNAPSHOTS,
                "VolumeSnapshot",
                name,
                spec,
                {"annotations": notes, "labels": dict(params["labels"])},
            )
        )


def _wait(work: Work, made: list[VolumeSnapshot], phase: str, is_done: Callable[[VolumeSnapshot], bool]) -> None:
    """Until it is so with all of them. Raises Failed where the storage says for long that it fails."""
    sizes = [volume["size"] for volume in work.params()["volumes"]]
    troubled = 0.0

    def look() -> bool | None:
        nonlocal troubled
        now = [work.found(VOLUME_SNAPSHOTS, each.metadata.name) for each in made]
        if missing := [old.metadata.name for old, new in zip(made, now, strict=True) if new is None]:
            raise Failed(f"volume snapshot {missing[0]} vanished", "look who deletes them in this namespace")
        there = [each for each in now if each is not None]
        finished = [is_done(each) for each in there]
        if all(finished):
            return True
        trouble = next((each.status.error.message for each in there if each.status.error and not is_done(each)), "")
        troubled = (troubled or time.monotonic()) if trouble else 0.0
        if troubled and time.monotonic() - troubled > limits.TROUBLE:
            raise Failed(clean(trouble), "look at the storage's CSI driver")
        done = sum(size for size, finish in zip(sizes, finished, strict=True) if finish)
        work.report(
            Progress(
                f"{phase}: {clean(trouble)}" if trouble else phase, done if sum(sizes) else None, sum(sizes) or None
            )
        )
        return None

    work.until(look, stoppable=True)


def _undo(work: Work, made: list[VolumeSnapshot]) -> str:
    """Remove them. The names of those that are left."""
    work.report(Progress("taking it back"))
    left = []
    for each in made:
        name = each.metadata.name
        try:
            work.remove(VOLUME_SNAPSHOTS, name, each.metadata.uid)
            work.until(partial(_gone, work, name), patience=limits.TAKEN_BACK)
        except (VmsnapError, TimeoutError):
            left.append(name)
    return ", ".join(left)


def _gone(work: Work, name: str) -> bool | None:
    return True if work.found(VOLUME_SNAPSHOTS, name) is None else None
