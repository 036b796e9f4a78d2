"""What each way to take a snapshot is worth, proven by what the guest has counted when it is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import file_system, layer_of, ref, ticks, until
from vmsnap_tui.model.plan import After, Restore
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.present.marks import mark

if TYPE_CHECKING:
    from tests.lab.libvirt.conftest import Taken
    from tests.lab.libvirt.lab import Guest, Lab
    from tests.lab.libvirt.proofs import Admin

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

WORTH = {
    "outer": {
        "crash": Consistency.CRASH,
        "frozen": Consistency.FILESYSTEM,
        "memory": Consistency.MEMORY,
        "memory-paused": Consistency.MEMORY,
        "still": Consistency.MEMORY,
        "off": Consistency.CLEAN,
    },
    "inner": {"live": Consistency.MEMORY, "still": Consistency.MEMORY, "off": Consistency.CLEAN},
}


async def restored(admin: Admin, guest: Guest, name: str, after: After = After.AS_TAKEN) -> None:
    await admin.do(Restore((await admin.snapshots(guest))[name].ref, after))
    assert (await admin.snapshots(guest))[name].current


async def counts(guest: Guest) -> list[int]:
    """The numbers of this QEMU, once there are some."""
    await until(lambda: len(ticks(guest)) >= 3, "the guest to count")
    return ticks(guest)


@pytest.mark.parametrize("taken", ["outer", "inner"], indirect=True)
async def test_each_says_what_it_is_worth(admin: Admin, taken: Taken) -> None:
    found = {name: snapshot.consistency for name, snapshot in (await admin.snapshots(taken.guest)).items()}
    assert WORTH[taken.guest.name].items() <= found.items()
    stored = admin.engine.store.snapshots(ref(taken.guest))
    assert stored is not None
    assert {snapshot.name: snapshot.consistency for snapshot in stored} == found
    assert {mark(worth).word for worth in found.values()} == {worth.value for worth in found.values()}


@pytest.mark.parametrize(
    ("taken", "name"), [("outer", "memory"), ("outer", "memory-paused"), ("inner", "live")], indirect=["taken"]
)
async def test_memory_goes_on_where_it_was(admin: Admin, taken: Taken, name: str) -> None:
    moment = taken.moments[name]
    await restored(admin, taken.guest, name)
    numbers = await counts(taken.guest)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "it skipped or repeated a number"
    # The very first line may have been cut in two by the snapshot, so that `ticks` begins with the second.
    assert moment.ram < numbers[0] <= moment.after + 2
    await until(taken.guest.agent_answers, "the agent")
    assert taken.guest.boot_id() == moment.boot
    assert taken.guest.read_disk_counter() >= moment.disk


@pytest.mark.parametrize("taken", ["outer", "inner"], indirect=True)
async def test_memory_of_a_paused_guest_is_exact(admin: Admin, taken: Taken) -> None:
    await restored(admin, taken.guest, "still")
    assert taken.guest.state() == "paused"
    taken.guest.lab.virsh("resume", taken.guest.name)
    numbers = await counts(taken.guest)
    assert numbers[0] == taken.moments["still"].ram + 2  # the second line after it
    await until(taken.guest.agent_answers, "the agent")
    assert taken.guest.boot_id() == taken.moments["still"].boot


def test_frozen_file_system_is_clean_and_others_are_not(lab: Lab, outer: Taken) -> None:
    """Looked at before anything was restored or repaired: on the very layers that hold the data."""
    on = {name: file_system(lab, layer_of(outer.guest, name)) for name in ("crash", "frozen", "memory", "off")}
    assert {name: found.needs_recovery for name, found in on.items()} == {
        "crash": True,
        "frozen": False,
        "memory": True,
        "off": False,
    }
    assert on["frozen"].is_sound
    assert on["off"].is_sound
    frozen = outer.moments["frozen"]
    assert frozen.disk <= on["frozen"].counter <= frozen.after


def test_internal_one_of_a_vm_that_was_off_is_clean(lab: Lab, inner: Taken) -> None:
    inner.guest.destroy()
    [disk] = inner.guest.disks
    off, live = file_system(lab, disk, "off"), file_system(lab, disk, "live")
    assert not off.needs_recovery
    assert off.is_sound
    assert live.needs_recovery


@pytest.mark.parametrize(
    ("taken", "name", "is_repaired"),
    [("outer", "crash", True), ("outer", "frozen", False), ("outer", "off", False), ("inner", "off", False)],
    indirect=["taken"],
    ids=["crash", "filesystem", "clean, external", "clean, internal"],
)
async def test_disks_boot_as_promised(lab: Lab, admin: Admin, taken: Taken, name: str, *, is_repaired: bool) -> None:
    layer, internal = layer_of(taken.guest, name), (name,) if taken.guest.name == "inner" else ()
    if internal:
        taken.guest.destroy()  # qemu-img reads internal snapshots of closed images alone
    counted = file_system(lab, layer, *internal).counter
    await restored(admin, taken.guest, name, After.RUNNING)
    await until(taken.guest.agent_answers, "the agent")
    assert taken.guest.repaired() is is_repaired
    assert taken.guest.boot_id() not in {moment.boot for moment in taken.moments.values()}
    booted, moment = taken.guest.read_boot_counter(), taken.moments[name]
    if is_repaired:  # what the journal held is there too
        assert moment.disk <= booted <= moment.after
    else:
        assert booted == counted > 0
    assert (await admin.engine.facts(ref(taken.guest))).vm.state is VmState.RUNNING
