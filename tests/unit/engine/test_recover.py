"""What a run that was killed leaves is looked into by the next, and its guest is thawed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.unit.engine.fake import WHEN, snapshot, vm
from tests.unit.engine.waiting import until
from vmsnap_tui.engine import engine as engine_module
from vmsnap_tui.engine.journal import Asked, CutOff
from vmsnap_tui.engine.recover import what_is_known
from vmsnap_tui.model.errors import Failed
from vmsnap_tui.model.plan import Thaw
from vmsnap_tui.model.snapshot import SnapRef, Snapshot
from vmsnap_tui.model.survey import BLOCK_JOB, Finding, Severity, Survey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.unit.engine.conftest import Begin
    from tests.unit.engine.fake import World
    from vmsnap_tui.model.plan import JsonValue

A = vm(0).ref

PROGRAM = """
    import asyncio, pathlib, sys
    from tests.unit.engine.fake import World, site, vm
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.plan import Take

    async def main():
        world = World(freezes=sys.argv[2] == "freezes").with_vms(2)
        gate = world.gate("run.midway")
        engine = Engine([site(jobs=1)], state=pathlib.Path(sys.argv[1]), platform=world.create)
        await engine.start()
        await engine.loaded()
        for number in range(2):
            await engine.jobs.submit(await engine.plan(Take(vm(number).ref, "x")))
        while not gate.entered.is_set():
            await asyncio.sleep(0.01)
        print("midway", flush=True)
        await asyncio.sleep(60)

    asyncio.run(main())
"""


def kill_midway(state: Path, *, freezes: bool, program: str = PROGRAM) -> None:
    """A run of the program that is killed (SIGKILL) between the beginning and the end of a step."""
    with subprocess.Popen(
        [sys.executable, "-c", dedent(program), str(state), "freezes" if freezes else ""],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "midway\n"
        process.kill()


async def test_a_guest_that_was_left_frozen_is_thawed_at_the_next_start(
    world: World, begin: Begin, tmp_path: Path
) -> None:
    kill_midway(tmp_path, freezes=True)
    world.with_vms(2)
    world.frozen.add(A)
    engine = await begin()
    await until(lambda: len(engine.cut_off) == 2 and all(cut.now for cut in engine.cut_off))
    cut, waited = engine.cut_off
    assert (cut.vm, cut.vm_name, cut.title, cut.step, cut.froze) == (A, "vm-0", "Take of vm-0", "Step 0", True)
    await until(lambda: "has been thawed" in engine.cut_off[0].now)
    assert engine.cut_off[0].now == ("the snapshot x is not there; its guest was still frozen and has been thawed")
    assert (waited.step, waited.froze, waited.now) == ("", False, "it had not begun")
    assert world.frozen == set()
    (job,) = engine.jobs.all()
    assert isinstance(job.plan.request, Thaw)
    await engine.stop()
    again = await begin()
    await again.loaded()
    assert await again.journal.cut_off() == []
    lines = [entry.text for entry in await again.journal.entries() if entry.state == "cut off"]
    assert f"Take of vm-0: {engine.cut_off[0].now}" in lines


async def test_a_run_that_does_not_stay_thaws_it_too(world: World, begin: Begin, tmp_path: Path) -> None:
    """Where all is done by timers, nobody opens the app."""
    kill_midway(tmp_path, freezes=True)
    world.with_vms(2)
    world.frozen.add(A)
    engine = await begin(follow=False)
    [cut] = await engine.settle_left()
    assert cut.now == "the snapshot x is not there; its guest was still frozen and has been thawed"
    assert world.frozen == set()
    assert [left.vm for left, _ in await engine.journal.cut_off()] == [vm(1).ref]  # left to who has the time


async def test_a_site_that_does_not_answer_keeps_no_run_waiting(
    world: World, begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_PATIENCE", 0.05)
    kill_midway(tmp_path, freezes=True)
    world.gate("open")
    engine = await begin(follow=False)
    [cut] = await engine.settle_left()
    assert not cut.now


RESTORES = """
    import asyncio, pathlib, sys
    from msgspec.structs import replace
    from tests.unit.engine.fake import World, site, snapshot, vm
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.plan import Restore

    async def main():
        world, ref = World().with_vms(1), vm(0).ref
        kept = replace(snapshot(ref, "kept"), protected=True), replace(snapshot(ref, "base"), baseline="course")
        world.snapshots[ref] = (snapshot(ref, "plain"), *kept)
        gate = world.gate("restore")
        engine = Engine([site()], state=pathlib.Path(sys.argv[1]), platform=world.create, follow=False)
        await engine.start()
        await engine.loaded()
        await engine.jobs.submit(await engine.plan(Restore(kept[0].ref)))
        while not gate.entered.is_set():
            await asyncio.sleep(0.01)
        print("midway", flush=True)
        await asyncio.sleep(60)

    asyncio.run(main())
"""


@pytest.mark.parametrize("follow", [True, False])
async def test_marks_that_went_with_a_restore_come_back(
    world: World, begin: Begin, tmp_path: Path, *, follow: bool
) -> None:
    """libvirt brings back the vm of that time, and with it what was noted then: they are put back after it, or here."""
    kill_midway(tmp_path, freezes=False, program=RESTORES)
    world.with_vms(1)
    world.snapshots[A] = tuple(snapshot(A, name) for name in ("plain", "kept", "base"))
    engine = await begin(follow=follow)
    if follow:
        await until(lambda: engine.cut_off and "marks" in engine.cut_off[0].now)
    else:
        await engine.settle_left()
    marks = {each.id: (each.protected, each.baseline) for each in world.snapshots[A]}
    assert marks == {"plain": (False, ""), "kept": (True, ""), "base": (False, "course")}
    assert "the marks of kept, base were lost with it, and are back" in engine.cut_off[0].now
    assert await engine.journal.cut_off() == []


async def test_marks_that_cannot_be_put_back_are_left_to_the_next_run(
    world: World, begin: Begin, tmp_path: Path
) -> None:
    kill_midway(tmp_path, freezes=False, program=RESTORES)
    world.with_vms(1)
    world.snapshots[A] = (snapshot(A, "kept"), replace(snapshot(A, "base"), created=WHEN + timedelta(days=1)))
    world.fail("edit", Failed("the disk is full"))
    engine = await begin()
    await until(lambda: engine.cut_off and "marks" in engine.cut_off[0].now)
    assert "the marks of kept were lost with it, and could not be put back: the disk is full" in engine.cut_off[0].now
    with sqlite3.connect(engine.journal.file) as database:
        assert database.execute("SELECT COUNT(*) FROM jobs WHERE kind = 'Restore' AND ended IS NULL").fetchone() == (1,)


async def test_a_guest_that_is_not_frozen_is_left_alone(world: World, begin: Begin, tmp_path: Path) -> None:
    kill_midway(tmp_path, freezes=True)
    world.with_vms(2)
    world.snapshots[A] = (snapshot(A, "x"),)
    engine = await begin()
    await until(lambda: engine.cut_off and "not frozen" in engine.cut_off[0].now)
    assert engine.cut_off[0].now == "a snapshot x of 2026-01-01 00:00:00+00:00 is there; its guest is not frozen"
    assert engine.jobs.all() == ()


async def test_a_step_that_does_not_freeze_leaves_no_guest_to_thaw(world: World, begin: Begin, tmp_path: Path) -> None:
    kill_midway(tmp_path, freezes=False)
    world.with_vms(2)
    world.frozen.add(A)  # by somebody else
    engine = await begin()
    await until(lambda: len(engine.cut_off) == 2 and all(cut.now for cut in engine.cut_off))
    assert world.frozen == {A}
    assert engine.jobs.all() == ()


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ((BLOCK_JOB,), "what block-job: vmsnap check vm-0 says how to resume, pivot or abort it"),
        (("overwritten",), "no block job is at work any more; what overwritten: vmsnap check vm-0 says how to mend it"),
        ((), "no block job is at work any more, and nothing is wrong with its layers"),
    ],
)
async def test_a_merge_that_was_cut_off_is_offered_to_be_ended(
    world: World, begin: Begin, tmp_path: Path, codes: tuple[str, ...], words: str
) -> None:
    kill_midway(tmp_path, freezes=False)
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        assert database.execute("UPDATE jobs SET kind = 'Merge' WHERE step IS NOT NULL").rowcount == 1
    world.with_vms(2)
    world.survey = Survey(findings=tuple(Finding(code, Severity.WARNING, f"what {code}") for code in codes))
    engine = await begin()
    await until(lambda: engine.cut_off and engine.cut_off[0].now)
    assert engine.cut_off[0].now == words


async def test_a_thaw_that_fails_is_said_and_tried_again_by_the_next_run(
    world: World, begin: Begin, tmp_path: Path
) -> None:
    kill_midway(tmp_path, freezes=True)
    world.with_vms(2)
    world.frozen.add(A)
    world.fail("thaw", Failed("the agent does not answer"))
    engine = await begin()
    await until(lambda: engine.cut_off and "could not be thawed" in engine.cut_off[0].now)
    assert "the agent does not answer" in engine.cut_off[0].now
    with sqlite3.connect(engine.journal.file) as database:
        unsettled = database.execute("SELECT id FROM jobs WHERE ended IS NULL").fetchall()
    assert unsettled == [(engine.cut_off[0].job,)]


async def test_read_only_says_that_a_guest_may_be_frozen_and_changes_nothing(
    world: World, begin: Begin, tmp_path: Path
) -> None:
    kill_midway(tmp_path, freezes=True)
    world.with_vms(2)
    world.frozen.add(A)
    engine = await begin(read_only=True)
    await until(lambda: engine.cut_off and "read-only" in engine.cut_off[0].now)
    assert world.frozen == {A}


async def test_a_vm_that_is_gone_is_said_to_be(world: World, begin: Begin, tmp_path: Path) -> None:
    kill_midway(tmp_path, freezes=True)
    engine = await begin()
    await until(lambda: engine.cut_off and engine.cut_off[0].now == "the vm is gone")


OLD, NEW = snapshot(A, "old"), snapshot(A, "new")
OLD_REF: JsonValue = {"vm": {"site": "s", "id": A.id}, "id": "old"}
CHILD = Snapshot(SnapRef(A, "child"), "child", WHEN, parent="old", current=True)
HALF = Snapshot(SnapRef(A, "half"), "half", WHEN, ready=False, error="no space")
AT = "2026-01-01 00:00:00+00:00"


@pytest.mark.parametrize(
    ("kind", "request_values", "snapshots", "known"),
    [
        ("Take", {"name": "new"}, (OLD, NEW), f"a snapshot new of {AT} is there"),
        ("Take", {"name": "new"}, (OLD,), "the snapshot new is not there"),
        ("Take", {"name": "half"}, (HALF,), f"a snapshot half of {AT} is there, but not ready (no space)"),
        ("Delete", {"snapshot": OLD_REF, "scope": "this one"}, (NEW,), "the snapshot is gone"),
        (
            "Delete",
            {"snapshot": OLD_REF, "scope": "with children"},
            (NEW,),
            "the snapshot is gone; look at what was below it",
        ),
        (
            "Delete",
            {"snapshot": OLD_REF, "scope": "children only"},
            (OLD, CHILD),
            "the snapshot old is there, with 1 below it",
        ),
        (
            "Restore",
            {"snapshot": OLD_REF},
            (OLD, CHILD),
            "the current snapshot is child; whether the restore of old was finished is not known",
        ),
        ("Restore", {"snapshot": OLD_REF}, (NEW,), "the snapshot is not there any more"),
        (
            "Edit",
            {"snapshot": OLD_REF, "name": "new", "description": None},
            (NEW,),
            "the snapshot new is there, changed as asked",
        ),
        (
            "Edit",
            {"snapshot": OLD_REF, "name": None, "description": "why"},
            (OLD,),
            "the snapshot old is there, not changed",
        ),
        ("Thaw", {}, (OLD,), "the vm is there"),
    ],
)
def test_what_is_said_is_no_more_than_what_is_known(
    kind: str, request_values: Mapping[str, JsonValue], snapshots: tuple[Snapshot, ...], known: str
) -> None:
    cut = CutOff("j", A, "vm-0", "title", "a step", datetime(2026, 1, 1, tzinfo=UTC), froze=False)
    assert what_is_known(cut, Asked(kind, request_values), snapshots) == known
