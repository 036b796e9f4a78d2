"""Ten thousand vms come in without the loop standing still."""

from __future__ import annotations

import asyncio
import gc
from time import thread_time
from typing import TYPE_CHECKING

from tests.unit.engine.fake import snapshot, vm
from tests.unit.engine.waiting import until

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Begin
    from tests.unit.engine.fake import World

COUNT = 10_000


async def test_the_loop_is_never_held_up_for_long(world: World, begin: Begin) -> None:
    """Measured in processor time of the loop's own thread, so that a busy machine does not count."""
    world.with_vms(COUNT)
    world.page = COUNT  # the worst that a platform can do: all in one page
    for number in range(COUNT):
        ref = vm(number).ref
        world.snapshots[ref] = tuple(snapshot(ref, f"snapshot-{index}") for index in range(3))
    gc.unfreeze()
    bursts: list[float] = []

    async def watch_the_loop() -> None:
        while True:
            began = thread_time()
            await asyncio.sleep(0)
            bursts.append(thread_time() - began)

    told: list[int] = []
    watching = asyncio.create_task(watch_the_loop())
    engine = await begin()
    engine.store.subscribe(lambda changes: told.append(len(changes.vms)))
    await engine.loaded(snapshots=True)
    await until(lambda: sum(told) >= COUNT)
    watching.cancel()
    assert len(engine.store.vms("s")) == COUNT
    assert len(engine.store.snapshots(vm(COUNT - 1).ref) or ()) == 3
    assert max(bursts) < 0.025  # 2 to 6 ms as a rule; all in one go it would be 60
    assert sum(bursts) > 0.025
    assert sum(told) == COUNT
    assert gc.get_freeze_count() > 4 * COUNT, "the collector would go through all of it, and stop the loop"
    gc.unfreeze()


async def test_a_read_that_finds_nothing_new_keeps_what_is_known(world: World, begin: Begin) -> None:
    world.with_vms(50)
    for ref in world.vms:
        world.snapshots[ref] = (snapshot(ref, "x"),)
    engine = await begin()
    await engine.loaded(snapshots=True)
    before = {ref: engine.store.snapshots(ref) for ref in world.vms}
    for ref in world.vms:
        world.snapshots[ref] = (snapshot(ref, "x"),)
    engine.refresh()
    await engine.loaded(snapshots=True)
    assert all(engine.store.snapshots(ref) is known for ref, known in before.items())
