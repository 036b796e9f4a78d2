"""Several real guests as one moment: how long they stand still, what the limit does, and that none stays frozen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import PATIENCE, admin_at, ref, until
from vmsnap_tui.engine import taking
from vmsnap_tui.model.snapshot import Consistency

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.lab.libvirt.lab import Guest, Lab
    from tests.lab.libvirt.proofs import Admin
    from vmsnap_tui.engine.groups import GroupJob

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

GUESTS = 6
SLOW = 3.0
"""Seconds that a thaw may take where others work beside it: the guest that keeps the others waiting takes longer."""
CLOCK = 'echo "$1 $(cut -d " " -f 1 /proc/uptime)" >> /run/heard'
"""A freeze hook: what is done to the guest, and when by its own clock."""


@pytest.fixture(scope="module")
def guests(lab: Lab) -> Iterator[list[Guest]]:
    found = [lab.define(f"choir-{number}") for number in range(GUESTS)]
    for guest in found:
        guest.start()
    for guest in found:
        guest.wait_agent(PATIENCE)
    yield found
    for guest in found:
        guest.destroy()


async def take(admin: Admin, guests: Sequence[Guest], name: str, *, limit: float = 10.0) -> GroupJob:
    """A group snapshot of these."""
    vms = [await admin.engine.find(f"{ref(guest).site}/{guest.name}") for guest in guests]
    shares = taking.planned(await taking.read(admin.engine, vms), name, group=taking.fresh_id())
    return await admin.engine.groups.wait(taking.begin(admin.engine, name, shares, limit=limit).id)


def stood_still(guest: Guest) -> float:
    """Seconds from the freeze's begin to the thaw's end, by the guest's own clock."""
    heard = [line.split() for line in guest.exec("cat /run/heard; rm /run/heard").splitlines()]
    assert {what for what, _ in heard[1:]} == {"thaw"}
    assert heard[0][0] == "freeze"
    return float(heard[1][1]) - float(heard[0][1])


async def window_of(admin: Admin, guests: Sequence[Guest], name: str) -> float:
    """Take a group snapshot that has to be one moment: how long all stood still, as the platform keeps it."""
    ended = await take(admin, guests, name)
    assert not ended.undone, [each.words for each in ended.members]
    taken = [(await admin.snapshots(guest))[name] for guest in guests]
    assert {each.consistency for each in taken} == {Consistency.FILESYSTEM}
    [group] = {each.group for each in taken}
    assert group is not None
    assert group.window is not None
    return group.window


async def test_six_guests_are_one_moment(admin: Admin, guests: list[Guest]) -> None:
    """The window that is shown is not shorter than what any guest saw of it."""
    for guest in guests:
        guest.set_hook(CLOCK)
    window = await window_of(admin, guests, f"together-{token_hex(2)}")
    inside = [stood_still(guest) for guest in guests]
    assert max(inside) <= window + 0.02  # the guest's clock has hundredths
    for guest in guests:
        assert not guest.frozen()
        guest.set_hook("")
        guest.exec("rm -f /run/heard")


@pytest.mark.alone
async def test_six_stand_still_hardly_longer_than_one(admin: Admin, guests: list[Guest]) -> None:
    """Twice as long is the aim; on two cores that emulate six guests, each freeze waits for the others' too."""
    singles = [await window_of(admin, [guest], f"alone-{token_hex(2)}") for guest in guests * 2]
    six = sorted([await window_of(admin, guests, f"six-{token_hex(2)}") for _ in range(3)])
    assert six[1] <= 3 * max(singles), f"six {six}; alone {sorted(singles)}"


async def test_at_the_limit_all_are_thawed(admin: Admin, guests: list[Guest]) -> None:
    """One takes too long to freeze: nobody waits for it, and nothing is said to be of one moment."""
    slow, *others = guests[:3]
    slow.set_hook(f'{CLOCK}; [ "$1" = thaw ] || sleep 5')
    for guest in others:
        guest.set_hook(CLOCK)
        guest.exec("rm -f /run/heard")
    late = f"late-{token_hex(2)}"
    ended = await take(admin, guests[:3], late, limit=1.0)
    assert "not at one moment" in ended.outcome
    for guest in guests[:3]:
        await asyncio.to_thread(guest.wait_agent, PATIENCE)
        assert not guest.frozen()
        taken = (await admin.snapshots(guest))[late]
        assert taken.consistency is Consistency.CRASH
        assert taken.group is not None
        assert taken.group.window is None
    assert max(stood_still(guest) for guest in others) < 1.0 + SLOW
    for guest in guests[:3]:
        guest.set_hook("")


class Doomed:
    """A process that takes a group snapshot, and dies before a certain change of the journal."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.watchdog: int | None = None
        self.writes: int | None = None
        """How many changes there were, of one that came to its end."""

    async def over(self) -> None:
        """Wait for its end."""
        assert self._process.stdout is not None
        # The watchdog has the same standard output: so to the end of the process, not to that of the text.
        while line := await self._process.stdout.readline():
            self._take(line.decode().split())
        await self._process.wait()

    async def watched(self) -> None:
        """Wait until it has a watchdog."""
        assert self._process.stdout is not None
        self._take((await self._process.stdout.readline()).decode().split())
        assert self.watchdog

    def _take(self, said: list[str]) -> None:
        if said[0] == "writes":
            self.writes = int(said[1])
        else:
            self.watchdog = int(said[0])

    def kill(self) -> None:
        self._process.kill()


async def dying(
    lab: Lab, state: Path, guests: Sequence[Guest], write: int, *, number: int = signal.SIGKILL, limit: float = 10.0
) -> Doomed:
    """Take a group snapshot in a process of its own."""
    words = [lab.uri, state, write, int(number), limit, *(guest.name for guest in guests)]
    command = (sys.executable, "-m", "tests.lab.libvirt.dying", *map(str, words))
    return Doomed(await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE))


def drop(lab: Lab, guests: Sequence[Guest]) -> None:
    """Take the snapshot away again, where there is one."""
    for guest in guests:
        if "doomed" in lab.virsh("snapshot-list", guest.name, "--name").split():
            lab.virsh("snapshot-delete", guest.name, "doomed")


def frozen(guests: Sequence[Guest]) -> list[str]:
    return [guest.name for guest in guests if guest.frozen()]


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


async def test_nobody_stays_frozen_whenever_it_is_killed(lab: Lab, guests: list[Guest], tmp_path: Path) -> None:
    """Before each change of the journal in turn: without the watchdog the next start thaws all; with it, it does so
    within ten seconds and no next start.
    """
    two = guests[:2]
    drop(lab, two)
    whole = await dying(lab, tmp_path / "whole", two, 0)
    await whole.over()
    assert whole.writes
    drop(lab, two)
    cold = []
    for write in range(1, whole.writes + 1):
        state = tmp_path / f"state-{write}"
        doomed = await dying(lab, state, two, write)
        await doomed.over()
        if doomed.watchdog:
            with suppress(ProcessLookupError):
                os.kill(doomed.watchdog, signal.SIGKILL)
        if frozen(two):
            cold.append(write)
        async with admin_at(lab, state) as admin:
            await until(lambda: not frozen(two), f"all to be thawed after write {write}")
            settled = admin.engine.journal.cut_off
            while await settled():  # noqa: ASYNC110  (the journal tells nobody)
                await asyncio.sleep(0.02)
            assert not frozen(two)
        drop(lab, two)
    assert cold  # some of these deaths did leave somebody frozen
    for write in cold[:: max(1, len(cold) // 4)]:
        doomed = await dying(lab, tmp_path / f"watched-{write}", two, write)
        await doomed.over()
        died = time.monotonic()
        await until(lambda: not frozen(two), f"the watchdog after write {write}", patience=10)
        assert time.monotonic() - died < 10
        assert doomed.watchdog
        await until(partial(is_gone, doomed.watchdog), "the watchdog to be content")
        assert not frozen(two)
        drop(lab, two)
    # A program that hangs, or was stopped with ctrl+z, is as good as dead: at the limit and a little more.
    doomed = await dying(lab, tmp_path / "hangs", two, cold[0], number=signal.SIGSTOP, limit=3.0)
    await doomed.watched()
    await until(lambda: frozen(two), "somebody to be frozen")
    stood = time.monotonic()
    await until(lambda: not frozen(two), "the watchdog", patience=10)
    assert time.monotonic() - stood < 10
    doomed.kill()
    await doomed.over()
