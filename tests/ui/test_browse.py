"""Looking around: choose, filter, mark, sort, fold, tabs, palette, themes; a refresh moves nothing."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.ui.stage import NARROW, PATIENCE, WIDE, stage
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.ui.inventory_rows import SiteKey
from vmsnap_tui.ui.screens.themes import ThemeScreen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ui.stage import Stage
    from vmsnap_tui.model.snapshot import Snapshot


@pytest.mark.parametrize(("name", "size"), [("wide", WIDE), ("narrow", NARROW)])
async def test_the_first_screen(
    tmp_path: Path, picture: Callable[[Stage, str], None], name: str, size: tuple[int, int]
) -> None:
    async with stage(tmp_path, size=size) as it:
        await it.go_to("db-prod-01")
        if name == "wide":
            await it.see("PostgreSQL primary")
        await it.still()
        picture(it, f"main-{name}")


async def test_moving_shows_another_vm_and_its_snapshots(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        first = it.main.inventory.key
        await it.press("j")
        assert it.main.inventory.key != first
        await it.go_to("db-prod-01")
        await it.see("before-upgrade-16", "PostgreSQL primary")
        await it.press("enter")
        assert it.main.graph.has_focus
        await it.press("k", "enter")
        assert it.main.details.has_focus
        await it.see("◆ filesystem", "Worth")
        await it.press("escape", "escape")
        assert it.main.inventory.has_focus


async def test_what_is_passed_in_a_row_is_not_shown_until_a_key_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        monkeypatch.setattr("vmsnap_tui.ui.rest.ROW", 3600.0)
        await it.press("j", "j")
        await it.still()
        assert str(it.main.graph.border_title).startswith("db-prod-01")
        await it.press("enter")
        assert it.main.graph.has_focus
        assert isinstance(it.main.inventory.key, VmRef)
        vm = it.app.engine.store.vm(it.main.inventory.key)
        assert vm
        assert str(it.main.graph.border_title).startswith(vm.name)


async def test_details_of_snapshots_passed_in_a_row_wait_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        await it.press("tab")
        filled: list[Snapshot | None] = []
        monkeypatch.setattr(it.main._reader, "fill_vm", lambda _, snapshot: filled.append(snapshot))
        monkeypatch.setattr("vmsnap_tui.ui.rest.ROW", 3600.0)
        it.main._snapshot_rest._moved = float("-inf")
        await it.press("k", "k", "k")
        assert [each.name for each in filled if each] == ["nightly"]
        await it.press("tab")
        assert filled[-1] == it.main.graph.snapshot
        assert filled[-1] != filled[0]


async def test_a_key_before_the_cursor_rests_is_not_about_the_snapshot_of_the_vm_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        await it.press("tab", "k", "escape")
        assert it.main.graph.snapshot
        assert it.main.inventory.has_focus
        monkeypatch.setattr("vmsnap_tui.ui.rest.ROW", 3600.0)
        monkeypatch.setattr(it.main._vm_rest, "_soon", 3600.0)
        await it.press("j", "r")
        assert it.app.screen is it.main
        assert "Choose a snapshot first" in it.toasts
        assert it.main.graph.snapshot is None


async def test_the_filter_is_live_and_esc_clears_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        everything = it.main.inventory.shown
        await it.press("slash")
        await it.type("student")
        await it.until(lambda: it.main.inventory.shown == 12)
        await it.press("enter")
        assert it.main.inventory.has_focus
        await it.press("slash")
        await it.type(" state:off")
        await it.until(lambda: 0 < it.main.inventory.shown < 12)
        await it.press("escape")
        await it.until(lambda: it.main.inventory.shown == everything)
        assert it.main.inventory.has_focus


async def test_a_filter_that_nothing_fits_says_what_to_do(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.press("slash")
        await it.type("zzz")
        await it.see("Nothing fits “zzz”.", "esc clears the filter.", "No VM is chosen.")
        assert "No sites" not in it.text


async def test_marks_fold_and_sort(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        inventory = it.main.inventory
        first = inventory.key
        await it.press("space", "space")
        assert len(inventory.marked) == 2
        assert first in inventory.marked
        await it.see("✓ 2")
        await it.press("g", "left")
        assert inventory.key == SiteKey("kvm-rack7")
        assert not any(isinstance(key, VmRef) and key.site == "kvm-rack7" for key in inventory.rows)
        await it.press("right", "o", "o", "o")
        await it.see("by count")

        def first_count() -> int:
            ref = inventory.rows[inventory.rows.index(SiteKey("kvm-rack7")) + 1]
            assert isinstance(ref, VmRef)
            return len(it.snapshots(ref))

        await it.until(lambda: first_count() == 200)  # counts come in after the names


async def test_a_refresh_moves_neither_cursor_nor_scroll(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        ref = await it.go_to("student-07")
        await it.still()
        inventory, graph = it.main.inventory, it.main.graph
        await it.press("tab", "k")
        standing, top, row = graph.snapshot, inventory.scroll_offset.y, inventory.cursor
        assert standing
        it.world().outside_take(ref, "from-outside")
        await it.see("from-outside")
        assert graph.snapshot is not None
        assert graph.snapshot.id == standing.id
        gone = await it.app.engine.find("analytics-01")
        it.world().vanish(gone.ref)
        await it.until(lambda: gone.ref not in inventory.rows)
        assert inventory.key == ref
        assert inventory.cursor == row - 1
        assert inventory.cursor - inventory.scroll_offset.y == row - top or inventory.scroll_offset.y == 0
        await it.press("u")
        await it.still()
        assert inventory.key == ref


async def test_tabs_of_the_details(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        await it.press("2")
        await it.see("vda · ", "active")
        await it.press("3")
        await it.see("recommended", "worth")
        await it.press("4")
        await it.see("<domain")
        it.main.details.focus()
        await it.press("y")
        assert it.app.clipboard.startswith("<domain")
        await it.press("right_square_bracket")
        await it.see("PostgreSQL primary")


async def test_advice_has_commands_to_copy(tmp_path: Path) -> None:
    async with stage(tmp_path, size=(120, 60)) as it:
        await it.go_to("legacy-erp")
        await it.press("3")
        await it.see("why not")
        it.main.details.focus()
        await it.press("G")
        await it.see("To get better ones", "Give it a channel for the guest")
        await it.press("y")
        assert "# Install and start the guest agent, inside the guest\nsudo apt-get" in it.app.clipboard
        await it.press("1", "y")
        await it.see("There is nothing to copy here.")


@pytest.mark.parametrize(
    ("tab", "question", "words"),
    [("2", "survey", "vda · "), ("3", "facts", "recommended"), ("4", "source", "<dom")],
)
async def test_details_stay_until_the_newer_answer_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tab: str, question: str, words: str
) -> None:
    async with stage(tmp_path) as it:
        vm = await it.go_to("db-prod-01")
        await it.press(tab)
        await it.see(words)
        platform = it.platforms["kvm-rack7"]
        answer, asked, let_go = getattr(platform, question), Event(), Event()

        def slow(*of: object) -> object:
            asked.set()
            assert let_go.wait(PATIENCE)
            return answer(*of)

        monkeypatch.setattr(platform, question, slow)
        try:
            it.world().outside_take(vm, "outside", "")
            await it.until(asked.is_set, "to be asked anew")
            assert words in it.text
            assert "Reading…" not in it.text
        finally:
            let_go.set()


async def test_the_palette_goes_to_a_vm(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.press("ctrl+p")
        await it.type("mail-01")
        await it.see("Go to this VM")
        await it.press("down", "enter")
        await it.until(lambda: str(it.main.graph.border_title).startswith("mail-01"))


async def test_a_theme_is_tried_and_left_or_kept(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.press("T")
        assert isinstance(it.app.screen, ThemeScreen)
        await it.press("down")
        await it.until(lambda: it.app.theme != "dark")
        tried = it.app.theme
        await it.press("escape")
        assert it.app.theme == "dark"
        await it.press("T", "down", "enter")
        assert it.app.theme == tried
        assert "config file" in it.toasts


async def test_keys_of_the_user(tmp_path: Path) -> None:
    async with stage(tmp_path, keys={"zoom": "f9"}) as it:
        await it.press("f9")
        await it.see("Inventory 1/4")
        await it.press("z")
        await it.see("Inventory 1/4")
        await it.press("f9")
        await it.until(lambda: "1/4" not in it.text)


async def test_all_by_mouse(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        inventory = it.main.inventory
        await it.pilot.click("#inventory", offset=(8, 6))
        assert inventory.cursor == 6
        await it.pilot.click("#inventory", offset=(8, 7), times=2)
        await it.until(lambda: it.main.graph.has_focus)
        await it.pilot.click("#inventory", offset=(1, 3))
        assert inventory.rows[3] in inventory.marked
        await it.pilot.click("#details", offset=(18, 0))
        await it.until(lambda: it.main.details.tab.value == "Chain")
