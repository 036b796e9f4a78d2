"""Help as it is bound, and the journal on the screen."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textual.widgets import Input

from tests.ui.stage import NARROW, WIDE, stage
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.engine.journal import CutOff, Entry
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.ui.outcomes import Outcomes
from vmsnap_tui.ui.screens.help import HelpScreen
from vmsnap_tui.ui.screens.log import LogScreen
from vmsnap_tui.ui.screens.main import MainScreen
from vmsnap_tui.ui.widgets.log_lines import LogLines

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.ui.stage import Stage


async def read_all(it: Stage) -> str:
    """The whole help, page by page."""
    await it.press("question_mark")
    await it.until(lambda: isinstance(it.app.screen, HelpScreen))
    pages = [it.text]
    await it.press("g")
    while True:
        await it.press("pagedown")
        await it.still()
        if it.text == pages[-1]:
            return "\n".join(pages)
        pages.append(it.text)


async def test_help_lists_every_key_of_the_screen_and_of_the_pane(tmp_path: Path) -> None:
    async with stage(tmp_path, size=(120, 60)) as it:
        bindings = [active.binding for active in it.main.active_bindings.values() if active.binding.id]
        said = await read_all(it)
        assert len(bindings) > 25
        for binding in bindings:
            assert it.app.get_key_display(binding) in said
            assert binding.tooltip.split(" (")[0] in said
        for heading in ("This pane", "This screen", "Everywhere", "What a snapshot is worth", "Freeze"):
            assert heading in said
        await it.press("escape")
        assert isinstance(it.app.screen, MainScreen)


async def test_help_shows_the_users_own_keys(tmp_path: Path) -> None:
    async with stage(tmp_path, keys={"take": "n"}) as it:
        said = await read_all(it)
        assert re.search(r" n +Snapshot +Take", said)
        assert not re.search(r" s +Snapshot +Take", said)


async def test_help_says_what_is_not_possible_now(tmp_path: Path) -> None:
    async with stage(tmp_path, read_only=True) as it:
        said = await read_all(it)
        assert "Put the vm back to the highlighted snapshot (not now)" in said


async def test_help_wraps_where_it_is_narrow(tmp_path: Path) -> None:
    async with stage(tmp_path, size=NARROW) as it:
        await it.press("question_mark")
        await it.see("Take a snapshot of the vm")
        await it.pilot.resize_terminal(40, 10)
        await it.still()
        await it.pilot.resize_terminal(*WIDE)
        await it.see("Take a snapshot of the vm (or of all marked ones, as one moment)")


SITE_VM = VmRef("kvm-rack7", "x")


def entry(second: int, state: str, text: str, *, what: str = "step", vm: str = "web-01") -> Entry:
    return Entry(datetime(2026, 3, 14, 15, 0, second, tzinfo=UTC), "abc123", SITE_VM, vm, what, state, text)


ENTRIES = [
    entry(9, "failed", "no space left on [bold]device[/bold]", what="job", vm="db-01"),
    entry(7, "thawed", "", what="freeze"),
    entry(5, "frozen", "", what="freeze"),
    entry(3, "begun", "cut vda"),
    entry(1, "asked", "Take snapshot “now”", what="job"),
]


async def test_log_of_a_job_that_is_run_meanwhile(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm = await it.go_to("web-01")
        await it.press("l")
        await it.see("Nothing was done yet.")
        await it.press("escape", "s")
        await it.see("Take")
        await it.until(lambda: "Reading what is so" not in it.text)
        await it.press("enter")
        await it.until(it.app.engine.jobs.all)
        (job,) = it.app.engine.jobs.all()
        await it.press("l")
        await it.app.engine.jobs.wait(job.id)
        await it.see("✓ done", "► begun", "▹ asked", job.plan.title, f"kvm-rack7/web-01 · job {job.id}")
        assert job.plan.request.vm == vm


async def test_lines_filter_and_cursor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(tmp_path) as it:
        entries = list(ENTRIES)

        async def read(limit: int) -> list[Entry]:
            return entries[:limit]

        monkeypatch.setattr(it.app.engine.journal, "entries", read)
        await it.press("l")
        await it.see(" 2026-03-14 15:00:09  db-01", "✗ failed", "no space left on [bold]device[/bold]", "❆ frozen")
        await it.press("down", "down")
        lines = it.app.screen.query_one(LogLines)
        assert lines.entry == ENTRIES[2]
        entries.insert(0, entry(11, "done", "another", what="job"))
        screen = it.app.screen
        assert isinstance(screen, LogScreen)
        screen.read()
        await it.see("another")
        assert lines.entry == ENTRIES[2]
        await it.press("slash")
        await it.type("web-01 frozen")
        await it.until(lambda: lines.count == 1)
        assert lines.entry == ENTRIES[2]
        await it.type(" nothing")
        await it.see("Nothing fits “web-01 frozen nothing”.", "esc clears the filter.")
        await it.press("enter", "escape")
        await it.until(lambda: lines.count == len(entries))
        assert not it.app.screen.query_one(Input).display
        await it.press("escape")
        assert isinstance(it.app.screen, MainScreen)


async def test_journal_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        it.app.engine.journal.caution = "The journal cannot be used."
        await it.press("l")
        await it.see("▲ The journal cannot be used.")


async def test_jobs_that_an_earlier_run_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = datetime(2026, 3, 13, 9, 30, tzinfo=UTC)
    cut = CutOff("abc", SITE_VM, "web-01", "Take snapshot “x”", "cut vda", began, froze=True)
    async with stage(tmp_path) as it:
        left = [cut, replace(cut, vm_name="[b]db[/b]", step="", now="the snapshot is there")]
        monkeypatch.setattr(Engine, "cut_off", property(lambda _: left))
        await it.press("l")
        await it.see(
            "╳ cut off 2026-03-13 09:30:00  web-01: Take snapshot “x”, during “cut vda”: it is being looked into",
            "╳ cut off 2026-03-13 09:30:00  [b]db[/b]: Take snapshot “x”: the snapshot is there",
        )


async def test_many_jobs_that_were_cut_off_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But each guest that may stand frozen by itself."""
    began = datetime(2026, 3, 13, 9, 30, tzinfo=UTC)
    cut = CutOff("0", SITE_VM, "web-01", "Restore snapshot “x”", "", began, froze=False, now="it had not begun")
    left = [replace(cut, job=str(number), vm_name=f"web-{number:02}") for number in range(12)]
    left.append(replace(cut, job="frozen", vm_name="db-01", froze=True))
    async with stage(tmp_path) as it:
        monkeypatch.setattr(Engine, "cut_off", property(lambda _: left))
        told = list(Outcomes(it.app.engine).new(()))
    assert [each.title for each in told] == ["Cut off: db-01: Restore snapshot “x”", "Cut off: 13 jobs"]
