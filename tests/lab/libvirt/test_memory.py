"""Saving the memory of a guest that has much of it: progress, cancelling, a full disk, a daemon that dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.packages import run
from tests.lab.libvirt.proofs import SITE, Admin, app_at, outside_view, ref, until
from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.errors import Cancelled, Failed, Unreachable
from vmsnap_tui.model.plan import Take

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.libvirt.lab import Guest, Lab
    from vmsnap_tui.engine.jobs import Job
    from vmsnap_tui.model.progress import Progress

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

MEMORY = "external-memory"
FILL = 900  # MiB: what takes some seconds to be saved


@pytest.fixture(scope="module")
def big(lab: Lab) -> Iterator[Guest]:
    guest = lab.boot("big", memory_mib=FILL + 400, fill_mib=FILL, timeout=180)
    yield guest
    guest.remove()


def follow(admin: Admin, job: Job) -> list[Progress]:
    """The progress of a job, as somebody who subscribes to the store sees it."""
    seen: list[Progress] = []

    def look(_: object) -> None:
        now = admin.engine.jobs.get(job.id)
        if now and now.progress and now.progress.done is not None and now.progress not in seen[-1:]:
            seen.append(now.progress)

    admin.engine.store.subscribe(look, interval=0)
    return seen


async def test_progress_rises(admin: Admin, big: Guest) -> None:
    job = await admin.submit(Take(ref(big), "heavy", method=MEMORY))
    seen = follow(admin, job)
    ended = await admin.engine.jobs.wait(job.id)
    assert ended.state is JobState.DONE, ended.error
    numbers = [progress.done for progress in seen if progress.done is not None]
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= 2  # how many there are is a matter of how fast the host is
    assert {progress.phase for progress in seen} == {"saving memory"}
    assert all(progress.total and 0 < (progress.fraction or 0) <= 1 for progress in seen)
    memory = (await admin.snapshots(big))["heavy"].memory
    assert memory
    assert int(run("stat", "--format=%s", memory)) > FILL << 20


async def test_cancelled_leaves_nothing(admin: Admin, big: Guest) -> None:
    before, boot = outside_view(big), big.boot_id()
    job = await admin.submit(Take(ref(big), "unwanted", method=MEMORY))
    seen = follow(admin, job)
    await until(lambda: seen, "the first bytes")
    admin.engine.jobs.cancel(job.id)
    ended = await admin.engine.jobs.wait(job.id)
    assert ended.state is JobState.CANCELLED
    assert isinstance(ended.error, Cancelled)
    assert outside_view(big) == before
    counted = big.ram_counter()
    await until(lambda: big.ram_counter() > counted + 3, "the guest to go on")
    assert big.boot_id() == boot
    assert not big.frozen()


@pytest.fixture
def cramped(lab: Lab) -> Iterator[Guest]:
    """A guest whose disk lies on a file system that is smaller than it seems from here."""
    guest = lab.define("cramped", fill_mib=96)
    [disk] = guest.disks
    small = disk.parent / "small"
    small.mkdir()
    inside = ("nsenter", "--mount", f"--target={lab.daemon_pid()}")
    run(*inside, "mount", "-t", "tmpfs", "-o", "size=80m", "none", small)
    try:
        run(*inside, "cp", disk, small)
        definition = lab.virsh("dumpxml", guest.name).replace(str(disk), str(small / disk.name))
        (guest.folder / "domain.xml").write_text(definition)
        lab.virsh("define", str(guest.folder / "domain.xml"))
        guest.start()
        guest.wait_agent()
        yield guest
        guest.destroy()
    finally:
        run(*inside, "umount", "--lazy", small)
    guest.remove()


async def test_full_disk(lab: Lab, admin: Admin, cramped: Guest) -> None:
    """Memory does not fit: nothing is taken, nothing is lost, and the guest goes on."""
    before, boot = outside_view(cramped), cramped.boot_id()
    inside = ("nsenter", "--mount", f"--target={lab.daemon_pid()}")
    files = run(*inside, "ls", cramped.folder / "small")
    job = await admin.tried(Take(ref(cramped), "too-much", method=MEMORY))
    assert job.state is JobState.FAILED
    assert isinstance(job.error, Failed)
    assert "o space left" in job.error.words
    assert "nothing was taken, the vm goes on" in job.error.hint
    assert outside_view(cramped) == before
    assert run(*inside, "ls", cramped.folder / "small") == files
    counted = cramped.read_disk_counter()
    await until(lambda: cramped.read_disk_counter() > counted, "the guest to go on")
    assert cramped.boot_id() == boot


async def test_daemon_killed_in_the_middle(lab: Lab, big: Guest, tmp_path: Path) -> None:
    """The job ends with a clear word, the screen lives, and the site comes back by itself."""
    boot, vm = big.boot_id(), ref(big)
    async with app_at(lab, tmp_path) as it:
        await it.go_to("big")
        engine = it.app.engine
        admin = Admin(engine)
        job = await admin.submit(Take(vm, "torn", method=MEMORY))
        seen = follow(admin, job)
        await until(lambda: seen, "the first bytes")
        lab.kill_daemon()
        try:
            ended = await engine.jobs.wait(job.id)
            assert ended.state is JobState.FAILED
            assert isinstance(ended.error, Unreachable)
            assert "it may have been done all the same" in ended.error.hint
            await it.until(lambda: engine.store.sites[SITE].status is SiteStatus.LOST, "the loss")
            await it.until(lambda: ended.error is not None and ended.error.hint in it.toasts, "a word of it")
            await it.press("question_mark")  # keys are answered all the while
            await it.until(lambda: it.app.screen is not it.main, "help")
            await it.press("escape", "s")
            await it.until(lambda: f"{SITE} does not answer now" in it.toasts, "why the key is dimmed")
            assert it.app.screen is it.main
        finally:
            lab.start_daemon()
        lab.virsh("snapshot-create-as", "big", "meanwhile", "--disk-only", "--atomic")
        await until(lambda: engine.store.sites[SITE].status is SiteStatus.ONLINE, "the site to come back")
        await until(lambda: "meanwhile" in {known.name for known in engine.store.snapshots(vm) or ()}, "the list")
        assert "torn" not in await admin.snapshots(big)
        # QEMU may have saved all of it by itself and stand still since: libvirtd lets it go on.
        counted = big.ram_counter()
        await until(lambda: big.ram_counter() > counted + 3, "the guest to go on")
        await it.see("meanwhile")
        await admin.take(big, "whole", "external")
    big.wait_agent()
    assert big.boot_id() == boot
    assert not big.frozen()
