"""The journal keeps what was done, and never keeps anybody from doing it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.fake import vm
from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.engine.journal import Journal
from vmsnap_tui.engine.process import is_over, this_run
from vmsnap_tui.model.plan import Take

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.engine.conftest import Begin
    from tests.unit.engine.fake import World

A = vm(0).ref


async def test_each_step_is_written_before_it_begins(world: World, begin: Begin) -> None:
    world.with_vms(1)
    engine = await begin()
    await engine.loaded()
    written: list[tuple[str, str, str]] = []

    def read() -> None:
        with sqlite3.connect(engine.journal.file) as database:
            written.extend(database.execute("SELECT what, state, text FROM lines ORDER BY id"))

    world.hooks["run.midway"] = read
    job = await engine.jobs.submit(await engine.plan(Take(A, "x")))
    await engine.jobs.wait(job.id)
    assert written == [("job", "asked", "Take of vm-0"), ("job", "begun", "Take of vm-0"), ("step", "begun", "Step 0")]
    entries = await engine.journal.entries()
    assert [(entry.what, entry.state, entry.text) for entry in reversed(entries)] == [
        *written,
        ("step", "done", "x taken"),
        ("job", "done", "x taken"),
    ]
    assert {(entry.job, entry.vm, entry.vm_name) for entry in entries} == {(job.id, A, "vm-0")}
    assert all(entry.at.tzinfo is not None for entry in entries)
    assert len(await engine.journal.entries(2)) == 2
    assert engine.journal.caution == ""


async def test_another_run_reads_what_this_one_did(world: World, begin: Begin) -> None:
    world.with_vms(1)
    engine = await begin()
    await engine.loaded()
    job = await engine.jobs.submit(await engine.plan(Take(A, "x")))
    await engine.jobs.wait(job.id)
    other = Journal(engine.journal.file)
    assert [entry.state for entry in await other.entries(1)] == ["done"]
    assert await other.cut_off() == []
    await other.close()


async def test_a_job_of_a_run_that_goes_on_is_not_taken_for_cut_off(world: World, begin: Begin) -> None:
    world.with_vms(1)
    gate = world.gate("run.midway")
    engine = await begin()
    await engine.loaded()
    job = await engine.jobs.submit(await engine.plan(Take(A, "x")))
    other = Journal(engine.journal.file)
    assert await other.cut_off() == []
    assert not await other.claim(job.id)
    await other.close()
    gate.open.set()


@pytest.mark.parametrize("spoil", ["garbage", "folder", "newer", "locked", "no folder"])
async def test_a_journal_that_cannot_be_used_is_said_and_the_work_goes_on(
    world: World, begin: Begin, tmp_path: Path, spoil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vmsnap_tui.engine.journal._PATIENCE", 0.05)
    file = tmp_path / "journal.sqlite"
    holder: sqlite3.Connection | None = None
    match spoil:
        case "garbage":
            file.write_bytes(b"this is not a database, and it is long enough to be seen as such" * 100)
        case "folder":
            file.mkdir()
        case "newer":
            with sqlite3.connect(file) as database:
                database.execute("PRAGMA user_version = 99")
        case "locked":
            holder = sqlite3.connect(file, isolation_level=None)
            holder.execute("BEGIN EXCLUSIVE")
        case _:
            monkeypatch.setattr("vmsnap_tui.engine.engine.journal_file", lambda _: tmp_path / "vmsnap.log" / "x")
            (tmp_path / "vmsnap.log").touch()
    before = file.read_bytes() if file.is_file() else b""
    world.with_vms(1)
    engine = await begin()
    await engine.loaded()
    job = await engine.jobs.submit(await engine.plan(Take(A, "x")))
    assert (await engine.jobs.wait(job.id)).state is JobState.DONE
    assert "cannot be used" in engine.journal.caution
    assert [entry.state for entry in await engine.journal.entries(1)] == ["done"]
    if spoil == "garbage":
        assert file.read_bytes() == before, "what cannot be read is left for somebody to look at"
    if holder is not None:
        holder.close()


async def test_several_runs_that_begin_at_once_share_the_file(tmp_path: Path) -> None:
    journals = [Journal(tmp_path / "new" / "journal.sqlite") for _ in range(8)]
    await asyncio.gather(*(journal.entries() for journal in journals))
    assert [journal.caution for journal in journals] == [""] * 8
    for journal in journals:
        await journal.close()


def test_a_run_is_over_when_its_process_is_no_more() -> None:
    assert not is_over(this_run())
    program = "from vmsnap_tui.engine.process import this_run; print(this_run(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        run = process.stdout.readline().strip()
        assert not is_over(run)
        process.kill()
        process.wait()
    assert is_over(run)


def test_a_process_number_that_was_given_out_again_is_another_run() -> None:
    host, boot, number, started = this_run().rsplit(" ", 3)
    assert int(number) == os.getpid()
    assert is_over(f"{host} {boot} {number} {int(started) - 1}")
    assert is_over(f"{host} another-boot {number} {started}")
    assert not is_over(f"another-host {boot} {number} {int(started) - 1}"), "nobody here can know"
