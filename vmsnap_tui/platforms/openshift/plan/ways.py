"""The ways to restore a snapshot, what may be set of each, and what stands against it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Refusal, WayBack
from vmsnap_tui.model.settings import KEEP as KEEP_OLD
from vmsnap_tui.model.settings import OLD_VOLUMES, Setting, old_volumes
from vmsnap_tui.platforms.openshift.facts import Right
from vmsnap_tui.platforms.openshift.plan.rules import is_name, not_allowed, not_now, quoted, read_only, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vmsnap_tui.model.plan import Restore
    from vmsnap_tui.model.snapshot import SnapRef, Snapshot
    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts, Part, Volume

KEEP, IN_PLACE, NEW_VM, EXPORT = "new-volumes", "in-place", "new-vm", "export"
SWAP, CLAIM = "swap-volumes", "new-claims"
ON_THE_VM = {KEEP, IN_PLACE, SWAP}
"""Those that change the vm itself."""

RUNNING, NAME, NAMING = "running", "name", "volume-names"
STOP, WAIT, FAIL = "stop", "wait", "fail"
BY_VM = "by vm"


def ways_back(ref: SnapRef, facts: OpenShiftFacts) -> tuple[WayBack, ...]:
    """Those that fit what the snapshot is.

    The first possible one is recommended, if it puts the vm itself back: who asks for that is given nothing else.
    """
    snapshot = facts.snapshot(ref.id)
    if snapshot is None:
        return ()
    rows = [_way(way, snapshot, facts) for way in fitting(facts.part(ref.id))]
    best = next((index for index, row in enumerate(rows) if row.id in ON_THE_VM and not row.refusals), 0)
    return tuple(replace(row, recommended=index == best) for index, row in enumerate(rows))


def recommended(ref: SnapRef, facts: OpenShiftFacts) -> str:
    """The id of the recommended one."""
    return next((way.id for way in ways_back(ref, facts) if way.recommended), KEEP)


def fitting(part: Part) -> tuple[str, ...]:
    """The ways that there are for such a snapshot."""
    return (KEEP, IN_PLACE, NEW_VM, EXPORT) if part.name else (SWAP, CLAIM)


def settings(way: str, snapshot: Snapshot, facts: OpenShiftFacts) -> tuple[Setting, ...]:
    """What may be set of it."""
    patient = facts.can.readiness and way != SWAP
    running = Setting(
        RUNNING,
        "a vm that runs",
        STOP,
        (STOP, WAIT, FAIL) if patient else (STOP, FAIL),
        "stop it, wait until somebody does, or do nothing" if patient else "stop it, or do nothing",
    )
    old = old_volumes()
    name = Setting(NAME, "name", new_name(way, snapshot, facts), hint="of what is made")
    naming = Setting(NAMING, "names of its volumes", "random", ("random", BY_VM))
    return {
        KEEP: (running, old),
        IN_PLACE: (running,),
        SWAP: (running, old),
        NEW_VM: (name, naming) if facts.can.prefix else (name,),
        CLAIM: (name,),
        EXPORT: (),
    }[way]


def new_name(way: str, snapshot: Snapshot, facts: OpenShiftFacts) -> str:
    """What a new vm, or new claims, would be called: the first name of its kind that is free."""
    taken = facts.vm_names if way == NEW_VM else facts.claim_names
    base = shortened(facts.vm.name[:38], snapshot.name)
    number, name = 2, base
    while name in taken or any(each.startswith(f"{name}-") for each in taken if way == CLAIM):
        number, name = number + 1, shortened(base[:58], str(number))
    return name


def by_clone(facts: OpenShiftFacts) -> bool:
    """Whether a new vm is made by the cluster's own cloning, which gives it an identity of its own."""
    return bool(facts.can.clone) and Right.CLONE not in facts.denied


def doomed_disks(part: Part, facts: OpenShiftFacts) -> tuple[Volume, ...]:
    """Volumes that KubeVirt would delete without putting anything in their place.

    They are from the vm's own templates, which go back to those of then, and they are not in the snapshot.
    """
    restored = {cut.disk for cut in part.cuts}
    return tuple(
        volume
        for volume in facts.volumes
        if volume.templated and volume.disk not in restored and volume.claim not in part.templates
    )


def refusals(way: str, snapshot: Snapshot, facts: OpenShiftFacts) -> Iterator[Refusal]:
    """Why it is not possible now, whatever is set."""
    part = facts.part(snapshot.id)
    if way in ON_THE_VM:
        yield from not_now(facts)
    else:
        yield from read_only(facts)
    if not snapshot.ready:
        yield Refusal("not-ready", snapshot.error or "the snapshot is not ready", "wait, or look at its source")
    if part.deleting:
        yield Refusal("deleting", "the snapshot is being deleted", "choose another one")
    if not part.cuts:
        yield Refusal("no-disk", "the snapshot holds no volume", "choose another one")
    if way in {KEEP, IN_PLACE}:
        yield from _no_restore(way, part, facts)
    elif way == NEW_VM:
        yield from _no_new_vm(part, facts)
    elif way == EXPORT:
        if not facts.can.export:
            yield Refusal("no-api", "the cluster exports no vms", "enable it, or make a new vm")
        yield from not_allowed(facts, Right.EXPORT)
    else:
        yield from not_allowed(facts, Right.CLAIM)
    if way == SWAP:
        yield from _no_swap(part, facts)


def setting_rules(
    request: Restore, way: str, snapshot: Snapshot, values: Mapping[str, str], facts: OpenShiftFacts
) -> Iterator[Refusal]:
    """Why it is not possible as it is set."""
    if way in ON_THE_VM and facts.running:
        if values[RUNNING] == FAIL:
            yield Refusal("runs", "the vm runs", "switch it off first, or have it stopped")
        elif values[RUNNING] == STOP and not (facts.can.readiness and way != SWAP):
            yield from not_allowed(facts, Right.STOP)
    if values.get(OLD_VOLUMES, KEEP_OLD) != KEEP_OLD:
        yield from not_allowed(facts, Right.UNCLAIM)
    if NAME in values:
        name = values[NAME]
        taken = facts.vm_names if way == NEW_VM else facts.claim_names
        made = {name} if way == NEW_VM else {shortened(name, cut.disk) for cut in facts.part(snapshot.id).cuts}
        if not is_name(name):
            yield Refusal(
                "name-invalid", f"nothing can be called {quoted(name)}", "lower-case letters, digits, - and ."
            )
        elif both := sorted(made & taken):
            yield Refusal("name-taken", f"there is {quoted(both[0])} already", "choose another name")
    if way == NEW_VM and request.safety:
        yield Refusal("no-safety", "nothing changes on this vm: there is nothing to keep", "leave it out")


def _no_restore(way: str, part: Part, facts: OpenShiftFacts) -> Iterator[Refusal]:
    if way == IN_PLACE and not facts.can.in_place:
        yield Refusal("no-api", "this cluster restores into new volumes alone", f"use {KEEP}")
    if part.source_uid and facts.uid and part.source_uid != facts.uid:
        yield Refusal(
            "other-vm", "it was taken of another vm of the same name, which is no more", f"restore it by {NEW_VM}"
        )
    yield from not_allowed(facts, Right.RESTORE)
    for restore in facts.restores:
        if restore.failed:
            yield from not_allowed(facts, Right.CLEAR)
        else:
            reason = f": {restore.reason}" if restore.reason else ""
            yield Refusal(
                "restore-open",
                f"restore {quoted(restore.name)} of this vm is not done{reason}",
                f"wait, or give it up (kubectl -n {facts.vm.group} delete vmrestore {restore.name})",
            )


def _no_new_vm(part: Part, facts: OpenShiftFacts) -> Iterator[Refusal]:
    if part.backend_state:
        yield Refusal(
            "backend-storage",
            "the vm keeps a TPM or EFI variables in the storage, which KubeVirt restores to the same vm alone",
            f"use {KEEP}",
        )
    if not by_clone(facts):
        yield from not_allowed(facts, Right.RESTORE)


def _no_swap(part: Part, facts: OpenShiftFacts) -> Iterator[Refusal]:
    yield from not_allowed(facts, Right.DEFINE)
    now = {volume.disk for volume in facts.volumes}
    for cut in part.cuts:
        if cut.disk not in now:
            yield Refusal("not-attached", f"the vm has no volume {cut.disk} any more", f"use {CLAIM}")


def _way(way: str, snapshot: Snapshot, facts: OpenShiftFacts) -> WayBack:
    label, detail = {
        KEEP: ("into new volumes", "the new ones stand before the old ones are let go; they get new names"),
        IN_PLACE: ("in place", "keeps the names; the volumes of now are deleted before the new ones are there"),
        NEW_VM: ("as a new vm", "this one stays as it is; the new one gets addresses and ids of its own"),
        EXPORT: ("export it", "offers its volumes for download; this vm stays as it is"),
        SWAP: ("swap in new volumes", "the vm is pointed to new claims made from it"),
        CLAIM: ("as new claims", "claims made from it, beside the vm, which stays as it is"),
    }[way]
    return WayBack(
        way,
        label,
        detail,
        tuple(refusals(way, snapshot, facts)),
        settings=settings(way, snapshot, facts),
        beside=way not in ON_THE_VM,
    )
