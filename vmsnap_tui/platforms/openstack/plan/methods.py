"""The ways to take a snapshot of a server, and which is best."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Method, Refusal
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.openstack.plan.rules import not_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts, Volume

IMAGE, VOLUMES, WHOLE = "image", "volumes", "whole"
ALL = (WHOLE, IMAGE, VOLUMES)
_TAKEN_FROM = {"active", "stopped", "paused", "suspended"}  # vm states in which Nova takes an image
_CUT_FROM = {"available", "in-use"}


def methods(facts: OpenStackFacts) -> tuple[Method, ...]:
    """All ways, the best possible one first in `ALL` recommended."""
    rows = [_method(method, facts) for method in ALL]
    best = next((index for index, row in enumerate(rows) if not row.refusals), None)
    if best is not None:
        rows[best] = replace(rows[best], recommended=True)
    return tuple(rows)


def recommended(facts: OpenStackFacts) -> str:
    """The id of the recommended one, or of one that says best what stands against taking any."""
    rows = methods(facts)
    best = next((row for row in rows if row.recommended), None)
    return best.id if best else min(rows, key=lambda row: len(row.refusals)).id


def takes_image(method: str) -> bool:
    """Whether it takes an image."""
    return method in {IMAGE, WHOLE}


def chosen(method: str, facts: OpenStackFacts) -> tuple[Volume, ...]:
    """The volumes of which the method takes snapshots by itself."""
    return () if method == IMAGE else facts.attached


def consistency(method: str, facts: OpenStackFacts) -> Consistency:
    """What it would give."""
    if facts.vm.state is VmState.OFF:
        return Consistency.CLEAN
    if method == IMAGE and facts.quiesce and facts.vm.state is VmState.RUNNING:
        return Consistency.UNKNOWN if facts.base else Consistency.FILESYSTEM
    return Consistency.CRASH


def refusals(method: str, facts: OpenStackFacts, volumes: Sequence[Volume]) -> Iterator[Refusal]:
    """Why it is not possible now."""
    yield from not_now(facts)
    if takes_image(method):
        yield from _no_image(facts)
    if method == WHOLE and not facts.base:
        yield Refusal("same-as-image", "the server boots from a volume: its image covers every volume", "use image")
    elif method == WHOLE and not facts.attached:
        yield Refusal("same-as-image", "the server has no volumes: its image is all of it", "use image")
    if method == VOLUMES or (method == WHOLE and facts.attached):
        yield from _no_cut(facts, volumes)
    elif method == IMAGE and not facts.base:
        yield from _no_cut(facts, facts.attached)


def _no_image(facts: OpenStackFacts) -> Iterator[Refusal]:
    if facts.vm_state not in _TAKEN_FROM:
        yield Refusal(
            "state", f"Nova takes no image of a server that is {facts.vm_state or 'in an unknown state'}", "start it"
        )
    if facts.quiesce and facts.vm.state is VmState.PAUSED:
        yield Refusal("cannot-freeze", "its image demands a freeze, and a paused guest cannot answer", "unpause it")


def _no_cut(facts: OpenStackFacts, volumes: Sequence[Volume]) -> Iterator[Refusal]:
    if facts.no_volumes:
        yield Refusal("no-volumes", f"the cloud has no volume service: {facts.no_volumes}", "take an image")
    if not volumes:
        yield Refusal("no-disk", "no volume would be part of it", "take an image")
    for volume in volumes:
        if volume.status not in _CUT_FROM:
            yield Refusal("volume-state", f"volume {volume.disk} is {volume.status}", "wait until it is in-use")
    quota = facts.quota("snapshots")
    if not quota.has_room(len(volumes)):
        yield Refusal(
            "quota",
            f"{len(volumes)} more volume snapshots do not fit: {quota.used} of {quota.limit} are used",
            "delete some, or ask for a larger quota",
        )


def _method(method: str, facts: OpenStackFacts) -> Method:
    running = facts.vm.state is VmState.RUNNING
    pause = "none, the guest stands still"
    if running:
        pause = "none" if method == VOLUMES else "none where the host does it live, else until the disk is copied"
    copy = "a full copy of the root disk in the image store"
    kept = "kept by the volume service; grows with what is written"
    label, space, limits = {
        IMAGE: ("server image", copy, "the root disk alone; volumes stay out" if facts.attached else "the root disk"),
        VOLUMES: ("volume snapshots", kept, "volumes alone; each by itself, no freeze"),
        WHOLE: (
            "server image and volume snapshots",
            f"{copy}; that of the volumes is {kept}",
            "one part after the other, not one instant",
        ),
    }[method]
    if method == IMAGE and not facts.base:
        label, space, limits = (
            "server image (a snapshot of every volume)",
            kept,
            "all volumes; a restore in place not of the root volume",
        )
    back = {
        IMAGE: "rebuild the server from it, same addresses" if facts.base else "swap in new volumes, or a new server",
        VOLUMES: "revert the volumes to their newest, or swap in new ones",
        WHOLE: "rebuild the server, and revert or swap its volumes",
    }[method]
    return Method(
        method,
        label,
        consistency(method, facts),
        pause=pause,
        space=space,
        restore=back,
        limits=limits,
        refusals=tuple(refusals(method, facts, chosen(method, facts))),
    )
