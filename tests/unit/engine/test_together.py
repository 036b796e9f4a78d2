"""Parts of a group snapshot as jobs: what one that goes wrong means for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.engine.fake import vm
from tests.unit.engine.waiting import until
from vmsnap_tui.engine import taking
from vmsnap_tui.model.errors import Failed

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Begin
    from tests.unit.engine.fake import World
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob

A, B = vm(0).ref, vm(1).ref
LONG = 60.0


async def begun(engine: Engine, limit: float = LONG) -> GroupJob:
    known = await taking.read(engine, [vm(0), vm(1)])
    return taking.begin(engine, "Weekly", taking.planned(known, "weekly", group="g"), limit=limit)


async def test_nobody_stands_frozen_for_one_that_has_failed(world: World, begin: Begin) -> None:
    """To read what has become of its vm may take long, and the others are not to wait for that."""
    world.with_vms(2)
    world.freezes = True
    engine = await begin()
    await engine.loaded(snapshots=True)

    def first_fails() -> None:
        if world.count("run.midway") == 1:
            world.gate("vm.read")
            raise Failed("the disk is full")

    world.hooks["run.midway"] = first_fails
    job = await begun(engine)
    await until(lambda: any(world.snapshots.values()))
    world.open_all()
    ended = await engine.groups.wait(job.id)
    await until(lambda: not world.frozen)
    assert "1 of 2 taken as one moment" in ended.outcome
