"""What taking a snapshot would do."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.model.settings import setting_refusals
from vmsnap_tui.model.snapshot import Consistency, SnapshotKind
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.platforms.demo.methods import methods, refusals
from vmsnap_tui.platforms.demo.record import can_join, overlay
from vmsnap_tui.platforms.demo.shape import WAYS, Freezing, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Take
    from vmsnap_tui.model.vm import Disk, Vm
    from vmsnap_tui.platforms.demo.facts import DemoFacts
    from vmsnap_tui.platforms.demo.shape import Way

_DNS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_LONGEST = {Shape.LIBVIRT: 200, Shape.OPENSHIFT: 63, Shape.OPENSTACK: 255}


def plan_take(request: Take, facts: DemoFacts) -> Plan:
    """What the request would do: one step."""
    vm = facts.vm
    title = f"Take snapshot {quoted(request.name)}"
    way = _way(request, facts)
    if way is None:
        known = ", ".join(each.id for each in WAYS[facts.shape])
        refusal = Refusal("no-such-method", f"there is no method {request.method}", f"use one of: {known}")
        return Plan(request, title, vm.name, refusals=(refusal, *name_refusals(request.name, facts)))
    joining = [disk for disk in vm.disks if can_join(way, disk)]
    disks = [disk for disk in joining if request.disks is None or disk.id in request.disks]
    need = to_write(way, vm, disks)
    refused = [*name_refusals(request.name, facts), *refusals(way, facts, disks)]
    refused += [*_disk_refusals(request, way, vm, disks), *setting_refusals((), request.settings)]
    if facts.free is not None and need > facts.free:
        refused.append(
            Refusal(
                "no-space", f"it takes {_gib(need)} and {_gib(facts.free)} are free", "make room, or take no memory"
            )
        )
    step = Step(
        "take",
        request.vm,
        _label(way, vm, disks, together=bool(request.group)),
        {
            "name": request.name,
            "description": request.description,
            "method": way.id,
            "disks": [disk.id for disk in disks],
            "together": bool(request.group),
        },
        freezes=way.freezes(vm),
        cancellable=True,
    )
    return Plan(
        request,
        title,
        vm.name,
        (step,),
        cautions=tuple(_cautions(way, vm, disks)),
        refusals=tuple(refused),
        consistency=way.consistency(vm),
        notes=tuple(_notes(way, facts, disks, request.name, need)),
    )


def name_refusals(name: str, facts: DemoFacts) -> Iterator[Refusal]:
    """Why a snapshot can't have that name."""
    if any(snapshot.name == name for snapshot in facts.snapshots):
        yield Refusal("name-taken", f"there is a snapshot {quoted(name)} already", "choose another name")
    longest = _LONGEST[facts.shape]
    if not name.strip():
        yield Refusal("name-empty", "a snapshot needs a name", "choose one")
    elif len(name) > longest:
        yield Refusal("name-too-long", f"the name is longer than {longest} characters", "choose a shorter name")
    elif any(unicodedata.category(char)[0] == "C" and char != "\u200d" for char in name):
        yield Refusal("name-invalid", "the name holds control characters", "leave them out")
    elif facts.shape is Shape.LIBVIRT and ("/" in name or name.startswith(".")):
        yield Refusal("name-invalid", "the name becomes part of a file name: no / and no leading dot")
    elif facts.shape is Shape.OPENSHIFT and not _DNS.fullmatch(name):
        yield Refusal("name-invalid", "only lower-case letters, digits, - and . are allowed", "such as before-update")


def quoted(name: str) -> str:
    """A name for a sentence."""
    return f"“{clean(name)}”"


def to_write(way: Way, vm: Vm, disks: list[Disk]) -> int:
    """About how many bytes are written while one waits."""
    if way.memory and vm.state.is_active:
        return (vm.memory or 0) * 6 // 10
    if way.copies:
        return sum(disk.allocation or 0 for disk in disks)
    return 0


def _way(request: Take, facts: DemoFacts) -> Way | None:
    ways = {way.id: way for way in WAYS[facts.shape]}
    if request.method:
        return ways.get(request.method)
    rows = methods(facts)
    if request.group:
        # Memory takes long to write: the others would stand frozen all that time.
        quick = [
            row.id for row in rows if not row.refusals and (not ways[row.id].memory or not facts.vm.state.is_active)
        ]
        if quick:
            return ways[quick[0]]
    return ways[next((row.id for row in rows if row.recommended), rows[-1].id)]


def _disk_refusals(request: Take, way: Way, vm: Vm, disks: list[Disk]) -> Iterator[Refusal]:
    if request.disks is None:
        return
    known = {disk.id for disk in vm.disks}
    for unknown in [disk for disk in request.disks if disk not in known]:
        yield Refusal("no-such-disk", f"the vm has no disk {unknown}", f"choose from: {', '.join(sorted(known))}")
    for alien in [disk for disk in request.disks if disk in known - {chosen.id for chosen in disks}]:
        yield Refusal("disk-excluded", f"disk {alien} can't be part of such a snapshot", "leave it out")
    everything = {disk.id for disk in vm.disks if can_join(way, disk)}
    if not way.chooses and everything - set(request.disks):
        yield Refusal("all-disks", f"{way.label} always takes all disks", "choose all, or another method")


def _cautions(way: Way, vm: Vm, disks: list[Disk]) -> Iterator[str]:
    chosen = {disk.id for disk in disks}
    if left_out := [disk.id for disk in vm.disks if disk.writable and disk.id not in chosen]:
        yield f"Not part of it: {', '.join(left_out)}."
    consistency = way.consistency(vm)
    if consistency is Consistency.CRASH and vm.state is VmState.RUNNING:
        why = "no agent answers" if vm.agent is not AgentState.CONNECTED else "this method does not freeze"
        yield f"The guest is not frozen ({why}): a restore is like a start after a power cut."
    if consistency is Consistency.UNKNOWN:
        yield "The platform does not tell whether it froze the guest."
    if vm.tpm and way.kind is not SnapshotKind.VM:
        yield "The state of the TPM is not part of it."
    if not way.chooses and way.kind is SnapshotKind.VM and way.freezing is Freezing.AUTOMATIC and len(disks) > 1:
        yield "The volumes are cut one after the other while the guest is frozen."


def _notes(way: Way, facts: DemoFacts, disks: list[Disk], name: str, need: int) -> Iterator[str]:
    if way.kind is SnapshotKind.EXTERNAL:
        for disk in disks:
            yield f"{disk.id} goes on in {overlay(disk, name)}"
    if need:
        yield f"about {_gib(need)} are written"
    if facts.free is not None:
        yield f"{_gib(facts.free)} are free"


def _label(way: Way, vm: Vm, disks: list[Disk], *, together: bool) -> str:
    where = ", ".join(disk.id for disk in disks) or "no disk"
    if way.freezes(vm):
        return f"freeze the guest, {'wait for the others, ' if together else ''}cut {where}, thaw it"
    if way.memory and vm.state.is_active:
        return f"save memory, cut {where}"
    return f"cut {where}"


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
