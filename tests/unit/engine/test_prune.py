"""What pruning does on a world that moves meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.unit.engine.demo import demo_engine, platforms
from tests.unit.engine.waiting import until
from vmsnap_tui.engine import prune
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.retention import Policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.demo.world import Machine

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with demo_engine(tmp_path, NOW, only="kvm-rack7", speed=100_000) as found:
        yield found


async def planned(engine: Engine, name: str = "db-prod-01", *, last: int = 3) -> prune.Pruning:
    pruning = await prune.planned(engine, await engine.find(name), Policy(last=last))
    assert len(pruning.doomed) > 1
    return pruning


def machine(pruning: prune.Pruning) -> Machine:
    """What somebody else changes."""
    return platforms[pruning.vm.ref.site].world._machines[pruning.vm.ref]


def change(pruning: prune.Pruning, snapshot: Snapshot, **what: object) -> None:
    machine(pruning).snapshots[snapshot.id] = replace(snapshot, **what)


async def left(engine: Engine, pruning: prune.Pruning) -> set[str]:
    return {each.id for each in (await engine.facts(pruning.vm.ref)).snapshots}


@pytest.mark.parametrize("mark", [{"baseline": "course"}, {"protected": True}, {"forks": ("other",)}, {"ready": False}])
async def test_one_that_has_come_to_be_needed_stays(engine: Engine, mark: dict[str, object]) -> None:
    pruning = await planned(engine)
    first = pruning.doomed[0]
    change(pruning, first, **mark)
    ended = await prune.prune(engine, pruning, lambda _: None)
    assert first.id in await left(engine, pruning)
    assert [(each.snapshot.id, each.stays) for each in ended if each.problem] == [(first.id, True)]


async def test_another_one_of_the_same_name_is_not_what_was_agreed_to(engine: Engine) -> None:
    """Where a name is all that tells snapshots apart, a nightly one may have been replaced in the meantime."""
    pruning = await planned(engine)
    first = pruning.doomed[0]
    change(pruning, first, created=first.created + timedelta(seconds=1))
    ended = await prune.prune(engine, pruning, lambda _: None)
    assert first.id in await left(engine, pruning)
    assert ended[0].problem == "it is another one of that name by now"


async def test_where_those_that_were_to_stay_are_gone_others_stay_for_them(engine: Engine) -> None:
    pruning = await planned(engine)
    for kept in [each.snapshot for each in pruning.verdicts if each.is_kept]:
        del machine(pruning).snapshots[kept.id]
    ended = await prune.prune(engine, pruning, lambda _: None)
    assert len(await left(engine, pruning)) >= 3
    assert "it is to be kept by now (last)" in {each.problem for each in ended}


async def test_one_that_is_gone_already_is_as_good_as_deleted(engine: Engine) -> None:
    pruning = await planned(engine)
    del machine(pruning).snapshots[pruning.doomed[0].id]
    ended = await prune.prune(engine, pruning, lambda _: None)
    assert not any(each.problem for each in ended)


async def test_once_cancelled_no_other_one_is_deleted(engine: Engine) -> None:
    pruning = await planned(engine)
    job = prune.begin(engine, [pruning])
    await until(engine.jobs.all)
    engine.groups.cancel(job.id)
    ended = await engine.groups.wait(job.id)
    assert ended.members[0].state is JobState.CANCELLED
    assert len(engine.jobs.all()) == 1
    assert len(await left(engine, pruning)) >= len(pruning.verdicts) - 1


async def test_cancelled_while_the_first_one_is_looked_at_none_is_deleted(engine: Engine) -> None:
    pruning = await planned(engine)
    job = prune.begin(engine, [pruning])
    await asyncio.sleep(0)
    engine.groups.cancel(job.id)
    ended = await engine.groups.wait(job.id)
    assert ended.members[0].state is JobState.CANCELLED
    assert engine.jobs.all() == ()
