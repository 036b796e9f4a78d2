"""The chain screen: both sides light each other up, what is wrong is said, and merges go through a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ui.stage import NARROW, WIDE, stage
from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.model.layer import LayerKind
from vmsnap_tui.model.plan import Merge, MergeHow
from vmsnap_tui.ui.screens.chain import ChainScreen
from vmsnap_tui.ui.screens.plan import PlanScreen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ui.stage import Stage


async def opened(it: Stage, vm: str = "db-prod-01") -> ChainScreen:
    await it.go_to(vm)
    await it.press("c")
    await it.until(lambda: isinstance(it.app.screen, ChainScreen) and it.app.screen.stacks.row, "the chains")
    screen = it.app.screen
    assert isinstance(screen, ChainScreen)
    return screen


@pytest.mark.parametrize(("name", "size"), [("wide", WIDE), ("narrow", NARROW)])
async def test_the_picture(
    tmp_path: Path, picture: Callable[[Stage, str], None], name: str, size: tuple[int, int]
) -> None:
    async with stage(tmp_path, size=size) as it:
        await opened(it, "legacy-erp")
        await it.still()
        picture(it, f"chain-{name}")


async def test_each_side_lights_the_other(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it)
        row = screen.stacks.row
        assert row
        assert row.layer
        assert row.layer.kind is LayerKind.ACTIVE
        await it.press("j")
        assert screen.stacks.row
        assert screen.stacks.row.layer
        needed = set(screen.stacks.row.layer.snapshots)
        assert needed
        assert screen.graph._lit == needed
        await it.press("shift+tab")
        assert screen.graph.has_focus
        assert screen.stacks._lit == frozenset()
        await it.press("k")
        chosen = screen.graph.snapshot
        assert chosen
        assert screen.stacks._lit == {chosen.id}
        await it.see(f"what “{chosen.name}” needs", "frees")


async def test_the_chosen_snapshot_is_lit_from_the_start(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        await it.press("tab", "k", "k")
        chosen = it.main.graph.snapshot
        assert chosen
        await it.press("c")
        screen = it.app.screen
        assert isinstance(screen, ChainScreen)
        assert screen.stacks._lit == {chosen.id}


async def test_what_is_wrong_is_said_with_what_mends_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it, "legacy-erp")
        await it.see("legacy-erp has internal and external snaps")
        await it.press("tab", "G")
        assert screen.findings.has_focus
        await it.see("mixed-tree", "Risks", "side by side")
        await it.press("escape")
        assert it.app.screen is it.main


async def test_a_merge_is_asked_for_and_its_plan_is_shown(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it)
        files = [row.layer for row in screen.stacks._rows if row.layer and not row.layer.aside]
        await it.press("j", "m")
        await it.until(lambda: isinstance(it.app.screen, PlanScreen) and it.app.screen.plan)
        plan = it.app.screen
        assert isinstance(plan, PlanScreen)
        assert plan.plan
        assert plan.plan.request == Merge(screen._vm.ref, "vda", MergeHow.COMMIT, files[1].place, files[1].below)
        await it.press("escape")
        await it.press("f")
        await it.until(lambda: isinstance(it.app.screen, PlanScreen) and it.app.screen.plan)
        flatten = it.app.screen
        assert isinstance(flatten, PlanScreen)
        assert flatten.plan
        assert flatten.plan.request == Merge(screen._vm.ref, "vda", MergeHow.FLATTEN)
        await it.see("merges them by itself")


async def test_nothing_is_merged_where_nothing_may_change(tmp_path: Path) -> None:
    async with stage(tmp_path, read_only=True) as it:
        await opened(it)
        await it.press("f")
        await it.until(lambda: "Read-only" in it.toasts)
        assert isinstance(it.app.screen, ChainScreen)


async def test_the_last_layer_goes_nowhere(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await opened(it, "ci-runner-02")
        await it.press("m")
        await it.until(lambda: "the last layer" in it.toasts)


async def test_places_are_copied(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it)
        await it.press("y")
        row = screen.stacks.row
        assert row
        assert row.layer
        assert it.app.clipboard == row.layer.place


async def test_it_follows_the_vm(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        screen = await opened(it)
        before = screen.stacks.count
        it.world().outside_take(screen._vm.ref, "from-outside")
        await it.until(lambda: screen.stacks.count > before, "one more layer")
        assert screen.stacks.row
        await it.see("from-outside")


async def test_a_site_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: object) -> None:
        raise Unreachable("nobody is there", "look at the cable")

    async with stage(tmp_path) as it:
        monkeypatch.setattr(it.platforms["kvm-rack7"], "survey", silent)
        await it.go_to("db-prod-01")
        await it.press("c")
        await it.see("nobody is there", "look at the cable", "cannot be judged")


async def test_the_delete_dialogue_says_what_it_frees(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        await it.press("tab", "k", "k", "d")
        await it.see("This frees", "(estimate)")
        await it.press("escape")
