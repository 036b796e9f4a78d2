"""The labs screen: cards, reset with one key and one yes, a new lab from marked vms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ui.stage import NARROW, stage
from vmsnap_tui.model.errors import Failed, Unreachable
from vmsnap_tui.model.lab import LabRule
from vmsnap_tui.model.retention import Policy
from vmsnap_tui.ui.screens.group import GroupScreen
from vmsnap_tui.ui.screens.labs import LabsScreen
from vmsnap_tui.ui.screens.reset import ResetScreen
from vmsnap_tui.ui.widgets.cards import CardsView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pytest

    from tests.ui.stage import Stage
    from vmsnap_tui.model.lab import Seat
    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.demo.platform import DemoPlatform


async def opened(it: Stage) -> None:
    await it.app.engine.loaded(snapshots=True)
    await it.press("b")
    await it.see("networks-101", "12 VMs", "student-01")


async def test_pictures(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path) as it:
        await opened(it)
        await it.press("right", "space", "down")
        await it.see("1 marked")
        await it.still()
        picture(it, "labs-wide")
        await it.press("R")
        await it.until(lambda: isinstance(it.app.screen, ResetScreen) and it.app.screen.result)
        await it.see("12 go back", "Type reset 12")
        await it.still()
        picture(it, "reset-wide")


async def test_narrow(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, size=NARROW) as it:
        await opened(it)
        await it.press("G")
        await it.see("student-12")
        await it.still()
        picture(it, "labs-narrow")


async def test_one_key_and_one_yes(tmp_path: Path) -> None:
    async with stage(tmp_path, speed=1000) as it:
        await opened(it)
        await it.press("R")
        await it.see("Type reset 12")
        await it.type("reset 12")
        await it.press("enter")
        await it.until(lambda: isinstance(it.app.screen, GroupScreen))
        await it.see("12 of 12 clean")
        await it.press("escape")
        await it.until(lambda: isinstance(it.app.screen, LabsScreen))
        await it.see("none away from the baseline", "clean, agent answers")
        assert "clean" not in it.toasts  # it was looked at
        await it.press("escape")
        await it.until(lambda: it.app.screen is it.main)


async def test_those_that_failed_are_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(tmp_path, speed=1000) as it:
        await opened(it)
        platform = it.platforms["kvm-rack7"]
        doomed, real = (await it.app.engine.find("student-01")).ref, platform.run

        def run(step: Step, *rest: object) -> str:
            if step.vm == doomed:
                raise Failed("the disk is full")
            return real(step, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(platform, "run", run)
        await it.press("space", "space", "r")
        await it.see("2 go back")
        await it.type("reset 2")
        await it.press("enter")
        await it.see("1 of 2 clean", "the disk is full", "r tries those again")
        monkeypatch.setattr(platform, "run", real)
        await it.press("r")
        await it.see("1 go back")
        await it.type("reset 1")
        await it.press("enter")
        await it.see("1 of 1 clean")


async def test_a_lab_is_made_of_marked_vms(tmp_path: Path) -> None:
    async with stage(tmp_path, speed=1000) as it:
        await it.app.engine.loaded(snapshots=True)
        await it.press("slash", *"web", "enter", "g", "j", "space", "space", "b")
        await it.see("networks-101")
        await it.press("n")
        await it.see("A lab of 2 VMs")
        await it.type("workshop")
        await it.press("enter")
        await it.see("New baseline of workshop", "2 get a new one", "● memory")
        await it.press("enter")
        await it.see("of 2 have it")
        await it.press("escape")
        await it.see("Labs 2", "workshop", "web-01")
        await it.press("p")
        await it.see("Unprotect the baselines of workshop")
        await it.press("enter")
        await it.see("not protected")


async def test_who_refuses_a_baseline_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: object) -> None:
        raise Unreachable("nobody is there")

    async with stage(tmp_path) as it:
        await opened(it)
        monkeypatch.setattr(it.platforms["kvm-rack7"], "facts", silent)
        await it.press("space", "space", "b")
        await it.see("0 get a new one, 2 cannot", "student-01  ✗ nobody is there", "Not possible")
        await it.press("escape")
        await it.until(lambda: isinstance(it.app.screen, LabsScreen))


async def test_the_highlighted_one_is_told_in_full(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await opened(it)
        await it.see("student-01  kvm-rack7  baseline “baseline” of 2026-02-12 15:00:00 UTC")
        await it.press("right")
        await it.see("student-02  kvm-rack7")
        await it.pilot.click(CardsView, offset=(65, 2))
        await it.see("student-03  kvm-rack7")


async def test_what_was_written_since_is_told_where_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def known(_engine: object, seats: Sequence[Seat]) -> dict[VmRef, int]:
        return {seats[0].vm.ref: 3 * 2**30}

    monkeypatch.setattr("vmsnap_tui.ui.screens.labs.drift", known)
    async with stage(tmp_path) as it:
        await opened(it)
        await it.see("drift 14 d, ≤ 3.0 GiB")


async def test_the_plan_says_who_comes_up_first(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        it.app.engine.lab_rules = (LabRule("networks-101", order=("student-07", "student-0[12]")),)
        await opened(it)
        await it.press("R")
        await it.see("In what order", "first student-07, then student-01, student-02, then", "9 others")


async def test_nothing_to_protect(tmp_path: Path) -> None:
    rule = LabRule("bare", ("web-*",))
    async with stage(tmp_path) as it:
        it.app.engine.lab_rules = (rule,)
        await it.app.engine.loaded(snapshots=True)
        await it.press("b")
        await it.see("bare", "without one", "no baseline yet")
        await it.press("p")
        await it.until(lambda: "no baseline yet: b takes one" in it.toasts)


async def test_start_and_stop(tmp_path: Path) -> None:
    async with stage(tmp_path, speed=1000) as it:
        await opened(it)
        await it.press("space", "s")
        await it.see("Start networks-101")
        await it.press("enter")
        await it.see("it is running already")
        await it.press("escape", "x")
        await it.see("Shut down networks-101")
        await it.press("enter")
        await it.see("1 of 1 off")


async def test_read_only_changes_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path, read_only=True) as it:
        await opened(it)
        for key in ("r", "R", "b", "s", "x", "p", "n"):
            await it.press(key)
            assert isinstance(it.app.screen, LabsScreen)
        assert "Read-only" in it.toasts


async def test_a_snapshot_of_all_as_one_moment(tmp_path: Path) -> None:
    async with stage(tmp_path, speed=1000) as it:
        await opened(it)
        await it.press("m")
        await it.see("Snapshot of 12 VMs", "as one moment", "take part")
        await it.press("escape")
        await it.until(lambda: isinstance(it.app.screen, LabsScreen))
        await it.press("space", "right", "space", "m")
        await it.see("Snapshot of 2 VMs", "take part")
        await it.press("enter")
        await it.see("2 of 2 taken")


async def test_pruned_by_what_the_lab_keeps(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        it.app.engine.lab_rules = (LabRule("networks-101", ("student-*",), keep=Policy(last=2, monthly=1)),)
        await opened(it)
        await it.press("P")
        await it.see("Prune 12 VMs", "newest    2", "months    1", "1 go, which frees")


async def test_a_lab_without_vms_says_so(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        it.app.engine.lab_rules = (LabRule("old", ("gone-*",)), LabRule("half", ("student-01", "gone")))
        await it.app.engine.loaded(snapshots=True)
        await it.press("b")
        await it.see("This lab has no VMs.", "No vm fits gone-*")
        await it.press("R")
        await it.until(lambda: "This lab has no VMs" in it.toasts)
        await it.press("tab")
        await it.see("1 VM ", "no vm fits gone")


async def test_which_lab_it_is_stays_in_sight(tmp_path: Path) -> None:
    async with stage(tmp_path, size=NARROW) as it:
        it.app.engine.lab_rules = tuple(LabRule(f"course-{number:02}", ("student-01",)) for number in range(12))
        await it.press("b")
        await it.see("course-00")
        for _ in range(9):
            await it.press("tab")
        await it.see("course-09")
        assert it.lines[1].startswith("  ‹")


async def test_the_ways_out_and_to_the_help_stay_in_sight(tmp_path: Path) -> None:
    async with stage(tmp_path, size=NARROW) as it:
        await opened(it)
        await it.see("rR Reset", "esc Back ? Help q Quit")
        await it.pilot.resize_terminal(120, 36)
        await it.see("n New esc Back ? Help q Quit")
        await it.pilot.resize_terminal(*NARROW)
        await it.until(lambda: "n New" not in it.text)


async def test_what_a_lab_may_lack_is_said(tmp_path: Path) -> None:
    """A site that does not answer may hold more of its vms."""

    def lose(platforms: dict[str, DemoPlatform]) -> None:
        platforms["cloud-edge"].world.lose("nobody at home")

    async with stage(tmp_path, prepare=lose) as it:
        await opened(it)
        await it.see("unknown what is on cloud-edge: no answer")
        await it.press("R")
        await it.until(lambda: isinstance(it.app.screen, ResetScreen) and it.app.screen.result)
        await it.see("What may be missing")
