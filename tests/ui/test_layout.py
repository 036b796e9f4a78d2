"""Wide, narrow, tiny, and from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ui.stage import NARROW, WIDE, stage
from vmsnap_tui.ui.widgets.details import Tab

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ui.stage import Stage


async def test_narrow_shows_one_pane_and_tab_goes_round(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, size=NARROW) as it:
        await it.go_to("db-prod-01")
        for title, name in (("Snapshots 2/4", "graph"), ("Details 3/4", "details"), ("Jobs 4/4", "jobs")):
            await it.press("tab")
            await it.see(title)
            if name == "details":
                await it.see("PostgreSQL primary")
            await it.still()
            picture(it, f"narrow-{name}")
        await it.press("tab")
        await it.see("Inventory 1/4")
        await it.press("shift+tab")
        await it.see("Jobs 4/4")


async def test_resized_to_tiny_and_back_keeps_all(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        ref = await it.go_to("db-prod-01")
        await it.press("3", "tab", "k", "k")
        await it.see("recommended")
        await it.still()
        chosen = it.main.graph.snapshot
        before = it.lines
        for size in ((40, 10), NARROW, (20, 5), (200, 60)):
            await it.pilot.resize_terminal(*size)
            await it.until(lambda size=size: it.app.screen.size == size)  # type: ignore[misc]
            await it.press("j", "k")
        await it.pilot.resize_terminal(*WIDE)
        await it.until(lambda: it.lines == before, "the same picture")
        assert it.main.inventory.key == ref
        assert it.main.graph.snapshot == chosen
        assert it.main.graph.has_focus
        assert it.main.details.tab is Tab.ADVICE


async def test_tiny(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, size=(40, 10)) as it:
        await it.go_to("db-prod-01")
        await it.still()
        picture(it, "tiny")


async def test_zoom(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        await it.press("tab", "z")
        await it.see("Snapshots 2/4", "external")
        await it.press("tab")
        await it.see("Details 3/4")
        await it.press("escape")
        await it.until(lambda: "3/4" not in it.text)


@pytest.mark.parametrize("key", ["l", "question_mark"])
async def test_log_and_help_open_and_close(tmp_path: Path, key: str) -> None:
    async with stage(tmp_path) as it:
        await it.press(key)
        await it.until(lambda: it.app.screen is not it.main)
        await it.press("escape")
        await it.until(lambda: it.app.screen is it.main)


async def test_every_theme_draws_and_is_switched_live(tmp_path: Path) -> None:
    async with stage(tmp_path, theme="light") as it:
        await it.go_to("db-prod-01")
        grounds = set()
        for theme in it.app.theme_names:
            it.app.theme = theme
            await it.still()
            assert "nightly" in it.text
            strip = it.app.screen._compositor.render_strips()[3]
            grounds |= {segment.style.bgcolor for segment in strip if segment.style}
        assert len(grounds) >= len(it.app.theme_names)


async def test_a_theme_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with stage(tmp_path, theme="plaid") as it:
        assert it.app.theme == "dark"
        await it.until(lambda: "no theme “plaid”" in it.toasts)
