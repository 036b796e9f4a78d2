"""The compare screen: a snapshot with now, two marked ones, and what cannot be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ui.stage import NARROW, stage
from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.ui.screens.compare import CompareScreen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.ui.stage import Stage


async def test_a_snapshot_with_now(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        await it.press("enter", "g", "equals_sign")
        await it.see("db-prod-01: installed → now", "there all along, at most", "-   <vcpu>4</vcpu>")
        await it.still()
        picture(it, "compare-wide")
        await it.press("y")
        assert "+   <vcpu>8</vcpu>" in it.app.clipboard
        await it.press("escape")
        assert it.app.screen is it.main


async def test_two_marked_ones(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, size=NARROW) as it:
        await it.go_to("db-prod-01")
        await it.press("enter", "g", "space", "space", "equals_sign")
        await it.see("db-prod-01: installed → postgres-15", "the same, but for what the platform changes")
        await it.still()
        picture(it, "compare-narrow")
        await it.press("escape", "g", "space", "j", "equals_sign")
        await it.see("db-prod-01: postgres-15 → before-upgrade-16")
        await it.press("escape", "space", "space", "equals_sign")
        assert not isinstance(it.app.screen, CompareScreen)
        await it.see("More than two snapshots are marked")


async def test_a_site_that_fails_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise Unreachable("nobody is there", "look at the network")

    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        monkeypatch.setattr(it.platforms["kvm-rack7"], "definition", silent)
        await it.press("enter", "g", "equals_sign")
        await it.see("nobody is there", "look at the network")
        await it.press("y")
        await it.see("There is no difference to copy.")
