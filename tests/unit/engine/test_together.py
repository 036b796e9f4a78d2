"""Parts of a group snapshot as jobs: what one that goes wrong means for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.unit.engine.fake import vm
from tests.unit.engine.waiting import until
from vmsnap_tui.engine import taking
from vmsnap_tui.model.errors import Failed
from vmsnap_tui.model.vm import PlatformKind, Site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.engine.conftest import Begin
    from tests.unit.engine.fake import World
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.model.vm import VmRef

A, B = vm(0).ref, vm(1).ref
LONG = 60.0


async def begun(engine: Engine, limit: float = LONG) -> GroupJob:
    known = await taking.read(engine, [vm(0), vm(1)])
    return taking.begin(engine, "Weekly", taking.planned(known, "weekly", group="g"), limit=limit)


class Watched:
    """A watchdog that notes what it is told."""

    told: ClassVar[list[str]] = []

    def __init__(self, sites: Sequence[Site], vms: Sequence[VmRef], limit: float) -> None:
        del sites, limit
        self.told[:] = [each.id for each in vms]

    async def ready(self) -> None:
        self.told.append("ready")

    def go(self) -> None:
        self.told.append("go")

    async def over(self, *, sure: bool = True) -> None:
        self.told.append("over" if sure else "look")


@pytest.mark.parametrize(("thaws", "last"), [(True, "over"), (False, "look")])
async def test_the_watchdog_goes_on_where_one_was_not_seen_thawed(
    world: World, begin: Begin, monkeypatch: pytest.MonkeyPatch, *, thaws: bool, last: str
) -> None:
    """Its agent does not answer now, and whatever froze it may still be under way."""
    monkeypatch.setattr(taking, "Guard", Watched)
    world.with_vms(2)
    world.freezes, world.thaws = True, thaws
    world.fail("thaw", Failed("the agent does not answer"))
    engine = await begin(Site("s", PlatformKind.LIBVIRT, "fake:"))
    await engine.loaded(snapshots=True)
    await engine.groups.wait((await begun(engine)).id)
    assert Watched.told == [A.id, B.id, "ready", "go", last]


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
