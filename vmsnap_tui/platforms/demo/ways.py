"""The ways to restore a snapshot, where a shape has several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Refusal, WayBack
from vmsnap_tui.model.settings import Setting
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.platforms.demo.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.demo.facts import DemoFacts

NEW = {"new", "new-vm"}
"""Those that leave the vm as it is, and make another one."""
NAME = "name"

_REBUILD = ("rebuild", "rebuild the server", "keeps id, addresses and ports; the root disk is written anew")
_REVERT = ("revert", "revert the volumes", "the server is stopped for it; what they hold now is lost")
_SWAP = ("swap", "swap in new volumes", "the server is stopped for it; the volumes of now stay, detached")
_LAUNCH = ("new", "launch a new server", "this one stays as it is")
_KEEP = ("new-volumes", "into new volumes", "the new ones stand before the old ones are let go; they get new names")
_PLACE = ("in-place", "in place", "keeps the names; the volumes of now are deleted before the new ones are there")
_COPY = ("new-vm", "as a new vm", "this one stays as it is; the new one gets addresses and ids of its own")

_WAYS = {
    (Shape.OPENSTACK, SnapshotKind.IMAGE): (_REBUILD, _LAUNCH),
    (Shape.OPENSTACK, SnapshotKind.GROUP): (_REVERT, _SWAP, _LAUNCH),
    (Shape.OPENSTACK, SnapshotKind.VOLUME): (_REVERT, _SWAP),
    (Shape.OPENSHIFT, SnapshotKind.VM): (_KEEP, _PLACE, _COPY),
    (Shape.OPENSHIFT, SnapshotKind.VOLUME): (("swap-volumes", "swap in new volumes", "the vm is pointed to them"),),
}


def ways_back(target: Snapshot, facts: DemoFacts) -> tuple[WayBack, ...]:
    """The first possible one is recommended; () where there is no choice."""
    rows = [
        WayBack(
            id_,
            label,
            detail,
            tuple(refusals(id_, target, facts)),
            settings=_settings(id_, target, facts),
            beside=id_ in NEW,
        )
        for id_, label, detail in _WAYS.get((facts.shape, target.kind), ())
    ]
    best = next((index for index, row in enumerate(rows) if not row.refusals), 0)
    return tuple(replace(row, recommended=index == best) for index, row in enumerate(rows))


def refusals(way: str, target: Snapshot, facts: DemoFacts) -> Iterator[Refusal]:
    """Why a snapshot that is ready cannot be restored this way."""
    later = [each.name for each in facts.snapshots if _shadows(each, target)]
    if way == "revert" and later:
        yield Refusal(
            "not-latest",
            f"a volume goes back to its newest snapshot alone, and “{later[0]}” is newer",
            "use swap, or delete the newer ones",
        )


def _settings(way: str, target: Snapshot, facts: DemoFacts) -> tuple[Setting, ...]:
    return (Setting(NAME, "Name", f"{facts.vm.name}-{target.name}"),) if way in NEW else ()


def _shadows(other: Snapshot, target: Snapshot) -> bool:
    if other.created <= target.created:
        return False
    mine, others = (
        {disk.disk for disk in each.disks if disk.included and disk.kind is SnapshotKind.VOLUME}
        for each in (target, other)
    )
    return bool(mine & others)
