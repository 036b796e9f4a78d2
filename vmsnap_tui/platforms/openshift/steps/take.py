"""Taking a VirtualMachineSnapshot. It leaves all or nothing, and no guest frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Failed, Unreachable, VmsnapError
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift.kinds import CONTENTS, VM_SNAPSHOTS
from vmsnap_tui.platforms.openshift.stamps import DESCRIPTION, PARENTS, written
from vmsnap_tui.platforms.openshift.steps import limits
from vmsnap_tui.platforms.openshift.steps.lamp import Lamp
from vmsnap_tui.platforms.openshift.steps.together import Part

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openshift.records import SnapshotContent, VmSnapshot
    from vmsnap_tui.platforms.openshift.steps.work import Body, Work

_WHY_CRASH = {
    "QuiesceTimeout": "the freeze ended before all volumes were cut",
    "QuiesceFailed": "the guest could not be frozen",
    "NoGuestAgent": "no agent answered",
    "Paused": "the guest was paused",
}
"""Indications of a running guest whose file systems were not frozen all the while."""


def take(work: Work) -> str:
    """Take it. Raises AlreadyThere, Failed, Cancelled."""
    params = work.params()
    owner = _owner(work)
    lamp = Lamp(work)
    part = Part(work, lamp)
    part.begin(thaws_itself=True)
    try:
        snapshot = _ask(work, owner)
    except VmsnapError:
        if work.is_part and params["freeze"]:
            lamp.thaw(at_once=True)
        raise
    if params["freeze"] and not work.is_part:
        lamp.show(FreezeState.FREEZING)
    try:
        done = _finish(work, snapshot, lamp, part)
    except Unreachable as error:
        # Nobody knows what becomes of it: the cluster goes on by itself, and thaws the guest at its deadline.
        if params["freeze"]:
            lamp.show(FreezeState.FAILED, error.words)
        raise
    except VmsnapError as error:
        left = _undo(work, snapshot, lamp)
        if left:
            raise Failed(f"{error.words}; {left}", error.hint) from error
        raise
    if params["freeze"] and (why := lamp.thaw(at_once=False)):
        raise Failed(f"it was taken, but the guest may still be frozen: {why}", "thaw it, or reset the vm")
    part.over()
    part.note(VM_SNAPSHOTS, snapshot.metadata.name, held=not (params["freeze"] and _why_crash(done)))
    return _said(done)


def _ask(work: Work, owner: Body) -> VmSnapshot:
    params = work.params()
    work.report(Progress("asking for the snapshot"))
    notes = {PARENTS: written(params["line"])} | ({DESCRIPTION: params["description"]} if params["description"] else {})
    return work.create(
        VM_SNAPSHOTS,
        "VirtualMachineSnapshot",
        params["name"],
        {
            "source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": work.vm_name},
            "deletionPolicy": "Retain" if params["retains"] else "Delete",
            "failureDeadline": f"{int(params['deadline'])}s",
        },
        {"annotations": notes, "labels": dict(params["labels"]), "ownerReferences": [owner]},
    )


def _owner(work: Work) -> Body:
    """So that the snapshot goes with the vm, as the console has it. Raises Missing where the vm is gone."""
    machine = work.machine()
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "name": work.vm_name,
        "uid": machine.metadata.uid,
        "blockOwnerDeletion": False,
    }


def _finish(work: Work, made: VmSnapshot, lamp: Lamp, part: Part) -> VmSnapshot:
    """Wait until it can be restored."""
    sizes = {volume["disk"]: volume["size"] for volume in work.params()["volumes"]}
    cause = ""

    def look() -> VmSnapshot | None:
        nonlocal cause
        snapshot = work.found(VM_SNAPSHOTS, made.metadata.name)
        if snapshot is None or snapshot.metadata.uid != made.metadata.uid:
            raise Failed("the snapshot vanished while it was taken", "look who deletes snapshots in this namespace")
        frozen = work.params()["freeze"] and lamp.look()
        content = work.found(CONTENTS, snapshot.content)
        # Noted now: when the deadline passes the content goes, and the reason with it.
        trouble = _cause(snapshot, content)
        cause = trouble or cause
        if content is not None and content.status.creation_time is not None:
            part.cut(frozen=not _why_crash(snapshot))
            if not frozen:
                part.over()
        if snapshot.status.phase == "Failed":
            raise Failed(_why_failed(snapshot, cause), "look at the events of the namespace and of the storage")
        if snapshot.metadata.deleted is not None:
            raise Failed("somebody is deleting the snapshot", "look who deletes snapshots in this namespace")
        if snapshot.status.ready_to_use and snapshot.status.phase == "Succeeded":
            return snapshot
        _show(work, snapshot, content, sizes, trouble)
        return None

    return work.until(look, stoppable=True)


def _show(
    work: Work, snapshot: VmSnapshot, content: SnapshotContent | None, sizes: dict[str, int], trouble: str
) -> None:
    if content is None:
        reason = next((each.reason for each in snapshot.status.conditions if each.type == "Progressing"), "")
        work.report(Progress(clean(reason) or "waiting for the cluster"))
        return
    disks = {backup.volume_snapshot_name: backup.volume_name for backup in content.spec.volume_backups}
    ready = [
        disks.get(each.volume_snapshot_name, "") for each in content.status.volume_snapshot_status if each.ready_to_use
    ]
    phase = "cutting the volumes" if content.status.creation_time is None else "waiting until it can be restored"
    total = sum(sizes.get(disk, 0) for disk in disks.values())
    done = sum(sizes.get(disk, 0) for disk in ready)
    work.report(Progress(f"{phase}: {trouble}" if trouble else phase, done if total else None, total or None))


def _cause(snapshot: VmSnapshot, content: SnapshotContent | None) -> str:
    """What is said to go wrong, "" for nothing."""
    problems = [snapshot.status.error]
    if content is not None:
        problems += [content.status.error, *(each.error for each in content.status.volume_snapshot_status)]
    found = next((problem.message for problem in problems if problem is not None and problem.message), "")
    if not found and content is None:
        stuck = (each for each in snapshot.status.conditions if each.type == "Progressing" and each.status == "False")
        found = next((each.reason for each in stuck), "")
    return clean(found)


def _why_failed(snapshot: VmSnapshot, cause: str) -> str:
    reason = next((each.reason for each in snapshot.status.conditions if each.type == "Failure"), "")
    words = clean(reason) or "the snapshot failed"
    return f"{words}: {cause}" if cause and cause != words else words


def _said(snapshot: VmSnapshot) -> str:
    """What came of it, by what the cluster says."""
    if why := _why_crash(snapshot):
        return f"taken; a restore is like a start after a power cut: {why}"
    return "taken, with the file systems frozen" if "GuestAgent" in _told(snapshot) else "taken"


def _told(snapshot: VmSnapshot) -> set[str]:
    return {each.indication for each in snapshot.status.source_indications} | set(snapshot.status.indications)


def _why_crash(snapshot: VmSnapshot) -> str:
    """Why a guest that ran was not frozen all the while, as far as that is known by now."""
    told = _told(snapshot)
    return next((text for name, text in _WHY_CRASH.items() if name in told), "")


def _undo(work: Work, made: VmSnapshot, lamp: Lamp) -> str:
    """Remove it, and see that the guest is thawed. Says what is left, "" for nothing."""
    work.report(Progress("taking it back"))
    left = ""
    try:
        work.remove(VM_SNAPSHOTS, made.metadata.name, made.metadata.uid)

        def gone() -> bool | None:
            found = work.found(VM_SNAPSHOTS, made.metadata.name)
            if work.params()["freeze"]:
                lamp.look()
            return True if found is None or found.metadata.uid != made.metadata.uid else None

        work.until(gone, patience=limits.TAKEN_BACK)
    except TimeoutError:
        left = f"snapshot {made.metadata.name} is still being deleted"
    except VmsnapError as error:
        left = f"snapshot {made.metadata.name} is left ({error.words})"
    # At once: what the cluster says of the guest may lag behind, and to thaw one that is not frozen does no harm.
    if work.params()["freeze"] and (why := lamp.thaw(at_once=True)):
        left = "; ".join(filter(None, [left, f"the guest may still be frozen: {why}"]))
    return left
