"""Restoring a vm by a VirtualMachineRestore."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Cancelled, Failed, Missing, Unsupported, VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift.kinds import CLAIMS, RESTORES, VM_SNAPSHOTS
from vmsnap_tui.platforms.openshift.plan.rules import shortened
from vmsnap_tui.platforms.openshift.steps import limits
from vmsnap_tui.platforms.openshift.steps.leftovers import remove_claims

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openshift.records import VmRestore
    from vmsnap_tui.platforms.openshift.steps.work import Body, Work

_WAITS = "WaitEventually"
_TARGET = "Waiting for target VM"  # what is said while the vm has yet to be switched off


def restore(work: Work) -> str:
    """All of it. It can be stopped only while it waits for somebody to switch the vm off."""
    params = work.params()
    the_snapshot(work)
    work.machine()
    work.report(Progress("restoring"))
    if params["stop"]:
        work.stop_vm()
    spec: Body = {"volumeRestorePolicy": params["policy"]} if params["policy"] else {}
    if params["readiness"]:
        spec["targetReadinessPolicy"] = params["readiness"]
    try:
        made = ask_for_restore(work, work.vm_name, spec)
        follow(work, made, waits=params["readiness"] == _WAITS)
    except VmsnapError as error:
        back = _start_again(work)
        raise type(error)(error.words, "; ".join(filter(None, [error.hint, back]))) from error
    said = ["restored"]
    if params["remove"]:
        said.append(remove_claims(work, params["remove"]))
    said.append(work.start_vm() if params["runs"] else "the vm is off")
    return "; ".join(filter(None, said))


def the_snapshot(work: Work) -> None:
    """See that the snapshot is the one that was planned with. Raises Missing."""
    params = work.params()
    found = work.found(VM_SNAPSHOTS, params["snapshot"])
    if found is None or found.metadata.uid != params["uid"]:
        raise Missing("the snapshot is gone", "refresh")


def ask_for_restore(work: Work, target: str, spec: Body) -> VmRestore:
    """Make the VirtualMachineRestore. Raises Unsupported where the cluster drops what was wished for."""
    params = work.params()
    name = shortened(params["snapshot"][:42], "restore", work.act[:8])
    wanted = {
        "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": target},
        "virtualMachineSnapshotName": params["snapshot"],
        **spec,
    }
    made = work.create(RESTORES, "VirtualMachineRestore", name, wanted)
    # An older cluster forgets the wish silently, and would do something else.
    dropped = [
        key
        for key, got in (
            ("volumeRestorePolicy", made.spec.volume_restore_policy),
            ("targetReadinessPolicy", made.spec.target_readiness_policy),
        )
        if spec.get(key, got) != got
    ]
    if dropped:
        work.remove(RESTORES, made.metadata.name, made.metadata.uid)
        raise Unsupported(f"this cluster knows no {' and no '.join(dropped)}", "choose another way")
    return made


def follow(work: Work, made: VmRestore, *, waits: bool = False) -> None:
    """Wait until it is complete. Raises Failed where it is not going to be; what blocks later ones is removed."""
    try:
        _until_complete(work, made, waits=waits)
    except (Failed, Cancelled):
        now = work.found(RESTORES, made.metadata.name)
        # One that has begun with the volumes is left, for whoever finds out why: nothing takes its part back.
        if now is not None and not now.status.restores and now.metadata.uid == made.metadata.uid:
            work.remove(RESTORES, made.metadata.name, made.metadata.uid)
        raise


def _until_complete(work: Work, made: VmRestore, *, waits: bool) -> None:
    sizes = {each["disk"]: each["size"] for each in work.params()["cuts"]}
    name, troubled, trouble = made.metadata.name, 0.0, ""

    def look() -> bool | None:
        nonlocal troubled, trouble
        now = work.found(RESTORES, name)
        if now is None or now.metadata.uid != made.metadata.uid:
            raise Failed("the restore vanished", "look at the volumes of the vm: nothing takes a part of it back")
        if now.status.complete:
            return True
        conditions = {each.type: each for each in now.status.conditions}
        failure = conditions.get("Failure")
        if failure is not None and failure.status == "True":
            raise Failed(clean(failure.reason) or "the restore failed", "look at the plan of another restore")
        progressing = conditions.get("Progressing")
        reason = clean(progressing.reason) if progressing is not None else ""
        asks_for_off = reason.startswith(_TARGET)
        if waits and asks_for_off and work.stop.is_set():
            raise Cancelled("it was stopped")
        is_stuck = progressing is not None and progressing.status == "False" and not asks_for_off
        if not is_stuck or reason != trouble:
            troubled, trouble = (time.monotonic() if is_stuck else 0.0), reason
        if troubled and time.monotonic() - troubled > limits.TROUBLE:
            raise Failed(reason, f"restore {name} goes on trying; kubectl delete vmrestore {name} gives it up")
        _show(work, now, reason or "restoring", sizes)
        return None

    work.until(look)


def _show(work: Work, now: VmRestore, phase: str, sizes: dict[str, int]) -> None:
    """How far it is: the new claims come up one by one."""
    bound = 0
    for each in now.status.restores:
        claim = work.found(CLAIMS, each.claim)
        if claim is not None and claim.status.phase == "Bound":
            bound += sizes.get(each.volume_name, 0)
    total = sum(sizes.values())
    has_numbers = bool(now.status.restores and total)
    work.report(Progress(phase, bound if has_numbers else None, total if has_numbers else None))


def _start_again(work: Work) -> str:
    """A vm that we have switched off, and that nothing was done to, runs again. Says what became of it."""
    params = work.params()
    if not params["stop"] or not params["runs"]:
        return ""
    try:
        machine = work.machine()
        if machine.status.restore_in_progress:
            return "the vm is off, and held by the restore"
        return work.start_vm()
    except VmsnapError as error:
        return f"the vm is off ({error.words})"
