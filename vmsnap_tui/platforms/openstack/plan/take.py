"""Taking a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.openstack.convert import ROOT
from vmsnap_tui.platforms.openstack.plan import methods
from vmsnap_tui.platforms.openstack.plan.rules import bad_description, bad_name, quoted
from vmsnap_tui.platforms.openstack.stamps import token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.plan import Take
    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts, Volume


def plan_take(request: Take, facts: OpenStackFacts) -> Plan:
    """Take a snapshot by the method asked for, or else by the recommended one: one step, that leaves all or nothing."""
    title = f"Take snapshot {quoted(request.name)}"
    method = request.method or methods.recommended(facts)
    if method not in methods.ALL:
        refusal = Refusal(
            "no-such-method", f"OpenStack has no method {quoted(method)}", f"one of {', '.join(methods.ALL)}"
        )
        return Plan(request, title, facts.vm.name, refusals=(refusal,))
    volumes = methods.chosen(method, facts)
    if request.disks is not None:
        volumes = tuple(volume for volume in volumes if volume.disk in request.disks)
    refusals = (
        *bad_name(request.name, facts),
        *bad_description(request.description),
        *methods.refusals(method, facts, volumes),
        *_disk_refusals(request, method, facts),
    )
    count = len(volumes) + methods.takes_image(method)
    where = ([ROOT if facts.base else "every volume"] if methods.takes_image(method) else []) + [
        volume.disk for volume in volumes
    ]
    step = Step(
        "take",
        request.vm,
        clean(f"take {', '.join(where) or 'nothing'}"),
        {
            "name": request.name,
            "description": request.description,
            "image": methods.takes_image(method),
            "volumes": [volume.id for volume in volumes],
            "group": token(request.vm.id, request.name) if count > 1 else "",
            "parts": count,
            "line": list(facts.here),
            "state": facts.vm.state.value,
            # Nova cuts all volumes of a server that boots from one, one after the other.
            "cuts": count if facts.base else max(count, len(facts.vm.disks)),
        },
        cancellable=True,
    )
    return Plan(
        request,
        title,
        facts.vm.name,
        (step,),
        cautions=(*_cautions(method, facts, volumes), *_together_cautions(request, step, facts)),
        refusals=refusals,
        consistency=methods.consistency(method, facts),
        notes=tuple(_notes(facts, volumes)),
    )


def _disk_refusals(request: Take, method: str, facts: OpenStackFacts) -> Iterator[Refusal]:
    if request.disks is None:
        return
    known = {disk.id for disk in facts.vm.disks}
    for disk in request.disks:
        if disk not in known:
            yield Refusal(
                "no-such-disk", f"the server has no disk {quoted(disk)}", f"one of {', '.join(sorted(known))}"
            )
    if methods.takes_image(method) and set(request.disks) != known:
        yield Refusal("all-disks", "an image takes what it takes: disks cannot be chosen", "use volumes")
    elif method == methods.VOLUMES and ROOT in request.disks:
        yield Refusal("disk-excluded", "the root disk is no volume", "use image")


def _cautions(method: str, facts: OpenStackFacts, volumes: Sequence[Volume]) -> Iterator[str]:
    taken = {volume.disk for volume in volumes}
    if methods.takes_image(method):
        taken |= {ROOT} if facts.base else {disk.id for disk in facts.vm.disks}
    if left := [disk.id for disk in facts.vm.disks if disk.writable and disk.id not in taken]:
        yield f"Not part of it: {', '.join(left)}."
    if facts.extra and methods.takes_image(method):
        yield f"Local disks besides the root disk are not part of it: {', '.join(facts.extra)}."
    size, room = sum(volume.size for volume in volumes), facts.quota("gigabytes")
    if not room.has_room(size):  # a cloud may be told not to count them, and nobody can ask whether it does
        yield f"{size} GiB more of volumes do not fit: {room.used} of {room.limit} are used. It may be refused."
    state = facts.vm.state
    if methods.takes_image(method) and state is VmState.RUNNING:
        yield "The host decides whether it is taken live; if it cannot, the guest stands still until it is copied."
    yield from _freeze_cautions(method, facts)
    if state is VmState.SUSPENDED or facts.vm.saved:
        yield "The memory of the suspended server is not part of it."
    if len(volumes) > 1 or (volumes and methods.takes_image(method)):
        yield "The parts are taken one after the other, not at one instant."


def _together_cautions(request: Take, step: Step, facts: OpenStackFacts) -> Iterator[str]:
    if request.group and facts.vm.state is VmState.RUNNING:
        yield "OpenStack holds no guest frozen for us: this one is cut while the others stand still."
        if step.params["cuts"] != 1:
            yield "Its disks are cut one after the other while it runs: with it, the group will not be one moment."


def _freeze_cautions(method: str, facts: OpenStackFacts) -> Iterator[str]:
    worth = methods.consistency(method, facts)
    if worth is Consistency.UNKNOWN:
        yield (
            "Its image demands a freeze, but where the guest agent does not answer Nova goes on without one and does "
            "not tell: it may be like after a power cut."
        )
    elif worth is Consistency.FILESYSTEM:
        yield "Its image demands a freeze: if the guest agent does not answer, no snapshot is taken."
    elif facts.vm.state in {VmState.RUNNING, VmState.PAUSED}:
        yield "No freeze is promised: a restore is like a start after a power cut."


def _notes(facts: OpenStackFacts, volumes: Sequence[Volume]) -> Iterator[str]:
    quota = facts.quota("snapshots")
    if volumes and quota.limit >= 0:
        yield f"{quota.used} of {quota.limit} volume snapshots are used."
