"""Making a new vm from a snapshot, and offering one for download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Cancelled, Failed
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift.kinds import MACHINES, SNAPSHOTS, VM_CLONES, VM_EXPORTS
from vmsnap_tui.platforms.openshift.plan.rules import shortened
from vmsnap_tui.platforms.openshift.steps.restore import ask_for_restore, follow, the_snapshot

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openshift.records.beside import VmClone, VmExport
    from vmsnap_tui.platforms.openshift.steps.work import Body, Work

_LASTS = "2h"  # as long as an export is offered


def launch(work: Work) -> str:
    """Make it by the cluster's cloning, or where there is none by a restore to a new name."""
    params = work.params()
    the_snapshot(work)
    name = params["name"]
    if work.found(MACHINES, name) is not None:
        raise Failed(f"there is a vm {name} already", "choose another name")
    work.report(Progress("making the vm"))
    if params["version"]:
        _clone(work, name)
    else:
        spec: Body = {"volumeRestorePolicy": params["naming"]} if params["naming"] else {}
        if params["patches"]:
            spec["patches"] = list(params["patches"])
        follow(work, ask_for_restore(work, name, spec))
    return f"made {name}; {work.start_vm(name) if params['runs'] else 'it is off'}"


def export(work: Work) -> str:
    """Offer it, and say where. Raises Cancelled."""
    params = work.params()
    the_snapshot(work)
    work.report(Progress("asking for the export"))
    name = shortened(params["snapshot"][:42], "export", work.act[:8])
    spec: Body = {"source": _source(params["snapshot"]), "ttlDuration": _LASTS}
    made = work.create(VM_EXPORTS, "VirtualMachineExport", name, spec)

    def look() -> VmExport | None:
        now = work.found(VM_EXPORTS, name)
        if now is None:
            raise Failed("the export vanished", "look who deletes exports in this namespace")
        if now.status.phase in {"Skipped", "Terminated"}:
            why = "; ".join(each.message or each.reason for each in now.status.conditions if each.status == "False")
            raise Failed(clean(f"the export is {now.status.phase}: {why}"), "look at the export")
        work.report(Progress(f"exporting ({now.status.phase or 'Pending'})"))
        return now if now.status.phase == "Ready" else None

    try:
        ready = work.until(look, stoppable=True)
    except (Cancelled, Failed):
        work.remove(VM_EXPORTS, name, made.metadata.uid)
        raise
    return _where(ready)


def _where(ready: VmExport) -> str:
    links = ready.status.links
    side = (links.external or links.internal) if links is not None else None
    volumes = side.volumes if side is not None else ()
    urls = [clean(form.url) for volume in volumes for form in volume.formats[:1]]
    secret = ready.status.token_secret_ref
    token = f"; its token is in secret {secret}" if secret else ""
    return f"offered as {ready.metadata.name}{token}: {', '.join(urls) or 'no link is told'}"


def _source(snapshot: str) -> Body:
    return {"apiGroup": SNAPSHOTS, "kind": "VirtualMachineSnapshot", "name": snapshot}


def _clone(work: Work, name: str) -> None:
    params = work.params()
    spec: Body = {
        "source": _source(params["snapshot"]),
        "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": name},
    }
    if params["naming"]:
        spec["volumeNamePolicy"] = params["naming"]
    made = work.create(VM_CLONES, "VirtualMachineClone", shortened(name[:48], "clone", work.act[:8]), spec)

    def look() -> VmClone | None:
        now = work.found(VM_CLONES, made.metadata.name)
        if now is None:  # a cluster may tidy up clones that are done
            if work.found(MACHINES, name) is None:
                raise Failed("the clone vanished", "look who deletes clones in this namespace")
            return made
        if now.status.phase == "Failed":
            why = "; ".join(
                each.message or each.reason for each in now.status.conditions if each.message or each.reason
            )
            raise Failed(clean(why) or "the clone failed", f"look at clone {made.metadata.name}")
        work.report(Progress(f"making the vm ({now.status.phase})" if now.status.phase else "making the vm"))
        return now if now.status.phase == "Succeeded" else None

    work.until(look)
