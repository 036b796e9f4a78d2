"""As many vms and snapshots as one asks for, all alike."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.demo.seeds.planter import MIB, files
from vmsnap_tui.platforms.demo.shape import WAYS

if TYPE_CHECKING:
    from vmsnap_tui.platforms.demo.seeds.planter import Planter

_BRANCH_EVERY = 10  # snapshots in a row, before the next one hangs under the one before the last


def plant_many(planter: Planter, vms: int, snapshots: int) -> None:
    """`vms` vms with `snapshots` each, a branch now and then. Values that repeat are shared, to be light."""
    now = planter.world.start
    kind = WAYS[planter.world.shape][0].kind
    names = [f"nightly-{index:05}" for index in range(snapshots)]
    taken = [now - timedelta(hours=snapshots - index) for index in range(snapshots)]
    disks = files("disk", 20)
    for number in range(vms):
        state = VmState.OFF if number % 4 == 0 else VmState.RUNNING
        plot = planter.vm(f"vm-{number:05}", disks, state)
        consistency = Consistency.CLEAN if state is VmState.OFF else Consistency.FILESYSTEM
        for index, name in enumerate(names):
            back = 2 if index > 1 and index % _BRANCH_EVERY == 0 else 1
            plot.keep(
                Snapshot(
                    SnapRef(plot.ref, name),
                    name,
                    taken[index],
                    parent=names[index - back] if index else None,
                    state=state,
                    kind=kind,
                    consistency=consistency,
                    current=index == snapshots - 1,
                    size=(index + 1) * MIB,
                )
            )
        plot.finish()
