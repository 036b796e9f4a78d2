"""What is said of a job on the way, and what a second Ctrl-C does."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from vmsnap_tui.cli.follow import Lines, doing, figures, follow, lamp
from vmsnap_tui.engine.jobs import Job, JobState
from vmsnap_tui.engine.store import Changes
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.plan import Plan, Step, Thaw
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.vm import VmRef

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from vmsnap_tui.engine.engine import Engine

VM = VmRef("site", "1")
NOW = datetime.now(UTC)
STEPS = (Step("a", VM, "copy \x1b[1m"), Step("b", VM, "end"))
JOB = Job("j", Plan(Thaw(VM), "title", "vm", STEPS), JobState.RUNNING, NOW)


def test_a_step_is_told_by_its_phase_and_else_by_its_label() -> None:
    assert doing(JOB) == "1/2 copy ␛[1m"
    assert doing(replace(JOB, progress=Progress("saving\x07"), step=1)) == "2/2 saving␇"
    assert doing(replace(JOB, state=JobState.WAITING)) == "waiting for a place on the site"


def test_a_phase_that_the_lamp_shows_is_not_told_twice() -> None:
    freeze = Freeze(FreezeState.FROZEN)
    assert doing(replace(JOB, progress=Progress("frozen"), freeze=freeze)) == "1/2 copy ␛[1m"
    assert doing(replace(JOB, progress=Progress("cutting"), freeze=freeze)) == "1/2 cutting"


def test_figures_are_those_that_there_are() -> None:
    assert figures(JOB) == ""
    assert figures(replace(JOB, progress=Progress("x", 1024))) == "1.0 KiB"
    told = replace(JOB, progress=Progress("x", 1024, 4096), rate=512.0, left=6.0)
    assert figures(told) == "1.0 KiB of 4.0 KiB, 512 B/s, 0:06 left"


def test_the_lamp_has_a_clock() -> None:
    assert lamp(replace(JOB, freeze=Freeze(FreezeState.THAWED))) == ""
    frozen = Freeze(FreezeState.FROZEN, datetime.now(UTC) - timedelta(seconds=63))
    assert lamp(replace(JOB, freeze=frozen)).endswith("frozen 1:03")


def test_lines_say_what_is_new_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for done in (0, 10, 90, 110, 120, 1000):
        lines.show(replace(JOB, progress=Progress("copying", done, 1000)))
    lines.show(replace(JOB, state=JobState.DONE))
    assert len(capsys.readouterr().err.splitlines()) == 3


class Stuck:
    """An engine with one job that cannot be stopped."""

    def __init__(self) -> None:
        self.job = JOB
        self.store = self.jobs = self
        self.told: Callable[[Changes], None] = lambda _: None
        self.watched = asyncio.Event()
        self.cancelled = asyncio.Event()

    def get(self, _: str) -> Job:
        return self.job

    def cancel(self, _: str) -> None:
        self.job = replace(self.job, cancelling=True)
        self.told(Changes(jobs=frozenset({"j"})))
        self.cancelled.set()

    def subscribe(self, callback: Callable[[Changes], None]) -> Callable[[], None]:
        self.told = callback
        self.watched.set()
        return lambda: None

    async def wait(self, _: str) -> Job:
        await asyncio.Event().wait()
        return self.job


async def test_a_second_ctrl_c_leaves_a_job_that_cannot_be_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Stuck()
    following = asyncio.create_task(follow(cast("Engine", engine), JOB))
    await engine.watched.wait()
    os.kill(os.getpid(), signal.SIGINT)
    async with asyncio.timeout(10):
        await engine.cancelled.wait()
        os.kill(os.getpid(), signal.SIGINT)
        last = await following
    assert last.state is JobState.RUNNING
    said = capsys.readouterr().err
    assert said.index("cannot be stopped midway") < said.index("vmsnap log has it")
