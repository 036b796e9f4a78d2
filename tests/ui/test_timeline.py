"""The timeline: a moment is chosen by keys, by typing and by the mouse, and all vms are put back to it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from textual import events
from textual.geometry import Offset

from tests.ui.stage import NARROW, NOW, stage
from vmsnap_tui.model.errors import Failed, Unreachable
from vmsnap_tui.model.moment import Side
from vmsnap_tui.model.plan import LossKind
from vmsnap_tui.present import marks
from vmsnap_tui.ui.screens.back import BackScreen
from vmsnap_tui.ui.screens.group import GroupScreen
from vmsnap_tui.ui.screens.timeline import TimelineScreen
from vmsnap_tui.ui.widgets.timeline import TimelineView
from vmsnap_tui.ui.widgets.timeline_axis import AxisView

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ui.stage import Stage
    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.vm import VmRef

STUDENTS = ("slash", *"student", "enter", "t")


async def opened(it: Stage, *keys: str) -> TimelineScreen:
    """The timeline, once all snapshots are in."""
    await it.app.engine.loaded(snapshots=True)
    await it.press(*(keys or STUDENTS))
    await it.until(lambda: isinstance(it.app.screen, TimelineScreen))
    screen = it.app.screen
    assert isinstance(screen, TimelineScreen)
    await it.until(lambda: "have a snapshot for it" in it.text)
    return screen


async def test_pictures(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it, "t")
        await it.press("left_square_bracket", "left_square_bracket", "j", "j", "j", "p", "left_square_bracket")
        await it.until(lambda: screen.line.is_pinned(list(screen.line.histories)[3]))
        await it.see("pinned", "spread")
        await it.until(lambda: screen.is_at_rest)
        await it.still()
        picture(it, "timeline-wide")


async def test_narrow(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, size=NARROW) as it:
        screen = await opened(it)
        await it.press("left_square_bracket", "left_square_bracket", "plus", "plus")
        await it.until(lambda: screen.is_at_rest)
        await it.see("12 of 12")
        await it.still()
        picture(it, "timeline-narrow")


async def test_the_moment_is_typed(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it)
        await it.press("m")
        await it.type("yesterday noon")
        await it.press("enter")
        await it.see("Fri 2026-03-13 12:00:00 UTC")
        assert NOW - screen.line.moment == timedelta(days=1, hours=3)
        await it.press("m")
        await it.type("gibberish")
        await it.press("enter")
        await it.until(lambda: "no time that is understood" in it.toasts)
        await it.press("escape")
        assert it.app.screen is screen
        await it.press("o", "o")
        await it.see("nearest")
        assert screen.line.side is Side.NEAREST
        await it.press("full_stop")
        await it.see("Sat 2026-03-14 15:00:00 UTC")
        await it.press("right_square_bracket")
        await it.until(lambda: "no snapshot further" in it.toasts)
        await it.press("escape")
        await it.until(lambda: it.app.screen is it.main)


async def test_keys_move_what_is_seen(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it)
        whole = screen.line.scale
        await it.press("left_curly_bracket", "plus", "plus")
        assert screen.line.scale.span == whole.span / 4
        assert screen.line.moment == screen.line.histories[next(iter(screen.line.histories))].snapshots[-1].created
        before = screen.line.moment
        await it.press("left", "h")
        assert screen.line.moment < before
        start = screen.line.scale.start
        await it.press("shift+right")
        assert screen.line.scale.start > start
        await it.press("0")
        assert screen.line.scale.span == pytest.approx(whole.span)


async def test_the_mouse_chooses_pins_zooms_and_pans(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it)
        view = screen.query_one(TimelineView)
        ref = list(screen.line.histories)[1]
        first = screen.line.histories[ref].snapshots[0]
        x = 12 + screen.line.scale.cell(first.created)
        await it.pilot.click(TimelineView, offset=(x, 1))
        await it.until(lambda: screen.line.moment == first.created)
        await it.press("full_stop")
        await it.pilot.click(TimelineView, offset=(x, 1), control=True)
        await it.until(lambda: screen.line.is_pinned(ref))
        span = screen.line.scale.span
        place = view.region.offset + Offset(x, 2)
        closer = events.MouseScrollUp(
            view, *(x, 2), *(0, -1), button=0, shift=False, meta=False, ctrl=False, screen_x=place.x, screen_y=place.y
        )
        view.post_message(closer)
        await it.until(lambda: screen.line.scale.span == span / 2)
        await it.pilot.click(TimelineView, offset=(x, 1), button=3)
        await it.until(lambda: not screen.line.is_pinned(ref))
        start = screen.line.scale.start
        await it.pilot.mouse_down(TimelineView, offset=(x, 2))
        await it.pilot.hover(TimelineView, offset=(x - 10, 2))
        await it.pilot.mouse_up(TimelineView, offset=(x - 10, 2))
        await it.until(lambda: screen.line.scale.start > start)


async def test_the_moment_is_drawn_along_the_axis(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it)
        axis, span = screen.query_one(AxisView), screen.line.scale.span
        await it.pilot.mouse_down(AxisView, offset=(30, 2))
        await it.until(lambda: screen.line.scale.cell(screen.line.moment) == 30 - 12)
        await it.pilot.hover(AxisView, offset=(40, 12))  # off the axis, as hands do
        await it.pilot.mouse_up(AxisView, offset=(40, 12))
        await it.until(lambda: screen.line.scale.cell(screen.line.moment) == 40 - 12)
        await it.pilot.hover(AxisView, offset=(20, 2))
        assert screen.line.scale.cell(screen.line.moment) == 40 - 12
        place = axis.region.offset + Offset(40, 3)
        further = events.MouseScrollDown(
            axis, *(40, 3), *(0, 1), button=0, shift=False, meta=False, ctrl=False, screen_x=place.x, screen_y=place.y
        )
        axis.post_message(further)
        await it.until(lambda: screen.line.scale.span == span * 2)


async def test_another_snapshot_is_pinned_by_keys(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it)
        ref = next(iter(screen.line.histories))
        await it.see("exercise-2")
        moment = screen.line.moment
        await it.press("less_than_sign")
        await it.see("student-01 → exercise-1  pinned")
        await it.press("less_than_sign", "less_than_sign")
        await it.until(lambda: "no ready snapshot further" in it.toasts)
        assert screen.line.moment == moment
        await it.press("greater_than_sign", "p")
        await it.until(lambda: not screen.line.is_pinned(ref))


async def test_what_is_typed_is_read_at_each_key(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it)
        before = screen.line.moment
        await it.press("m")
        await it.type("02/03/2026")
        await it.see("can be read in two ways")
        await it.press("escape", "m")
        await it.type("-3h")
        await it.see("= Sat 2026-03-14 12:00:00 UTC  enter")
        assert screen.line.moment == before
        await it.press("escape")
        await it.see("12 of 12 VMs")


async def test_each_row_says_what_would_be_lost(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await opened(it)
        both = "".join(marks.mark(kind).glyph for kind in (LossKind.MEMORY, LossKind.CHANGES))

        def ends(name: str, sign: str) -> bool:
            return any(name in line and line.endswith(sign) for line in it.lines)

        # The one runs, the other is off and stands at what is picked.
        await it.until(lambda: ends("student-01", both) and ends("student-02", marks.READY.glyph))


async def test_all_are_put_back(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, speed=1000) as it:
        await opened(it)
        await it.press("m")
        await it.type("-3 weeks")
        await it.press("enter", "enter")
        await it.until(lambda: isinstance(it.app.screen, BackScreen) and it.app.screen.result)
        await it.see("12 go back", "Lost in all", "Type restore 12")
        await it.still()
        picture(it, "back-wide")
        await it.type("restore 12")
        await it.press("enter")
        await it.until(lambda: isinstance(it.app.screen, GroupScreen))
        await it.see("12 of 12 put back")
        now = [each.name for ref in await _students(it) for each in it.snapshots(ref) if each.current]
        assert set(now) == {"baseline"}
        await it.press("escape")
        await it.until(lambda: isinstance(it.app.screen, TimelineScreen))
        await it.see("12 of 12 VMs have a snapshot for it")
        assert "put back" not in it.toasts  # it was looked at


async def _students(it: Stage) -> list[VmRef]:
    return [vm.ref for vm in it.app.engine.store.vms("kvm-rack7") if vm.name.startswith("student")]


async def test_who_left_it_running_is_told(tmp_path: Path) -> None:
    async with stage(tmp_path, speed=20) as it:
        await opened(it)
        await it.press("m")
        await it.type("-3 weeks")
        await it.press("enter", "enter")
        await it.see("Type restore 12")
        await it.type("restore 12")
        await it.press("enter")
        await it.until(lambda: isinstance(it.app.screen, GroupScreen))
        await it.press("escape")
        await it.until(lambda: isinstance(it.app.screen, TimelineScreen))
        await it.until(lambda: it.toasts.count("12 of 12 put back") == 1)


async def test_one_that_fails_leaves_the_others_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(tmp_path, speed=1000) as it:
        await opened(it)
        doomed = (await it.app.engine.find("student-03")).ref
        platform = it.platforms["kvm-rack7"]
        real = platform.run

        def run(step: Step, *rest: object) -> str:
            if step.vm == doomed:
                raise Failed("the disk is full")
            return real(step, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(platform, "run", run)
        await it.press("m")
        await it.type("-3 weeks")
        await it.press("enter", "enter")
        await it.see("Type restore 12")
        await it.type("restore 12")
        await it.press("enter")
        await it.see("11 of 12 put back", "the disk is full")


async def test_what_cannot_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: object) -> None:
        raise Unreachable("nobody is there")

    async with stage(tmp_path) as it:
        monkeypatch.setattr(it.platforms["kvm-rack7"], "facts", silent)
        await opened(it)
        await it.press("j")
        await it.see("nobody is there")
        await it.press("enter")
        await it.see("12 are left as they are", "Not possible")
        await it.press("escape")
        await it.until(lambda: isinstance(it.app.screen, TimelineScreen))


async def test_read_only_plans_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path, read_only=True) as it:
        await opened(it)
        await it.press("enter")
        await it.until(lambda: "Read-only" in it.toasts)
        assert isinstance(it.app.screen, TimelineScreen)


async def test_the_axis_follows_the_width(tmp_path: Path) -> None:
    """Also while a dialogue lies above it."""
    async with stage(tmp_path) as it:
        await opened(it)
        await it.pilot.resize_terminal(*NARROW)
        await it.see("OFF   LOST")
        await it.press("enter")
        await it.until(lambda: isinstance(it.app.screen, BackScreen))
        await it.pilot.resize_terminal(160, 36)
        await it.press("escape")
        await it.until(lambda: isinstance(it.app.screen, TimelineScreen))
        await it.until(lambda: it.lines[3].endswith("OFF WORTH        LOST"))
        assert it.lines[3].index("PICK") == it.lines[4].index("exercise")


async def test_only_those_that_go_back_are_part_of_the_job(tmp_path: Path) -> None:
    """The others were named before. More than fit on the screen: how long each took stands beside the scrollbar."""
    async with stage(tmp_path, speed=1000) as it:
        await opened(it, "t")
        await it.press("enter")
        await it.see("24 go back, 8 are left as they are")
        await it.type("restore 24")
        await it.press("enter")
        await it.until(lambda: isinstance(it.app.screen, GroupScreen))
        await it.see("24 of 24 put back")
        [line] = [line for line in it.lines if "at before-samba" in line]
        assert re.search(r"\d:\d\d\W", line)
