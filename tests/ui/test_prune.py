"""The prune screen: judged at each key, and nothing goes without a deliberate yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ui.stage import NARROW, stage
from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.ui.screens.group import GroupScreen
from vmsnap_tui.ui.screens.prune import PruneScreen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.ui.stage import Stage


async def opened(it: Stage) -> PruneScreen:
    await it.go_to("web-02")
    await it.press("P")
    await it.see("Prune web-02", "What is kept of each VM", "goes")
    await it.press("tab", "tab", "end", "backspace", "0")  # days
    screen = it.app.screen
    assert isinstance(screen, PruneScreen)
    await it.until(lambda: screen.result)
    return screen


async def test_what_goes_is_gone(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, speed=1000) as it:
        screen = await opened(it)
        await it.still()
        picture(it, "prune-wide")
        doomed = {each.id for each in screen.result[0].doomed}
        assert doomed
        ref = screen.result[0].vm.ref
        await it.press("enter")
        await it.type(f"delete {len(doomed)}")
        await it.press("enter")
        await it.until(lambda: isinstance(it.app.screen, GroupScreen))
        await it.see(f"{len(doomed)} of {len(doomed)} deleted")
        await it.press("escape")
        await it.until(lambda: it.app.screen is it.main)
        assert not doomed & {each.id for each in it.snapshots(ref)}


async def test_all_numbers_at_nothing_is_no_policy(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, size=NARROW) as it:
        screen = await opened(it)
        await it.press("shift+tab", "shift+tab")
        for _ in range(6):
            await it.press("end", "backspace", "tab")
        await it.see("Keep something: else all would go.", "Not possible")
        await it.still()
        picture(it, "prune-narrow")
        await it.press("enter")
        assert it.app.screen is screen


async def test_one_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: object) -> None:
        raise Unreachable("nobody is there")

    async with stage(tmp_path) as it:
        await it.go_to("web-02")
        monkeypatch.setattr(it.platforms["kvm-rack7"], "survey", silent)
        await it.press("P")
        await it.see("web-02: nobody is there", "Not possible")


async def test_nothing_to_delete_is_no_refusal(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("files-01")
        await it.press("P")
        await it.see("Nothing goes.", "Nothing to delete")
        assert "Not possible" not in it.text


async def test_several_are_summed_up(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        for name in ("web-01", "web-02", "web-03"):
            await it.go_to(name)
            await it.press("space")
        await it.press("P")
        await it.see("Prune 3 VMs")
        await it.press("end", "backspace", "1", "tab")
        for _ in range(2):
            await it.press("tab", "end", "backspace", "0")
        await it.see("7 snapshots of 2 VMs go, which", "Type delete 7")
