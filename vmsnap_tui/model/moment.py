"""Back to a moment: which snapshot of each vm stands for it, how far off it is, whether they fit together. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm


class Side(Enum):
    """On which side of the moment a snapshot may lie."""

    BEFORE = "before"  # the latest at or before it
    AFTER = "after"  # the earliest at or after it
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class Pick:
    """What a vm is put back to: None where it has no snapshot that fits. `off` is negative where that lies before."""

    vm: Vm
    snapshot: Snapshot | None
    off: timedelta | None = None


def pick(vm: Vm, snapshots: Iterable[Snapshot], moment: datetime, side: Side = Side.BEFORE) -> Pick:
    """The snapshot that stands for a moment (aware). Only those that are ready count; of equals the last by id."""
    fitting = [each for each in snapshots if each.ready and _fits(each.created, moment, side)]
    if not fitting:
        return Pick(vm, None)
    ordered = sorted(fitting, key=lambda each: (each.created, each.id))
    if side is Side.BEFORE:
        chosen = ordered[-1]
    else:
        # Of two that are as near, the one before: what came after it has not happened yet.
        chosen = min(ordered, key=lambda each: (abs(each.created - moment), each.created > moment))
        chosen = max((each for each in ordered if each.created == chosen.created), key=lambda each: each.id)
    return Pick(vm, chosen, chosen.created - moment)


def spread(picks: Iterable[Pick]) -> timedelta | None:
    """From the oldest pick to the newest: machines that talk to each other must fit together. None without any."""
    times = [each.snapshot.created for each in picks if each.snapshot]
    return max(times) - min(times) if times else None


def _fits(created: datetime, moment: datetime, side: Side) -> bool:
    if side is Side.NEAREST:
        return True
    return created <= moment if side is Side.BEFORE else created >= moment
