"""Labs on the demo: reset, a new baseline, power, protection; and what goes wrong stays with its own vm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.demo import demo_engine, platforms, remembered
from tests.unit.engine.waiting import until
from tests.unit.openshift import facts as cluster
from vmsnap_tui.engine import labs
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.errors import Failed
from vmsnap_tui.model.lab import LabRule, Seat
from vmsnap_tui.model.plan import Refusal, WayBack
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.platforms.demo.sites import demo_sites
from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts, Right

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.model.lab import Lab
    from vmsnap_tui.model.plan import Step

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LAB = "networks-101"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with demo_engine(tmp_path, NOW, only="kvm-rack7") as found:
        await found.loaded(snapshots=True)
        yield found


def lab_of(engine: Engine, name: str = LAB) -> Lab:
    return next(lab for lab in labs.all_labs(engine, ()) if lab.name == name)


async def reset(engine: Engine, patience: float = 5.0) -> GroupJob:
    plans = await labs.planned(engine, lab_of(engine).seats)
    return await engine.groups.wait(labs.reset(engine, LAB, plans, patience=patience).id)


async def test_all_are_clean_and_up_after_a_reset(engine: Engine) -> None:
    assert any(seat.is_off_baseline for seat in lab_of(engine).seats)
    before = {seat.vm.ref: len(engine.store.snapshots(seat.vm.ref) or ()) for seat in lab_of(engine).seats}
    ended = await reset(engine)
    assert ended.outcome == "12 of 12 clean"
    assert not ended.undone
    for seat in lab_of(engine).seats:
        assert seat.vm.state is VmState.RUNNING
        assert not seat.is_off_baseline
        assert len(engine.store.snapshots(seat.vm.ref) or ()) == before[seat.vm.ref]


async def test_a_failure_stays_with_its_vm_and_is_tried_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = platforms["kvm-rack7"]
    doomed, real = lab_of(engine).seats[2].vm.ref, platform.run

    def run(step: Step, *rest: object) -> str:
        if step.vm == doomed:
            raise Failed("the disk is full")
        return real(step, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(platform, "run", run)
    ended = await reset(engine)
    assert ended.undone == (doomed,)
    assert "the disk is full" in next(member.words for member in ended.members if member.vm == doomed)
    monkeypatch.setattr(platform, "run", real)
    seats = [seat for seat in lab_of(engine).seats if seat.vm.ref in ended.undone]
    again = labs.reset(engine, LAB, await labs.planned(engine, seats), patience=5.0)
    assert (await engine.groups.wait(again.id)).outcome == "1 of 1 clean"


async def test_a_reset_leaves_no_volumes_where_it_may_remove_them(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def planned(known: OpenShiftFacts) -> labs.SeatPlan:
        async def facts(_: object) -> OpenShiftFacts:
            return known

        monkeypatch.setattr(engine, "facts", facts)
        (found,) = await labs.planned(engine, [Seat(known.vm, cluster.ONE)])
        return found

    able = await planned(cluster.facts(cluster.ONE, leftovers=("kept-by-somebody",)))
    assert able.can_run
    assert able.plan is not None
    assert able.plan.steps[-1].params["remove"] == ["web-root", "web-data"]
    unable = await planned(cluster.facts(cluster.ONE, denied=frozenset({Right.UNCLAIM})))
    assert unable.can_run
    assert unable.plan is not None
    assert unable.plan.steps[-1].params["remove"] == []
    assert any("Left behind, and still taking space" in caution for caution in unable.plan.cautions)


async def test_a_baseline_that_only_makes_another_vm_is_no_reset(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = cluster.facts(cluster.ONE)

    async def facts(_: object) -> OpenShiftFacts:
        return known

    monkeypatch.setattr(engine, "facts", facts)
    beside = WayBack("new", "launch another one", recommended=True, beside=True)
    back = WayBack("rebuild", "rebuild it", refusals=(Refusal("no", "it has no disk to rebuild"),))
    monkeypatch.setattr(OpenShiftFacts, "ways_back", lambda *_: (back, beside))
    (found,) = await labs.planned(engine, [Seat(known.vm, cluster.ONE)])
    assert not found.can_run
    assert found.why_not == "its baseline only makes another vm (launch another one): it has no disk to rebuild"


async def test_one_whose_agent_stays_silent_is_not_clean(engine: Engine) -> None:
    ref = lab_of(engine).seats[0].vm.ref
    world = platforms["kvm-rack7"].world
    world._machines[ref].agent = AgentState.DISCONNECTED
    ended = await reset(engine, patience=0.1)
    assert ended.undone == (ref,)
    assert "has not answered" in next(member.words for member in ended.members if member.vm == ref)


async def test_a_new_baseline_takes_the_place_of_the_old_one(engine: Engine) -> None:
    seats = [seat for seat in lab_of(engine).seats if seat.vm.state is VmState.RUNNING][:2]
    old = [seat.baseline for seat in seats]
    job = labs.baseline(engine, LAB, [(seat.vm, seat.baseline) for seat in seats])
    ended = await engine.groups.wait(job.id)
    assert [member.state for member in ended.members] == [JobState.DONE] * 2
    for seat, before in zip(seats, old, strict=True):
        now = next(each for each in lab_of(engine).seats if each.vm.ref == seat.vm.ref)
        assert now.baseline is not None
        assert now.baseline.name.startswith("baseline-")
        assert now.baseline.protected
        assert not now.is_off_baseline
        assert before is not None
        left = next(each for each in engine.store.snapshots(seat.vm.ref) or () if each.id == before.id)
        assert (left.baseline, left.protected) == ("", False)


async def test_a_lab_is_made_of_any_vms(engine: Engine) -> None:
    vms = [await engine.find(name) for name in ("web-01", "db-prod-01")]
    job = labs.baseline(engine, "workshop", [(vm, None) for vm in vms])
    assert (await engine.groups.wait(job.id)).outcome == "2 of 2 have it"
    assert {seat.vm.name for seat in lab_of(engine, "workshop").seats} == {"web-01", "db-prod-01"}


async def test_power_and_protection(engine: Engine) -> None:
    seats = [seat for seat in lab_of(engine).seats if seat.vm.state in {VmState.RUNNING, VmState.OFF}]
    ended = await engine.groups.wait(labs.power(engine, LAB, seats, on=False).id)
    assert not ended.undone
    assert {seat.vm.state for seat in lab_of(engine).seats} == {VmState.OFF, VmState.PAUSED}
    ended = await engine.groups.wait(labs.protect(engine, LAB, seats, on=False).id)
    assert not ended.undone
    shown = {seat.vm.ref: seat.baseline for seat in lab_of(engine).seats}
    assert not any(base.protected for seat in seats if (base := shown[seat.vm.ref]))


async def test_one_that_is_so_already_says_that(tmp_path: Path) -> None:
    """Whatever else stands against a change: a read-only site, here."""
    sites = [replace(site, read_only=True) for site in demo_sites(now=NOW, speed=1000) if site.name == "kvm-rack7"]
    engine = Engine(sites, platform=remembered, follow=False, state=tmp_path)
    await engine.start()
    await engine.loaded(snapshots=True)
    seats = [seat for seat in lab_of(engine).seats if seat.vm.state is VmState.RUNNING]
    ended = await engine.groups.wait(labs.power(engine, LAB, seats, on=True).id)
    assert {member.words for member in ended.members} == {"it is running already"}
    await engine.stop()


async def test_cancelled_ones_are_left_where_they_are(engine: Engine) -> None:
    plans = await labs.planned(engine, lab_of(engine).seats)
    job = labs.reset(engine, LAB, plans)
    engine.groups.cancel(job.id)
    ended = await engine.groups.wait(job.id)
    assert ended.cancelling
    assert {member.state for member in ended.members} == {JobState.CANCELLED}


async def test_those_that_wait_for_their_turn_are_cancelled_and_not_failed(engine: Engine) -> None:
    plans = await labs.planned(engine, lab_of(engine).seats)
    job = labs.reset(engine, LAB, plans)
    await until(lambda: len(engine.jobs.all()) == len(plans))
    engine.groups.cancel(job.id)
    ended = await engine.groups.wait(job.id)
    assert {member.state for member in ended.members} - {JobState.DONE} == {JobState.CANCELLED}


async def test_what_others_depend_on_comes_up_first_and_goes_down_last(engine: Engine) -> None:
    engine.lab_rules = (LabRule(LAB, order=("student-05", "student-0[12]")),)
    seats = [seat for seat in lab_of(engine).seats if seat.vm.state is VmState.RUNNING]
    names = {seat.vm.ref: seat.vm.name for seat in seats}

    def first_and_last(job: GroupJob) -> list[tuple[datetime, datetime, str]]:
        ended = {member.vm: member.ended for member in job.members}
        begun = {each.plan.request.vm: each.queued for each in engine.jobs.all() if each.queued >= job.started}
        return sorted((begun[vm], end, names[vm]) for vm, end in ended.items() if end)

    job = labs.reset(engine, LAB, await labs.planned(engine, seats), patience=5.0)
    up = first_and_last(await engine.groups.wait(job.id))
    assert [name for _, _, name in up[:2]] == ["student-05", "student-01"]
    assert all(up[0][1] <= begun for begun, _, _ in up[1:])
    assert all(up[1][1] <= begun for begun, _, _ in up[2:])
    down = first_and_last(await engine.groups.wait(labs.power(engine, LAB, seats, on=False).id))
    assert [name for _, _, name in down[-2:]] == ["student-01", "student-05"]
