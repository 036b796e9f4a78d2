"""The space screen: all sites, four groupings, and from a heap to its vm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ui.stage import NARROW, stage
from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.ui.screens.space import SpaceScreen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.ui.stage import Stage


async def test_all_groupings_and_to_a_vm(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path) as it:
        await it.press("S")
        assert isinstance(it.app.screen, SpaceScreen)
        await it.see("Space by vm", "blue-postgres", "legacy-erp", "shop-db")
        await it.still()
        picture(it, "space-wide")
        for by, words in (("snapshot", "frees"), ("age", "this week"), ("site", "kvm-rack7"), ("vm", "legacy-erp")):
            await it.press("o")
            await it.see(f"Space by {by}", words)
        await it.press("j", "enter")
        await it.until(lambda: it.app.screen is it.main)
        assert it.main.inventory.key is not None
        await it.until(lambda: "shop-db" in str(it.main.graph.border_title))


async def test_narrow(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, size=NARROW) as it:
        await it.press("S")
        await it.see("blue-postgres", "legacy-erp", "shop-db")
        await it.still()
        picture(it, "space-narrow")


async def test_a_site_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: object) -> None:
        raise Unreachable("nobody is there")

    async with stage(tmp_path) as it:
        monkeypatch.setattr(it.platforms["kvm-rack7"], "survey", silent)
        await it.press("S")
        await it.see("kvm-rack7: nobody is there", "blue-postgres")
        await it.press("escape")
        assert it.app.screen is it.main
