"""A lab of real guests: reset again and again with nothing left over, a new baseline, and how long a reset takes."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import PATIENCE, admin_at, admin_of, lab_site, ref
from vmsnap_tui.engine import labs
from vmsnap_tui.model.plan import Edit
from vmsnap_tui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tests.lab.libvirt.lab import Guest, Lab
    from tests.lab.libvirt.proofs import Admin
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.model.lab import Seat

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

GUESTS, LOOPS = 6, 20
NAME = "course"


@pytest.fixture(scope="module")
def guests(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Guest]]:
    """Running, each with a baseline that has its memory."""
    found = [lab.define(f"pupil-{number}") for number in range(GUESTS)]
    for guest in found:
        guest.start()
    for guest in found:
        guest.wait_agent(PATIENCE)
    asyncio.run(_handed_out(lab, found, tmp_path_factory.mktemp("course")))
    yield found
    for guest in found:
        guest.destroy()


async def _handed_out(lab: Lab, guests: Sequence[Guest], state: Path) -> None:
    async with admin_at(lab, state) as admin:
        for guest in guests:
            await admin.take(guest, "handed-out", "external-memory")
        await mark(admin, guests)


async def mark(admin: Admin, guests: Sequence[Guest]) -> None:
    """Make the first snapshot of each the baseline."""
    for guest in guests:
        await admin.do(Edit((await admin.snapshots(guest))["handed-out"].ref, protected=True, baseline=NAME))


def seats(admin: Admin) -> tuple[Seat, ...]:
    return next(each.seats for each in labs.all_labs(admin.engine, ()) if each.name == NAME)


async def reset(admin: Admin, names: Collection[str] = ()) -> GroupJob:
    await admin.engine.loaded(snapshots=True)  # the marks of the baselines make the lab
    for seat in seats(admin):
        await admin.engine.reload(seat.vm.ref)
    chosen = [seat for seat in seats(admin) if not names or seat.vm.name in names]
    plans = await labs.planned(admin.engine, chosen)
    return await admin.engine.groups.wait(labs.reset(admin.engine, NAME, plans, patience=PATIENCE).id)


def kept(lab: Lab, guests: Sequence[Guest]) -> dict[str, tuple[int, int]]:
    """How many snapshot entries libvirt has of each, and how many files lie in its folder."""
    return {
        guest.name: (
            len(lab.virsh("snapshot-list", guest.name, "--name").split()),
            sum(1 for _ in guest.folder.iterdir()),
        )
        for guest in guests
    }


async def test_reset_twenty_times_leaves_nothing_over(lab: Lab, admin: Admin, guests: list[Guest]) -> None:
    await admin.engine.loaded(snapshots=True)
    assert {seat.vm.name for seat in seats(admin)} == {guest.name for guest in guests}
    boots = [guest.boot_id() for guest in guests]
    assert not (await reset(admin)).undone
    counters = [guest.ram_counter() for guest in guests]
    before, began = kept(lab, guests), time.perf_counter()
    for _ in range(LOOPS):
        ended = await reset(admin)
        assert ended.outcome == f"{GUESTS} of {GUESTS} clean", [each.words for each in ended.members]
    assert kept(lab, guests) == before
    for guest, boot, counted in zip(guests, boots, counters, strict=True):
        assert guest.boot_id() == boot  # its memory came back, and not a fresh start
        assert guest.ram_counter() - counted < (time.perf_counter() - began) / 2  # it counts five a second
    survey = await admin.engine.survey(ref(guests[0]).site)
    assert not [each for each in survey.findings if each.vm in {ref(guest) for guest in guests}]


async def test_others_answer_while_one_is_put_back(admin: Admin, guests: list[Guest]) -> None:
    await admin.engine.loaded(snapshots=True)
    began, longest = time.perf_counter(), 0.0
    task = asyncio.create_task(reset(admin, {guests[0].name}))
    while not task.done():
        asked = time.perf_counter()
        await admin.engine.facts(ref(guests[1]))
        longest = max(longest, time.perf_counter() - asked)
    assert not task.result().undone
    took = time.perf_counter() - began
    assert longest < took / 2, f"{longest:.1f} s of {took:.1f}"


def core_seconds() -> float:
    """What all of this machine's processors have worked so far."""
    user, nice, system, *_ = Path("/proc/stat").read_text().split()[1:]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


@pytest.mark.alone
async def test_as_quick_as_the_commands(lab: Lab, guests: list[Guest], tmp_path: Path) -> None:
    """Against a loop of virsh over the same guests, which plans and journals nothing, and against what the cores had to
    work for it.
    """
    async with admin_of(replace(lab_site(lab), jobs=GUESTS), tmp_path / "state") as admin:
        assert not (await reset(admin)).undone
        alone = []
        for seat in seats(admin):
            began = time.perf_counter()
            assert not (await reset(admin, {seat.vm.name})).undone
            alone.append(time.perf_counter() - began)
        began, worked = time.perf_counter(), core_seconds()
        assert not (await reset(admin)).undone
        ours = time.perf_counter() - began
        least = (core_seconds() - worked) / (os.cpu_count() or 1)
        began = time.perf_counter()
        for guest in guests:
            await asyncio.to_thread(lab.virsh, "snapshot-revert", guest.name, "handed-out")
            await asyncio.to_thread(guest.wait_agent, PATIENCE)
        by_hand = time.perf_counter() - began
        # virsh has put back the definitions too, with the metadata of that time: from before the marks.
        await mark(admin, guests)

    said = f"{ours:.1f} s of {least:.1f}, by hand {by_hand:.1f} s, alone {min(alone):.1f} to {max(alone):.1f} s"
    assert ours <= by_hand, said
    # One and a half times is the aim; who else works on this machine takes part of the cores.
    assert ours <= 2 * max(least, *alone), said


async def test_shut_down_and_a_new_baseline(lab: Lab, admin: Admin, guests: list[Guest]) -> None:
    await admin.engine.loaded(snapshots=True)
    two = [seat for seat in seats(admin) if seat.vm.name in {guests[0].name, guests[1].name}]
    ended = await admin.engine.groups.wait(labs.power(admin.engine, NAME, two, on=False).id)
    assert not ended.undone, [each.words for each in ended.members]
    ended = await admin.engine.groups.wait(
        labs.baseline(admin.engine, NAME, [(seat.vm, seat.baseline) for seat in two]).id
    )
    assert not ended.undone, [each.words for each in ended.members]
    for seat in seats(admin):
        if seat.vm.name in {each.vm.name for each in two}:
            assert seat.baseline is not None
            assert seat.baseline.consistency.value == "clean"
            assert seat.baseline.protected
    ended = await reset(admin)
    assert not ended.undone, [each.words for each in ended.members]
    assert {seat.vm.state for seat in seats(admin)} == {VmState.RUNNING}
