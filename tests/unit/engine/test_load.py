"""Ten thousand vms come in without the loop standing still."""

from __future__ import annotations

import asyncio
import gc
from itertools import pairwise
from time import thread_time
from typing import TYPE_CHECKING

from tests.unit.engine.fake import snapshot, vm
from tests.unit.engine.waiting import until

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Begin
    from tests.unit.engine.fake import World

COUNT = 10_000


async def test_the_loop_has_its_turn_all_the_time(world: World, begin: Begin) -> None:
    """Counted in values taken in between two turns of the loop, since seconds say little on a busy machine."""
    world.with_vms(COUNT)
    world.page = COUNT  # the worst that a platform can do: all in one page
    for number in range(COUNT):
        ref = vm(number).ref
        world.snapshots[ref] = tuple(snapshot(ref, f"snapshot-{index}") for index in range(3))
    gc.unfreeze()
    engine = await begin()
    store = engine.store
    sizes: list[tuple[int, int]] = []
    used: list[float] = []
    told: list[int] = []
    store.subscribe(lambda changes: told.append(len(changes.vms)))

    async def take_turns() -> None:
        while True:
            began = thread_time()
            await asyncio.sleep(0)
            used.append(thread_time() - began)
            sizes.append((len(store._vms["s"]), len(store._snapshots)))

    watching = asyncio.create_task(take_turns())
    await engine.loaded(snapshots=True)
    await until(lambda: sum(told) >= COUNT)
    watching.cancel()
    steps = [(later[0] - now[0], later[1] - now[1]) for now, later in pairwise(sizes)]
    assert sizes[-1] == (COUNT, COUNT)
    assert max(vms for vms, _ in steps) <= 200  # half a millisecond
    assert max(snapshots for _, snapshots in steps) <= 50  # vms whose snapshots came in
    assert sorted(used)[-5] < 0.01, "seconds of the loop's own thread; a few outliers are the machine's"
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
