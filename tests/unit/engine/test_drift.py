"""How much a lab's vms have written, and how long each took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.engine.drift import drift
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.engine.groups import GroupJob, Member
from vmsnap_tui.engine.job import Job, JobState
from vmsnap_tui.engine.spent import spent
from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.model.lab import Seat
from vmsnap_tui.model.plan import Plan, Thaw
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.demo.platform import DemoPlatform
from vmsnap_tui.platforms.demo.sites import demo_sites

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = Engine(demo_sites(now=NOW, speed=1000), state=tmp_path)
    await engine.start()
    await engine.loaded(snapshots=True)
    yield engine
    await engine.stop()


def seats_of(engine: Engine, kind: SnapshotKind) -> list[Seat]:
    """Each vm with its oldest snapshot of a kind as its baseline."""
    store = engine.store
    seats = []
    for vm in store.vms("kvm-rack7"):
        base = next((each for each in store.snapshots(vm.ref) or () if each.kind is kind), None)
        if base:
            seats.append(Seat(vm, base))
    assert seats
    return seats


async def test_what_overlays_hold_was_written_since(engine: Engine) -> None:
    seats = seats_of(engine, SnapshotKind.EXTERNAL)
    written = await drift(engine, [*seats, Seat(seats[0].vm)])
    assert written
    assert all(most >= 0 for most in written.values())


async def test_within_one_file_nobody_can_tell(engine: Engine) -> None:
    assert await drift(engine, seats_of(engine, SnapshotKind.INTERNAL)) == {}


async def test_a_site_that_does_not_answer_is_left_out(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise Unreachable("nobody is there")

    monkeypatch.setattr(DemoPlatform, "survey", silent)
    assert await drift(engine, seats_of(engine, SnapshotKind.EXTERNAL)) == {}


def test_the_time_of_each_begins_with_its_first_job() -> None:
    a, b, c = (VmRef("kvm", name) for name in "abc")
    second = timedelta(seconds=1)

    def job(vm: VmRef, queued: float, started: float | None) -> Job:
        begun = None if started is None else NOW + started * second
        return Job("j", Plan(Thaw(vm), "x", "x"), JobState.RUNNING, NOW + queued * second, started=begun)

    group = GroupJob(
        "g",
        "Reset",
        (Member(a, "a", JobState.DONE, ended=NOW + 9 * second), Member(b, "b"), Member(c, "c")),
        NOW,
    )
    jobs = [job(a, -5, -4), job(a, 0, 2), job(a, 5, 6), job(b, 0, 4), job(c, 0, None)]
    assert spent(group, jobs, NOW + 10 * second) == {a: 7.0, b: 6.0}
