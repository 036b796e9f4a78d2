"""The space screen: all sites, four groupings, and from a heap to its vm."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from tests.ui.stage import NARROW, PATIENCE, stage
from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.model.space import By, space
from vmsnap_tui.ui.screens.space import SpaceScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import pytest

    from tests.ui.stage import Stage
    from vmsnap_tui.model.space import Use
    from vmsnap_tui.model.survey import Survey


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


async def test_keys_are_answered_while_it_adds_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = Event()

    def slow(surveys: Mapping[str, Survey], by: By, now: datetime) -> Sequence[Use]:
        assert by is not By.SNAPSHOT or let_go.wait(PATIENCE)
        return space(surveys, by, now)

    async with stage(tmp_path) as it:
        await it.press("S")
        await it.see("Space by vm", "blue-postgres", "legacy-erp", "shop-db")
        monkeypatch.setattr("vmsnap_tui.ui.screens.space.space", slow)
        try:
            await it.press("o")
            await it.see("Space by snapshot · adding up…")
            await it.press("o")
            await it.see("Space by age · adding up…")
        finally:
            let_go.set()
        await it.see("Space by age", "in all", "this week")
