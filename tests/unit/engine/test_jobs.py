"""Plans are carried out one after the other, checked again, cancelled, and what they did is on the screen first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.fake import site, snapshot, vm
from tests.unit.engine.waiting import until
from vmsnap_tui.engine.jobs import JobState, PlanMoved
from vmsnap_tui.model.errors import Conflict, Denied, Failed, Missing
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import Take, Thaw

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Begin
    from tests.unit.engine.fake import World
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.jobs import Job

A, B, C = vm(0).ref, vm(1).ref, vm(2).ref


async def submit(engine: Engine, take: Take) -> Job:
    return await engine.jobs.submit(await engine.plan(take))


async def ready(engine: Engine) -> Engine:
    await engine.loaded(snapshots=True)
    return engine


async def test_a_job_is_done_and_what_it_did_is_known_before_that_is_told(world: World, begin: Begin) -> None:
    world.with_vms(1)
    world.steps = 2
    engine = await ready(await begin())
    seen: list[tuple[JobState, int]] = []

    def look(_: object) -> None:
        seen.extend((job.state, len(engine.store.snapshots(A) or ())) for job in engine.jobs.all())

    engine.store.subscribe(look, interval=0)
    job = await submit(engine, Take(A, "x"))
    assert not job.state.is_over
    job = await engine.jobs.wait(job.id)
    await until(lambda: seen and seen[-1][0] is JobState.DONE)
    assert (job.state, job.outcome, job.step) == (JobState.DONE, "x taken; x+ taken", 1)
    assert job.error is None
    assert job.started is not None
    assert job.ended is not None
    assert job.queued <= job.started <= job.ended
    assert {count for state, count in seen if state is JobState.DONE} == {2}


async def test_a_site_runs_no_more_than_its_limit(world: World, begin: Begin) -> None:
    world.with_vms(4)
    gate = world.gate("run.midway")
    engine = await ready(await begin(site(jobs=2)))
    jobs = [await submit(engine, Take(one.ref, "x")) for one in engine.store.vms("s")]
    await until(lambda: len(world.at_work) == 2)
    states = [job.state for job in engine.jobs.all()]
    assert states == [JobState.RUNNING, JobState.RUNNING, JobState.WAITING, JobState.WAITING]
    gate.open.set()
    assert {(await engine.jobs.wait(job.id)).state for job in jobs} == {JobState.DONE}
    assert world.most_at_work == 2


async def test_a_vm_has_one_job_at_a_time_and_others_pass_it(world: World, begin: Begin) -> None:
    world.with_vms(2)
    gate = world.gate("run.midway")
    engine = await ready(await begin(site(jobs=5)))
    first = await submit(engine, Take(A, "x"))
    second = await submit(engine, Take(A, "y"))
    other = await submit(engine, Take(B, "x"))
    await until(lambda: sorted(world.at_work) == [A, B])
    waiting = engine.jobs.get(second.id)
    assert waiting is not None
    assert waiting.state is JobState.WAITING
    gate.open.set()
    for job in (first, other):
        assert (await engine.jobs.wait(job.id)).state is JobState.DONE


async def test_reads_go_on_while_every_step_hangs(world: World, begin: Begin) -> None:
    world.with_vms(3)
    gate = world.gate("run.midway")
    engine = await ready(await begin(site(jobs=3)))
    for one in (A, B, C):
        await submit(engine, Take(one, "x"))
    await until(lambda: len(world.at_work) == 3)
    assert (await engine.facts(A)).vm.ref == A
    gate.open.set()


async def test_a_plan_of_a_world_that_moved_is_not_queued(world: World, begin: Begin) -> None:
    world.with_vms(1)
    engine = await ready(await begin())
    plan = await engine.plan(Take(A, "x"))
    world.snapshots[A] = (snapshot(A, "other"),)
    with pytest.raises(PlanMoved) as moved:
        await engine.jobs.submit(plan)
    assert moved.value.plan == await engine.plan(Take(A, "x"))
    assert engine.jobs.all() == ()
    job = await engine.jobs.submit(moved.value.plan)
    assert (await engine.jobs.wait(job.id)).state is JobState.DONE


async def test_a_plan_that_moved_while_it_waited_fails_and_does_nothing(world: World, begin: Begin) -> None:
    world.with_vms(1)
    gate = world.gate("run.midway")
    engine = await ready(await begin())
    first = await submit(engine, Take(A, "x"))
    second = await submit(engine, Take(A, "y"))
    gate.open.set()
    await engine.jobs.wait(first.id)
    job = await engine.jobs.wait(second.id)
    assert job.state is JobState.FAILED
    assert isinstance(job.error, PlanMoved)
    assert job.error.plan.cautions == ("after x",)
    assert [known.name for known in world.snapshots[A]] == ["x"]


async def test_a_refusal_is_not_queued(world: World, begin: Begin) -> None:
    world.with_vms(1)
    world.snapshots[A] = (snapshot(A, "x"),)
    engine = await ready(await begin())
    with pytest.raises(Conflict, match="there is one of that name — take another"):
        await submit(engine, Take(A, "x"))


async def test_read_only_forbids_every_change(world: World, begin: Begin) -> None:
    world.with_vms(1)
    engine = await ready(await begin(read_only=True))
    assert engine.store.sites["s"].site.read_only
    with pytest.raises(Denied):
        await submit(engine, Take(A, "x"))
    assert world.count("run") == 0


async def test_a_vm_that_vanishes_between_plan_and_run_is_missing(world: World, begin: Begin) -> None:
    world.with_vms(1)
    engine = await ready(await begin())
    plan = await engine.plan(Take(A, "x"))
    del world.vms[A]
    with pytest.raises(Missing):
        await engine.jobs.submit(plan)
    assert engine.store.vm(A) is None


async def test_a_running_job_is_cancelled(world: World, begin: Begin) -> None:
    world.with_vms(1)
    gate = world.gate("run.midway")
    engine = await ready(await begin())
    job = await submit(engine, Take(A, "x"))
    await until(gate.entered.is_set)
    engine.jobs.cancel(job.id)
    asked = engine.jobs.get(job.id)
    assert asked is not None
    assert asked.cancelling
    assert asked.state is JobState.RUNNING
    gate.open.set()
    job = await engine.jobs.wait(job.id)
    assert (job.state, job.outcome) == (JobState.CANCELLED, "x was stopped")
    assert world.snapshots[A] == ()
    engine.jobs.cancel(job.id)
    assert engine.jobs.get(job.id) == job


async def test_a_waiting_job_is_cancelled_at_once(world: World, begin: Begin) -> None:
    world.with_vms(2)
    gate = world.gate("run.midway")
    engine = await ready(await begin(site(jobs=1)))
    first = await submit(engine, Take(A, "x"))
    second = await submit(engine, Take(B, "y"))
    engine.jobs.cancel(second.id)
    assert (await engine.jobs.wait(second.id)).state is JobState.CANCELLED
    gate.open.set()
    assert (await engine.jobs.wait(first.id)).state is JobState.DONE
    assert world.snapshots[B] == ()


async def test_no_further_step_begins_once_cancelled(world: World, begin: Begin) -> None:
    world.with_vms(1)
    world.steps = 3
    engine = await ready(await begin())
    gate = world.gate("snapshots")
    job = await submit(engine, Take(A, "x"))
    await until(gate.entered.is_set)  # the first step is done, and what it did is being read
    engine.jobs.cancel(job.id)
    gate.open.set()
    job = await engine.jobs.wait(job.id)
    assert (job.state, job.outcome) == (JobState.CANCELLED, "cancelled before: Step 1")
    assert [known.name for known in engine.store.snapshots(A) or ()] == ["x"]


@pytest.mark.parametrize("error", [Failed("disk full", "make room"), ValueError("bug")])
async def test_a_failure_keeps_its_words(world: World, begin: Begin, error: Exception) -> None:
    world.with_vms(1)
    world.fail("run.midway", error)
    engine = await ready(await begin())
    job = await submit(engine, Take(A, "x"))
    job = await engine.jobs.wait(job.id)
    assert job.state is JobState.FAILED
    assert str(error).split(" — ")[0] in job.outcome
    assert isinstance(job.error, Failed)
    assert "Traceback" not in job.outcome


async def test_progress_and_lamp_are_values_anyone_can_follow(world: World, begin: Begin) -> None:
    world.with_vms(1)
    world.freezes = True
    gate = world.gate("run.midway")
    engine = await ready(await begin())
    job = await submit(engine, Take(A, "x"))
    await until(gate.entered.is_set)
    await until(lambda: (seen := engine.jobs.get(job.id)) and seen.progress and seen.progress.fraction == 0.5)
    running = engine.jobs.get(job.id)
    assert running is not None
    assert running.freeze is not None
    assert running.freeze.state is FreezeState.FROZEN
    lamp = engine.store.freeze(A)
    assert lamp is not None
    assert lamp.state is FreezeState.FROZEN
    gate.open.set()
    job = await engine.jobs.wait(job.id)
    assert job.freeze is not None
    assert job.freeze.state is FreezeState.THAWED
    states = [entry.state for entry in await engine.journal.entries() if entry.what == "freeze"]
    assert states == ["thawed", "frozen"]


async def test_a_guest_that_a_failed_step_left_frozen_is_thawed(world: World, begin: Begin) -> None:
    world.with_vms(1)
    world.freezes = True
    world.fail("run.midway", Failed("the daemon died"))
    engine = await ready(await begin())
    job = await submit(engine, Take(A, "x"))
    assert (await engine.jobs.wait(job.id)).state is JobState.FAILED
    assert len(engine.jobs.all()) == 2, "the thaw is a job that everybody can see"
    thaw = await engine.jobs.wait(engine.jobs.all()[1].id)
    assert isinstance(thaw.plan.request, Thaw)
    assert thaw.state is JobState.DONE
    assert world.frozen == set()


async def test_a_guest_that_a_step_has_not_seen_thawed_is_thawed(world: World, begin: Begin) -> None:
    """Its snapshot is there, so that the step went well; of the guest nobody knows."""
    world.with_vms(1)
    world.freezes, world.thaws = True, False
    engine = await ready(await begin())
    job = await submit(engine, Take(A, "x"))
    assert (await engine.jobs.wait(job.id)).state is JobState.DONE
    assert [type(each.plan.request) for each in engine.jobs.all()] == [Take, Thaw]
    await engine.jobs.wait(engine.jobs.all()[1].id)
    assert world.frozen == set()


async def test_a_thaw_that_fails_is_not_tried_without_end(world: World, begin: Begin) -> None:
    world.with_vms(1)
    world.freezes = True
    world.fail("run.midway", Failed("the daemon died"))
    world.fail("thaw", Failed("no agent"))
    engine = await ready(await begin())
    job = await submit(engine, Take(A, "x"))
    await engine.jobs.wait(job.id)
    thaw = await engine.jobs.wait(engine.jobs.all()[1].id)
    assert thaw.state is JobState.FAILED
    assert len(engine.jobs.all()) == 2


async def test_a_job_that_outlives_its_waiter_goes_on(world: World, begin: Begin) -> None:
    world.with_vms(1)
    gate = world.gate("run.midway")
    engine = await ready(await begin())
    job = await submit(engine, Take(A, "x"))
    await until(gate.entered.is_set)
    gate.open.set()
    await until(lambda: (known := engine.jobs.get(job.id)) and known.state is JobState.DONE)
    with pytest.raises(Missing):
        await engine.jobs.wait("nobody")
