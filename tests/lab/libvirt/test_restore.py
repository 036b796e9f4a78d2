"""Restoring to each kind of snapshot, to each end, and what becomes of the tree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import file_system, layer_of, ref, until
from vmsnap_tui.model.forest import Forest
from vmsnap_tui.model.lanes import lay_out
from vmsnap_tui.model.plan import After, Delete, LossKind, Restore
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.present.graph import picture

if TYPE_CHECKING:
    from tests.lab.libvirt.conftest import Taken
    from tests.lab.libvirt.lab import Lab
    from tests.lab.libvirt.proofs import Admin

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

DRAWN = """\
○ crash
◆ frozen
├─● memory
│ ├─◆ kept
│ ● memory-paused
│ ● still
│ ■ off
■ branch
◎ you are here"""

ENDS = {After.RUNNING: "running", After.PAUSED: "paused", After.OFF: "shut off"}


@pytest.mark.parametrize("after", ENDS)
@pytest.mark.parametrize(
    ("taken", "name"),
    [("outer", "crash"), ("outer", "memory"), ("inner", "live"), ("inner", "off")],
    indirect=["taken"],
)
async def test_each_kind_to_each_end(admin: Admin, taken: Taken, name: str, after: After) -> None:
    kept = await admin.tree(taken.guest)
    await admin.do(Restore((await admin.snapshots(taken.guest))[name].ref, after))
    assert taken.guest.state() == ENDS[after]
    snapshots = await admin.snapshots(taken.guest)
    assert [snapshot.name for snapshot in snapshots.values() if snapshot.current] == [name]
    assert await admin.tree(taken.guest) == kept


async def test_safety_first_and_then_a_branch(lab: Lab, admin: Admin, outer: Taken) -> None:
    guest, vm = outer.guest, ref(outer.guest)
    await admin.do(Restore((await admin.snapshots(guest))["memory"].ref))
    await until(guest.agent_answers, "the agent")
    # What is written from here on is what the safety snapshot is for.
    begun = guest.read_disk_counter()
    await until(lambda: guest.read_disk_counter() > begun + 5, "the guest to write")
    counted = guest.read_disk_counter()
    plan = await admin.do(Restore((await admin.snapshots(guest))["frozen"].ref, After.OFF, safety="kept"))
    assert plan.consistency is Consistency.FILESYSTEM
    assert [loss.kind for loss in plan.losses] == [LossKind.MEMORY]
    kept = file_system(lab, layer_of(guest, "kept"))
    assert kept.is_sound
    assert not kept.needs_recovery
    assert kept.counter >= counted
    await admin.take(guest, "branch")
    tree = await admin.tree(guest)
    assert (tree["kept"], tree["branch"]) == ("memory", "frozen")

    stored = admin.engine.store.snapshots(vm)
    assert stored is not None
    forest = Forest(stored)
    drawn = picture(lay_out(forest), forest, 80, datetime.now(UTC), VmState.OFF)
    assert [line.split("  ")[0] for line in drawn] == DRAWN.splitlines()

    # Once the branch is deleted, its parent is current again, and libvirt would take the overlay that the older branch
    # lies in for the one that the vm writes to. So it is refused, unless another overlay takes its place.
    await admin.do(Delete((await admin.snapshots(guest))["branch"].ref))
    known = await admin.snapshots(guest)
    assert known["frozen"].current
    bare = await admin.engine.plan(Restore(known["memory"].ref))
    assert [refusal.code for refusal in bare.refusals] == ["would-destroy"]
    await admin.do(Restore(known["memory"].ref, safety="second thought"))
    await until(guest.agent_answers, "the agent")
    assert guest.boot_id() == outer.moments["memory"].boot
    assert file_system(lab, layer_of(guest, "kept")) == kept
