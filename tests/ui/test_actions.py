"""From a key to the snapshot on the screen: take, restore, delete, edit, cancel, and what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets._toast import Toast

from tests.ui.stage import WIDE, stage
from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.platforms.demo.world import Fault
from vmsnap_tui.ui.screens.delete import DeleteScreen
from vmsnap_tui.ui.screens.edit import EditScreen
from vmsnap_tui.ui.screens.main import MainScreen
from vmsnap_tui.ui.screens.plan import PlanScreen
from vmsnap_tui.ui.screens.quit import QuitScreen
from vmsnap_tui.ui.screens.restore import RestoreScreen
from vmsnap_tui.ui.screens.take import TakeScreen
from vmsnap_tui.ui.widgets.confirm_bar import ConfirmBar

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ui.stage import Stage
    from vmsnap_tui.engine.jobs import Job
    from vmsnap_tui.platforms.demo.platform import DemoPlatform
    from vmsnap_tui.ui.screens.dialogue import PlanFrame

VM = "db-prod-01"


async def ask(it: Stage, key: str, kind: type[PlanFrame]) -> None:
    """Open a dialogue and wait for its plan."""
    await it.press(key)
    await it.until(lambda: isinstance(it.app.screen, kind) and it.app.screen.plan, kind.__name__)


async def choose(it: Stage, name: str) -> None:
    """Put the graph's cursor on a snapshot."""
    it.main.graph.focus()
    for _ in range(20):
        if it.main.graph.snapshot and it.main.graph.snapshot.name == name:
            return
        await it.press("k")
    raise AssertionError(f"no {name}")


async def go(it: Stage) -> None:
    """Confirm what is asked, without the keyboard's help for what is typed elsewhere."""
    await it.until(lambda: it.app.screen.query_one(ConfirmBar).ready, "ready")
    await it.press("enter")
    await it.until(lambda: isinstance(it.app.screen, MainScreen), "back")


async def over(it: Stage, count: int = 1) -> Job:
    """The newest job, once that many are over."""
    jobs = it.app.engine.jobs
    await it.until(lambda: sum(job.state.is_over for job in jobs.all()) == count, "over")
    await it.until(lambda: it.toasts, "a toast")
    return jobs.all()[-1]


async def test_take_by_keys(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        ref = await it.go_to(VM)
        await ask(it, "s", TakeScreen)
        await it.type("fresh")
        await go(it)
        job = await over(it)
        assert job.state is JobState.DONE
        await it.see("fresh", "◂ current", f"{VM}  13")
        assert "fresh" in {snapshot.name for snapshot in it.snapshots(ref)}
        assert VM in it.toasts


async def test_restore_wants_the_name_typed_and_opens_a_branch(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        ref = await it.go_to(VM)
        await choose(it, "index-brin")
        await ask(it, "r", RestoreScreen)
        await it.press("enter")  # leads to where one confirms, and does nothing yet
        assert isinstance(it.app.screen, RestoreScreen)
        assert not it.app.engine.jobs.all()
        await it.type(VM)
        await go(it)
        job = await over(it)
        assert job.state is JobState.DONE
        await it.until(lambda: next(s for s in it.snapshots(ref) if s.current).name == "index-brin")
        await it.see("index-brin  ◂ current")


async def test_delete_names_what_goes(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        ref = await it.go_to("student-07")
        await choose(it, "exercise-1")
        await ask(it, "d", DeleteScreen)
        await it.see("exercise-1")
        await it.press("enter")
        await it.type("student-07")
        await go(it)
        assert (await over(it)).state is JobState.DONE
        await it.until(lambda: "exercise-1" not in {snapshot.name for snapshot in it.snapshots(ref)})
        await it.see("student-07  3")


async def test_edit_describes(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        ref = await it.go_to(VM)
        await it.press("tab", "k")
        await it.until(lambda: it.main.graph.snapshot)
        chosen = it.main.graph.snapshot
        assert chosen
        await ask(it, "e", EditScreen)
        await it.press("tab")
        await it.type("told anew")
        await go(it)
        assert (await over(it)).state is JobState.DONE
        await it.see("told anew")
        assert "told anew" in next(s.description for s in it.snapshots(ref) if s.id == chosen.id)


async def test_esc_changes_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to(VM)
        await ask(it, "s", TakeScreen)
        await it.press("escape")
        await it.until(lambda: isinstance(it.app.screen, MainScreen))
        assert not it.app.engine.jobs.all()


async def test_a_running_job_shows_its_course_and_can_be_cancelled(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, speed=0.05) as it:
        ref = await it.go_to(VM)
        await ask(it, "s", TakeScreen)
        await it.type("slow")
        await go(it)
        await it.until(lambda: it.main.jobs.running)
        await it.until(lambda: it.main.jobs.running[0].freeze)
        light = it.main.jobs.running[0].freeze
        assert light
        assert light.state in {FreezeState.FREEZING, FreezeState.FROZEN}
        await it.see("1 job", "0:0")
        await it.press("q")
        await it.until(lambda: isinstance(it.app.screen, QuitScreen))
        await it.see("1 job is not over", "freeze the guest")
        await it.press("escape")
        await it.until(lambda: isinstance(it.app.screen, MainScreen))
        await it.press("x")
        await it.until(lambda: it.app.engine.jobs.all()[0].cancelling or it.app.engine.jobs.all()[0].state.is_over)
        job = await over(it)
        assert job.state is JobState.CANCELLED
        assert "slow" not in {snapshot.name for snapshot in it.snapshots(ref)}
        await it.until(lambda: not it.main.jobs.running)


async def test_a_failed_job_says_what_to_do(tmp_path: Path) -> None:
    def break_the_agent(platforms: dict[str, DemoPlatform]) -> None:
        world = platforms["kvm-rack7"].world
        world.script(world.find(VM), [Fault.AGENT_TIMEOUT])

    async with stage(tmp_path, prepare=break_the_agent) as it:
        await it.go_to(VM)
        await ask(it, "s", TakeScreen)
        await go(it)
        job = await over(it)
        assert job.state is JobState.FAILED
        assert job.error
        assert job.error.hint in it.toasts
        assert job.freeze
        assert job.freeze.state is not FreezeState.FROZEN
        await it.see(f"✗ {VM}: Take")


async def test_a_world_that_moved_is_shown_anew(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        ref = await it.go_to(VM)
        await ask(it, "s", TakeScreen)
        await it.type("mine")
        it.world().outside_take(ref, "mine")
        await it.press("enter")
        await it.until(lambda: isinstance(it.app.screen, PlanScreen), "the plan anew")
        await it.see("moved")
        await it.press("escape")
        await it.until(lambda: isinstance(it.app.screen, MainScreen))
        assert not it.app.engine.jobs.all()


@pytest.mark.parametrize("size", [WIDE, (80, 24)])
async def test_no_toast_lies_over_what_can_be_pressed(tmp_path: Path, size: tuple[int, int]) -> None:
    async with stage(tmp_path, size=size) as it:
        await it.go_to(VM)
        await ask(it, "s", TakeScreen)
        it.app.notify("A job elsewhere failed, for a reason that takes some words to tell", severity="error")
        await it.until(lambda: it.app.screen.query(Toast), "a toast")
        [toast] = it.app.screen.query(Toast)
        await it.until(lambda: toast.region, "it to be laid out")
        assert not any(toast.region.overlaps(each.region) for each in it.app.screen.query("ConfirmBar *"))


async def test_a_dimmed_key_says_why(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to(VM)
        await it.press("r")
        await it.until(lambda: "Choose a snapshot first" in it.toasts)
        assert isinstance(it.app.screen, MainScreen)
        await it.press("x")
        await it.until(lambda: "No job is running" in it.toasts)


async def test_read_only_starts_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path, read_only=True) as it:
        await it.go_to(VM)
        await it.see("READ-ONLY")
        await it.press("tab", "k", "s", "r", "d", "e")
        await it.until(lambda: it.toasts.count("Read-only") >= 1)
        assert isinstance(it.app.screen, MainScreen)
