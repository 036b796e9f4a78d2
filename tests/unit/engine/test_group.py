"""Several vms put back together: failures stay with their own vm, or nothing stays done."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.demo import demo_engine, platforms
from tests.unit.engine.waiting import until
from vmsnap_tui.engine import group
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.errors import Failed
from vmsnap_tui.model.lab import LabRule
from vmsnap_tui.model.moment import Pick, pick
from vmsnap_tui.model.plan import Take

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.plan import Step

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = ("student-01", "student-03", "web-01")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with demo_engine(tmp_path, NOW, only="kvm-rack7") as found:
        yield found


async def picks(engine: Engine) -> list[Pick]:
    found = []
    for name in NAMES:
        vm = await engine.find(name)
        facts = await engine.facts(vm.ref)
        found.append(pick(vm, facts.snapshots, NOW - timedelta(hours=3)))
    return found


def fail(monkeypatch: pytest.MonkeyPatch, part: group.Part, snapshot: str = "") -> None:
    """What is asked of that vm from now on fails, or only what has to do with a snapshot of it."""
    platform = platforms["kvm-rack7"]
    doomed, real = part.pick.vm.ref, platform.run

    def run(step: Step, *rest: object) -> str:
        if step.vm == doomed and (not snapshot or snapshot in step.params.values()):
            raise Failed("the disk is full")
        return real(step, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(platform, "run", run)


async def standing(engine: Engine) -> list[str]:
    """The current snapshot of each."""
    found = []
    for name in NAMES:
        facts = await engine.facts((await engine.find(name)).ref)
        found.append(next(each.name for each in facts.snapshots if each.current))
    return found


async def test_all_are_put_back(engine: Engine) -> None:
    told: list[group.Part] = []
    parts = await group.planned(engine, await picks(engine))
    done = await group.restore(engine, parts, told.append)
    assert all(each.is_done for each in done)
    assert len(told) == len(NAMES)
    assert await standing(engine) == [each.pick.snapshot.name for each in done if each.pick.snapshot]


async def test_a_failure_stays_with_its_vm(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = await group.planned(engine, await picks(engine))
    fail(monkeypatch, parts[2])
    done = await group.restore(engine, parts, lambda _: None)
    assert [each.is_done for each in done] == [True, True, False]
    assert "the disk is full" in done[2].problem


async def test_all_or_nothing_goes_back_to_the_present(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = await group.planned(engine, await picks(engine))
    web = parts[2].pick.snapshot
    assert web is not None
    fail(monkeypatch, parts[2], web.id)
    done = await group.restore(engine, parts, lambda _: None, all_or_nothing=True)
    assert not any(each.is_done for each in done)
    assert "the disk is full" in done[2].problem
    assert [each.undone for each in done] == [True, True, True]
    assert all(name.startswith(group.SAFETY) for name in await standing(engine))


async def test_where_the_present_cannot_be_kept_nothing_is_begun(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = await group.planned(engine, await picks(engine))
    before = await standing(engine)
    fail(monkeypatch, parts[0])
    done = await group.restore(engine, parts, lambda _: None, all_or_nothing=True)
    assert not any(each.is_done for each in done)
    assert "the disk is full" in done[0].problem
    assert "not every present state could be kept" in done[1].problem
    assert (await standing(engine))[0] == before[0]


async def test_one_that_refuses_once_the_present_is_kept_keeps_all_as_they_are(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To go back would undo it, but every vm would have been switched off and on for nothing."""
    parts = await group.planned(engine, await picks(engine))
    platform = platforms["kvm-rack7"]
    web, real = parts[2].pick.vm.ref, platform.run

    def run(step: Step, *rest: object) -> str:
        said = real(step, *rest)  # type: ignore[arg-type]
        if step.vm == web:
            platform.world.occupy(web, "a backup")
        return said

    monkeypatch.setattr(platform, "run", run)
    done = await group.restore(engine, parts, lambda _: None, all_or_nothing=True)
    assert {type(job.plan.request) for job in engine.jobs.all()} == {Take}
    assert not any(each.is_done or each.undone for each in done)
    assert "a backup" in done[2].problem
    assert "another vm cannot" in done[0].problem


async def test_one_that_nothing_was_done_to_is_left_alone(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its turn had not come when another one failed: it goes on, and loses nothing."""
    parts = await group.planned(engine, await picks(engine))
    web = parts[2].pick.snapshot
    assert web is not None
    engine.lab_rules = (LabRule("site", ("*",), order=(NAMES[2],)),)
    fail(monkeypatch, parts[2], web.id)
    stopped = False

    def told(_part: group.Part) -> None:
        nonlocal stopped
        stopped = True

    done = await group.restore(engine, parts, told, all_or_nothing=True, is_stopped=lambda: stopped)
    assert [each.undone for each in done] == [False, False, True]
    assert [each.problem for each in done[:2]] == ["not begun"] * 2


async def test_one_that_cannot_go_back_to_the_present_is_named(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = await group.planned(engine, await picks(engine))
    web = parts[2].pick.snapshot
    assert web is not None
    platform = platforms["kvm-rack7"]
    doomed, real = {each.pick.vm.ref for each in parts[1:]}, platform.run

    def run(step: Step, *rest: object) -> str:
        to_safety = any(str(value).startswith(group.SAFETY) for value in step.params.values())
        if step.vm in doomed and step.action == "restore" and (to_safety or web.id in step.params.values()):
            raise Failed("the disk is full")
        return real(step, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(platform, "run", run)
    done = await group.restore(engine, parts, lambda _: None, all_or_nothing=True)
    assert [each.undone for each in done] == [True, False, False]
    assert "it could not be put back to before-restore-" in done[1].problem
    assert "the disk is full; it could not be put back to before-restore-" in done[2].problem


async def test_what_others_depend_on_comes_first(engine: Engine) -> None:
    parts = await group.planned(engine, await picks(engine))
    engine.lab_rules = (LabRule("site", ("*",), order=(NAMES[2], NAMES[1])),)
    done = await group.restore(engine, parts, lambda _: None)
    assert [each.pick.vm.name for each in done] == list(NAMES)
    jobs = {each.pick.vm.name: each.job for each in done}
    first, second, third = (jobs[name] for name in (NAMES[2], NAMES[1], NAMES[0]))
    for before, after in ((first, second), (second, third)):
        assert before is not None
        assert after is not None
        assert before.ended is not None
        assert after.started is not None
        assert before.ended <= after.started


async def test_once_cancelled_no_other_one_is_put_back(engine: Engine) -> None:
    parts = await group.planned(engine, await picks(engine))
    before = await standing(engine)
    engine.lab_rules = (LabRule("site", ("*",), order=(NAMES[0],)),)
    job = group.begin(engine, "Back", parts)
    await until(engine.jobs.all)
    engine.groups.cancel(job.id)
    ended = await engine.groups.wait(job.id)
    assert [each.state for each in ended.members[1:]] == [JobState.CANCELLED] * 2
    assert (await standing(engine))[1:] == before[1:]


async def test_a_clock_that_is_set_back_keeps_nobody_from_cancelling(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = await group.planned(engine, await picks(engine))
    job = group.begin(engine, "Back", parts)

    class SetBack(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - timedelta(hours=1)

    monkeypatch.setattr("vmsnap_tui.engine.jobs.datetime", SetBack)
    await until(lambda: len(engine.jobs.all()) == len(NAMES))
    engine.groups.cancel(job.id)
    assert all(each.cancelling or each.state.is_over for each in engine.jobs.all())
    assert len(engine.groups.jobs_of(job)) == len(NAMES)
    await engine.groups.wait(job.id)


async def test_cancelled_right_after_it_was_begun_nothing_is_put_back(engine: Engine) -> None:
    """Their jobs are not queued yet: nobody but the group can stop them."""
    parts = await group.planned(engine, await picks(engine))
    before = await standing(engine)
    job = group.begin(engine, "Back", parts)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not engine.jobs.all()
    engine.groups.cancel(job.id)
    ended = await engine.groups.wait(job.id)
    assert {each.state for each in ended.members} == {JobState.CANCELLED}
    assert await standing(engine) == before


async def test_who_cannot_go_back_is_no_part_of_the_job(engine: Engine) -> None:
    none = Pick(await engine.find("sql-02"), None)
    parts = await group.planned(engine, [*await picks(engine), none])
    job = await engine.groups.wait(group.begin(engine, "Back", parts).id)
    assert [each.name for each in job.members] == list(NAMES)
    assert job.outcome == "3 of 3 put back"
    job = await engine.groups.wait(group.begin(engine, "Back", parts, all_or_nothing=True).id)
    assert job.outcome == "0 of 4 put back"


@pytest.mark.parametrize("all_or_nothing", [False, True])
async def test_nothing_more_is_begun_once_it_is_to_stop(engine: Engine, all_or_nothing: bool) -> None:
    """One after the other here, since they depend on each other: of those that were done by then, all are told."""
    before = await standing(engine)
    engine.lab_rules = (LabRule("site", ("*",), order=NAMES),)
    told: list[group.Part] = []
    parts = await group.planned(engine, await picks(engine))
    ended = await group.restore(
        engine, parts, told.append, all_or_nothing=all_or_nothing, is_stopped=lambda: len(told) > 0
    )
    assert [each.problem for each in ended[1:]] == ["not begun", "not begun"]
    assert ended[0].undone is all_or_nothing
    now = await standing(engine)
    if all_or_nothing:
        assert all(name.startswith(group.SAFETY) for name in now)
    else:
        assert now[1:] == before[1:]
