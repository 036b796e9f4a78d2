"""Group snapshots by the engine, on the demo's sites: what they come to, and who is waited for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.demo import demo_engine, platforms
from vmsnap_tui.engine import taking
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.engine.rendezvous import Rendezvous
from vmsnap_tui.model.errors import Failed
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.platforms.demo.world import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.engine.job import Job
    from vmsnap_tui.engine.rendezvous import Place
    from vmsnap_tui.model.plan import Plan, Step
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef
    from vmsnap_tui.platforms.demo.facts import DemoFacts

NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)
FROZEN = ("db-prod-01", "shop-frontend", "shop-db")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with demo_engine(tmp_path, NOW) as found:
        yield found


async def vms_of(engine: Engine, *names: str) -> list[Vm]:
    return [await engine.find(name) for name in names]


async def take(engine: Engine, vms: Sequence[Vm], *, limit: float = 10.0, together: bool = True) -> GroupJob:
    group = taking.fresh_id() if together else ""
    shares = taking.planned(await taking.read(engine, vms), "weekly", "of all", group=group)
    return await engine.groups.wait(taking.begin(engine, "Weekly", shares, limit=limit).id)


async def taken(engine: Engine, vm: Vm) -> Snapshot | None:
    found = (await engine.facts(vm.ref)).snapshots
    return next((each for each in found if each.name.endswith("weekly")), None)


async def test_one_moment(engine: Engine) -> None:
    """More of them on a site than it runs at a time: none may wait for one that has no place."""
    vms = await vms_of(engine, *FROZEN, "win-rdp-01", "web-03")
    ended = await take(engine, vms)
    assert not ended.undone, [each.words for each in ended.members]
    assert "5 of 5 taken as one moment" in ended.outcome
    assert ended.group is not None
    assert ended.group.window is not None
    made = [await taken(engine, vm) for vm in vms]
    assert [each.group for each in made if each] == [ended.group] * 5
    worth = [each.consistency for each in made if each]
    assert worth == [Consistency.FILESYSTEM] * 4 + [Consistency.CLEAN]
    assert {(await engine.facts(vm.ref)).freeze.state for vm in vms[:4]} == {FreezeState.THAWED}


async def test_names_that_others_have_too(engine: Engine) -> None:
    """All vms of a namespace share the names of their snapshots."""
    known = await taking.read(engine, await vms_of(engine, "shop-frontend", "shop-db", "db-prod-01"))
    title = taking.fresh_title(known, NOW)
    assert title == "2026-03-14-1500"
    names = [share.plan.request.name for share in taking.planned(known, title, group="g") if share.plan]  # type: ignore[union-attr]
    assert names[2] == title
    ended = await take(engine, [vm for vm, _ in known])
    assert not ended.undone
    again = taking.planned(await taking.read(engine, [vm for vm, _ in known]), "weekly", group="g")
    assert not any(share.can_run for share in again)


async def test_one_that_fails_is_named_and_the_others_are_one_moment(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    vms = await vms_of(engine, *FROZEN)
    platform = platforms[vms[0].ref.site]
    real = platform.run

    def run(step: Step, *rest: object) -> str:
        if step.vm == vms[0].ref:
            raise Failed("the disk is full")
        return real(step, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(platform, "run", run)
    ended = await take(engine, vms)
    assert ended.undone == (vms[0].ref,)
    assert "2 of 3 taken as one moment" in ended.outcome
    assert await taken(engine, vms[0]) is None


async def test_one_that_cannot_be_frozen_is_cut_all_the_same(engine: Engine) -> None:
    """A single one, at an instant: it is worth less, and of the same moment."""
    vms = await vms_of(engine, *FROZEN)
    platforms[vms[0].ref.site].world._machines[vms[0].ref].faults |= {Fault.AGENT_TIMEOUT}
    ended = await take(engine, vms)
    assert not ended.undone, [each.words for each in ended.members]
    first, *others = [await taken(engine, vm) for vm in vms]
    assert first is not None
    assert first.consistency is Consistency.CRASH
    assert {each.consistency for each in others if each} == {Consistency.FILESYSTEM}
    assert first.group == ended.group


async def test_the_limit(engine: Engine) -> None:
    """A copy takes longer than anybody may stand frozen: all are thawed, and it is no moment."""
    vms = await vms_of(engine, *FROZEN)
    ended = await take(engine, vms, limit=0.0005)
    assert "not at one moment" in ended.outcome
    for vm in vms:
        made = await taken(engine, vm)
        assert made is not None
        assert made.consistency is Consistency.CRASH
        assert made.group is not None
        assert not made.group.is_one_moment
        assert (await engine.facts(vm.ref)).freeze.state is FreezeState.THAWED


async def test_each_by_itself(engine: Engine) -> None:
    vms = await vms_of(engine, "db-prod-01", "web-01")
    ended = await take(engine, vms, together=False)
    assert ended.outcome == "2 of 2 taken"
    assert [each.group for each in [await taken(engine, vm) for vm in vms] if each] == [None, None]


async def test_doubts_name_those_that_keep_it_from_being_one_moment(engine: Engine) -> None:
    known = await taking.read(engine, await vms_of(engine, "db-prod-02", "edge-proxy-1", "db-prod-01"))
    shares = taking.planned(known, "weekly", group="g")
    [doubt] = taking.doubts(shares)
    assert "db-prod-02, edge-proxy-1" in doubt
    assert taking.doubts(shares[1:]) == ()


async def test_cancelled_before_anything_is_frozen(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them is held up by something else, and the other waits for it."""
    vms = await vms_of(engine, "db-prod-01", "shop-db")
    shares = taking.planned(await taking.read(engine, vms), "weekly", group="g")
    slow = platforms[vms[0].ref.site]
    loop, waiting, go, facts, ready = asyncio.get_running_loop(), asyncio.Event(), Event(), slow.facts, Rendezvous.ready

    def held_up(ref: VmRef) -> DemoFacts:
        go.wait(30)
        return facts(ref)

    def here(self: Rendezvous, number: int, stop: Event) -> None:
        loop.call_soon_threadsafe(waiting.set)
        ready(self, number, stop)

    monkeypatch.setattr(slow, "facts", held_up)
    monkeypatch.setattr(Rendezvous, "ready", here)
    job = taking.begin(engine, "Weekly", shares)
    await asyncio.wait_for(waiting.wait(), 30)
    engine.groups.cancel(job.id)
    go.set()
    ended = await engine.groups.wait(job.id)
    assert ended.members[1].state is JobState.CANCELLED
    assert await taken(engine, vms[1]) is None
    assert not ended.group or not ended.group.is_one_moment or ended.members[0].state is JobState.DONE


async def test_two_of_the_same_vms_come_one_after_the_other(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would get the vms of the site that answers it first, and neither would be of all."""
    vms = await vms_of(engine, *FROZEN)
    shares = [
        taking.planned(await taking.read(engine, vms), name, group=taking.fresh_id()) for name in ("first", "second")
    ]
    submit, slow = engine.jobs.submit, {"first": vms[0].ref.site, "second": vms[-1].ref.site}

    async def late(plan: Plan, gate: Place | None = None) -> Job:
        assert isinstance(plan.request, Take)
        if plan.request.vm.site == slow[plan.request.name]:
            await asyncio.sleep(0.1)  # this site answers late
        return await submit(plan, gate)

    monkeypatch.setattr(engine.jobs, "submit", late)
    begun = [taking.begin(engine, "Both", each) for each in shares]
    async with asyncio.timeout(20):
        ended = [await engine.groups.wait(each.id) for each in begun]
    assert all("3 of 3 taken as one moment" in each.outcome for each in ended), [each.outcome for each in ended]
