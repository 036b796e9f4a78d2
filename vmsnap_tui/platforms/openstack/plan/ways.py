"""The ways to restore a snapshot, and what stands against each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Refusal, WayBack
from vmsnap_tui.model.settings import old_volumes
from vmsnap_tui.platforms.openstack.facts import Parts
from vmsnap_tui.platforms.openstack.plan.launch import launch_settings
from vmsnap_tui.platforms.openstack.plan.rules import not_now, quoted, read_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.settings import Setting
    from vmsnap_tui.model.snapshot import SnapRef
    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts, SnapPart, Volume

REBUILD, REVERT, SWAP, NEW = "rebuild", "revert", "swap", "new"
_REVERT = (3, 40)  # the microversion of Cinder that reverts volumes


def ways_back(ref: SnapRef, facts: OpenStackFacts) -> tuple[WayBack, ...]:
    """Those that fit what the snapshot holds; the first possible one is recommended."""
    parts = facts.parts.get(ref.id, Parts())
    rows = [_way(way, ref, facts) for way in _fitting(parts)]
    best = next((index for index, row in enumerate(rows) if not row.refusals), 0)
    return tuple(replace(row, recommended=index == best) for index, row in enumerate(rows))


def recommended(ref: SnapRef, facts: OpenStackFacts) -> str:
    """The id of the recommended one."""
    return next((way.id for way in ways_back(ref, facts) if way.recommended), REBUILD)


def settings(way: str, ref: SnapRef, facts: OpenStackFacts) -> tuple[Setting, ...]:
    """What may be set of it."""
    snapshot = facts.snapshot(ref.id)
    if way == NEW and snapshot is not None:
        return launch_settings(snapshot, facts)
    return (old_volumes(),) if way == SWAP else ()


def root_image(parts: Parts) -> str:
    """The image that holds a root disk, "" where there is none."""
    return next((image.id for image in parts.images if not image.follows), "")


def refusals(way: str, ref: SnapRef, facts: OpenStackFacts) -> Iterator[Refusal]:
    """Why it is not possible now."""
    parts, snapshot = facts.parts.get(ref.id, Parts()), facts.snapshot(ref.id)
    if snapshot is not None and not snapshot.ready:
        yield Refusal("not-ready", snapshot.error or "the snapshot is not ready", "wait, or look at its source")
    if way not in _fitting(parts):
        yield Refusal("no-such-way", f"this snapshot cannot be restored by {quoted(way)}", ", ".join(_fitting(parts)))
        return
    if way == NEW:
        yield from read_only(facts)
        yield from _no_launch(facts, parts)
        return
    yield from not_now(facts)
    if facts.locked:
        yield Refusal("locked", "the server is locked", "unlock it first (openstack server unlock)")
    if root_image(parts):
        yield from _no_rebuild(facts, parts)
    if way in {REVERT, SWAP}:
        if facts.vm_state not in {"active", "stopped"}:
            yield Refusal("state", f"the server is {facts.vm_state}", "start it or switch it off first")
        yield from _no_volumes(way, facts, parts.snaps)


def volume_of(snap: SnapPart, facts: OpenStackFacts) -> Volume | None:
    """The volume that a volume snapshot was taken of."""
    return next((volume for volume in facts.volumes if volume.id == snap.volume), None)


def target_of(snap: SnapPart, facts: OpenStackFacts) -> Volume | None:
    """The attached volume that stands where that of the snapshot stood: itself, or what it was swapped for."""
    volume = volume_of(snap, facts)
    if volume is not None and volume.attached:
        return volume
    return next((each for each in facts.attached if each.disk == snap.disk), None)


def _fitting(parts: Parts) -> tuple[str, ...]:
    if parts.snaps:
        return (REVERT, SWAP, NEW) if parts.images else (REVERT, SWAP)
    return REBUILD, NEW


def _no_rebuild(facts: OpenStackFacts, parts: Parts) -> Iterator[Refusal]:
    if not facts.base:
        yield Refusal(
            "boots-from-volume", "the server boots from a volume: there is no root disk to rebuild", "use new"
        )
    if facts.vm_state not in {"active", "stopped", "error"}:
        yield Refusal("state", f"Nova rebuilds no server that is {facts.vm_state}", "start it or switch it off first")
    need = max((image.min_disk for image in parts.images), default=0)
    if facts.flavor_disk and need > facts.flavor_disk:
        yield Refusal("too-small", f"the image needs {need} GiB and the flavor has {facts.flavor_disk}", "resize it")


def _no_volumes(way: str, facts: OpenStackFacts, snaps: Sequence[SnapPart]) -> Iterator[Refusal]:
    if way == REVERT and facts.volume < _REVERT:
        yield Refusal("revert-unsupported", "this cloud's volume service reverts no volumes", "use swap")
    for snap in snaps:
        target = target_of(snap, facts)
        if target is None:
            yield Refusal("not-attached", f"the server has no volume {snap.disk} any more", "use new, or attach it")
        elif target.is_root:
            yield Refusal("root-volume", f"{snap.disk} is the root volume, which cannot be detached", "use new")
        elif target.status != "in-use":
            yield Refusal("volume-state", f"volume {snap.disk} is {target.status}", "wait until it is in-use")
        elif way == REVERT:
            yield from _not_latest(snap, target)
    if way == SWAP:
        yield from _no_room(facts, snaps)


def _not_latest(snap: SnapPart, target: Volume) -> Iterator[Refusal]:
    if target.id != snap.volume:
        yield Refusal("swapped", f"{snap.disk} has been swapped for another volume since", "use swap")
    elif target.newest != snap.id:
        yield Refusal(
            "not-latest",
            f"a volume goes back to its newest snapshot alone, and {snap.disk} has a newer one",
            "use swap",
        )
    elif target.size > snap.size:
        yield Refusal("grown", f"volume {snap.disk} has grown since, and would have to shrink", "use swap")


def _no_room(facts: OpenStackFacts, snaps: Sequence[SnapPart]) -> Iterator[Refusal]:
    for name, count, what in (
        ("volumes", len(snaps), "volumes"),
        ("gigabytes", sum(snap.size for snap in snaps), "GiB of volumes"),
    ):
        quota = facts.quota(name)
        if not quota.has_room(count):
            yield Refusal(
                "quota", f"{count} more {what} do not fit: {quota.used} of {quota.limit} are used", "delete some first"
            )


def _no_launch(facts: OpenStackFacts, parts: Parts) -> Iterator[Refusal]:
    quota = facts.quota("instances")
    if not quota.has_room(1):
        yield Refusal("quota", f"one more server does not fit: {quota.used} of {quota.limit} are used", "delete one")
    if parts.snaps:
        yield from _no_room(facts, parts.snaps)


def _way(way: str, ref: SnapRef, facts: OpenStackFacts) -> WayBack:
    rebuilds = "rebuild the root disk, and " if root_image(facts.parts.get(ref.id, Parts())) else ""
    label, detail = {
        REBUILD: ("rebuild the server", "keeps id, addresses and ports; the root disk is written anew"),
        REVERT: (f"{rebuilds}revert the volumes", "the server is stopped for it; what they hold now is lost"),
        SWAP: (f"{rebuilds}swap in new volumes", "the server is stopped for it; the volumes of now stay, detached"),
        NEW: ("launch a new server", "this one stays as it is"),
    }[way]
    return WayBack(
        way,
        label,
        detail,
        tuple(refusals(way, ref, facts)),
        settings=settings(way, ref, facts),
        beside=way == NEW,
    )
