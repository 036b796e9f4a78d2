"""Freezing a real guest: seen while it is frozen, thawed whatever happens."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import admin_at, app_at, outside_view, ref, run_elsewhere, until
from vmsnap_tui.engine.jobs import JobState, PlanMoved
from vmsnap_tui.model.errors import Conflict, Failed
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import Take, Thaw
from vmsnap_tui.platforms.libvirt.steps import lamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.libvirt.lab import Guest, Lab
    from tests.lab.libvirt.proofs import Admin
    from vmsnap_tui.engine.jobs import Job

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

QUIESCED = "external-quiesced"
HEARD = 'echo "$1" >> /run/heard'
UNTIL_N = "until [ $(cat /run/counter) -ge $n ]; do usleep 100000; done"
"""In the guest: wait until memory has counted to `n`, five a second."""


@pytest.fixture(scope="module")
def many(lab: Lab) -> Guest:
    """A guest with many disks: it stays frozen until each has its overlay."""
    return lab.boot("ice", disks=6, disk_mib=16)


@pytest.fixture
def guest(many: Guest) -> Iterator[Guest]:
    yield many
    many.set_hook("")
    many.exec("rm -f /run/heard")


async def lamp_of(admin: Admin, job: Job) -> list[str]:
    """The freeze states that a job went through, as the journal keeps them."""
    entries = await admin.engine.journal.entries()
    return [entry.state for entry in entries if (entry.job, entry.what) == (job.id, "freeze")][::-1]


async def test_seen_frozen_and_thawed(admin: Admin, guest: Guest) -> None:
    guest.set_hook(HEARD)
    vm = ref(guest)
    shown: list[FreezeState] = []

    def look(_: object) -> None:
        if (freeze := admin.engine.store.freeze(vm)) and freeze.state not in shown[-1:]:
            shown.append(freeze.state)

    admin.engine.store.subscribe(look, interval=0)
    job = await admin.tried(Take(vm, "cold-feet", method=QUIESCED))
    assert job.state is JobState.DONE
    assert await lamp_of(admin, job) == ["freezing", "frozen", "thawed"]
    assert shown[-3:] == [FreezeState.FREEZING, FreezeState.FROZEN, FreezeState.THAWED]
    assert guest.exec("cat /run/heard").split() == ["freeze", "thaw"]
    assert not guest.frozen()
    assert job.freeze
    assert job.freeze.state is FreezeState.THAWED


async def test_a_hook_that_refuses_ends_it(admin: Admin, guest: Guest) -> None:
    before = outside_view(guest)
    guest.set_hook(f'{HEARD}; [ "$1" = thaw ]')
    job = await admin.tried(Take(ref(guest), "refused", method=QUIESCED))
    assert job.state is JobState.FAILED
    assert isinstance(job.error, Failed)
    assert "nothing was taken" in job.error.hint
    assert not guest.frozen()
    assert outside_view(guest) == before
    assert job.freeze
    assert job.freeze.state is FreezeState.THAWED


async def test_a_freeze_that_takes_too_long_is_undone(
    admin: Admin, guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent is still in its hook when time is up, and freezes only then: it must not be left so."""
    before = outside_view(guest)
    monkeypatch.setattr(lamp, "_FREEZE_LIMIT", 2)
    guest.set_hook(f'{HEARD}; [ "$1" = thaw ] || sleep 5')
    job = await admin.tried(Take(ref(guest), "too-late", method=QUIESCED))
    assert job.state is JobState.FAILED
    assert isinstance(job.error, Failed)
    await until(guest.agent_answers, "the agent")
    assert not guest.frozen()
    assert outside_view(guest) == before
    assert guest.exec("cat /run/heard").split()[-1] == "thaw"
    monkeypatch.undo()
    await admin.take(guest, "in-time", QUIESCED)


async def test_an_agent_that_hangs_is_refused(admin: Admin, guest: Guest) -> None:
    plan = await admin.engine.plan(Take(ref(guest), "hangs", method=QUIESCED))
    assert not plan.refusals
    # The agent stops, and goes on when memory has counted far enough to have been asked.
    hang = f"n=$(($(cat /run/counter) + 50)); agent=$(pidof qemu-ga); kill -STOP $agent; {UNTIL_N}; kill -CONT $agent"
    guest.agent("guest-exec", {"path": "/bin/sh", "arg": ["-c", hang]})
    await until(lambda: not guest.agent_answers(), "the agent to hang")
    with pytest.raises(PlanMoved) as moved:
        await admin.engine.jobs.submit(plan)
    assert [refusal.code for refusal in moved.value.plan.refusals] == ["agent-silent"]
    assert not admin.engine.jobs.all()
    await until(guest.agent_answers, "the agent to go on")
    assert not guest.frozen()


async def test_no_agent_no_freeze(lab: Lab, admin: Admin) -> None:
    mute = lab.boot("mute", agent=False)
    before = outside_view(mute)
    plan = await admin.engine.plan(Take(ref(mute), "never", method=QUIESCED))
    assert [refusal.code for refusal in plan.refusals] == ["no-agent"]
    with pytest.raises(Conflict):
        await admin.engine.jobs.submit(plan)
    assert outside_view(mute) == before
    mute.remove()


async def test_a_guest_left_frozen_is_thawed_at_the_next_start(
    lab: Lab, guest: Guest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vmsnap is killed while it takes a frozen snapshot, and the guest is left frozen."""
    guest.set_hook(f'{HEARD}; [ "$1" = thaw ] || {{ n=$(($(cat /run/counter) + 15)); {UNTIL_N}; }}')
    state = run_elsewhere(lab, tmp_path, monkeypatch)
    arguments = ("-m", "vmsnap_tui", "take", guest.name, "cut-off", "--method", QUIESCED, "--yes")
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.PIPE)
    assert process.stderr
    while b"freezing" not in (line := await asyncio.wait_for(process.stderr.readline(), 60)):
        assert line, "it ended before it froze anything"
    process.send_signal(signal.SIGKILL)
    await process.wait()
    # libvirtd goes on by itself and thaws, whoever asked for it: so the guest is frozen anew, as by an older libvirtd.
    await until(lambda: "cut-off" in lab.virsh("snapshot-list", guest.name, "--name"), "libvirtd to go on")
    await until(lambda: guest.agent_answers() and not guest.frozen(), "libvirtd to thaw")
    guest.set_hook("")
    lab.virsh("domfsfreeze", guest.name)
    assert guest.frozen()
    async with app_at(lab, state) as it:
        await it.until(lambda: any("has been thawed" in cut.now for cut in it.app.engine.cut_off), "thawed")
        assert not guest.frozen()
        [cut] = it.app.engine.cut_off
        assert cut.vm == ref(guest)
        assert "a snapshot cut-off of" in cut.now
        [job] = it.app.engine.jobs.all()
        assert isinstance(job.plan.request, Thaw)
        assert job.state is JobState.DONE
        await it.until(lambda: "its guest was still frozen and has been thawed" in it.toasts, "a word of it")
        await it.press("l")
        await it.see("has been thawed")
    async with admin_at(lab, state) as admin:  # and that is settled
        await admin.engine.journal.entries()
        assert not admin.engine.cut_off
