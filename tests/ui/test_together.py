"""A snapshot of several marked vms: one dialogue, one yes, one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ui.stage import NARROW, stage
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.ui.screens.group import GroupScreen
from vmsnap_tui.ui.screens.together import TogetherScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.ui.stage import Stage
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import VmRef


async def opened(it: Stage, *names: str) -> tuple[TogetherScreen, Sequence[VmRef]]:
    """The dialogue about these vms."""
    refs = []
    for name in names:
        refs.append(await it.go_to(name))
        await it.press("space")
    await it.press("s")
    await it.see(f"Snapshot of {len(names)} VMs", "as one moment", "take part")
    assert isinstance(it.app.screen, TogetherScreen)
    return it.app.screen, refs


def newest(it: Stage, ref: VmRef) -> Snapshot:
    return max(it.snapshots(ref), key=lambda each: each.created)


async def test_two_sites_as_one_moment(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, speed=20) as it:
        _, refs = await opened(it, "db-prod-01", "shop-frontend")
        await it.see("2 stand frozen until all are cut.", "wait for the others")
        await it.still()
        picture(it, "together-wide")
        await it.press("enter")
        await it.until(lambda: isinstance(it.app.screen, GroupScreen))
        await it.see("2 of 2 taken as one moment")
        await it.press("escape")
        taken = [newest(it, ref) for ref in refs]
        assert {each.consistency for each in taken} == {Consistency.FILESYSTEM}
        groups = {each.group for each in taken}
        assert len(groups) == 1
        assert all(group and group.is_one_moment for group in groups)
        await it.until(lambda: it.app.screen is it.main)
        await it.go_to("db-prod-01")
        await it.press("tab", "G", "k")
        await it.see("≡ together", "Of one moment with others")


async def test_two_that_cannot_be_frozen_are_no_moment(tmp_path: Path) -> None:
    """It is said before, and of what came of it."""
    async with stage(tmp_path, speed=50) as it:
        _, refs = await opened(it, "db-prod-02", "shop-frontend", "edge-proxy-1")
        await it.see("not be one moment")
        await it.press("enter")
        await it.see("not at one moment")
        assert all(group and not group.is_one_moment for group in (newest(it, ref).group for ref in refs))


async def test_each_by_itself(tmp_path: Path) -> None:
    async with stage(tmp_path, speed=1000) as it:
        screen, refs = await opened(it, "web-01", "web-03")
        await it.press("tab", "tab", "down")
        await it.until(lambda: screen.query_one("#limit").disabled)
        await it.press("enter")
        await it.see("2 of 2 taken")
        assert [newest(it, ref).group for ref in refs] == [None, None]


async def test_none_that_can_be_frozen(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await opened(it, "edge-proxy-1", "blue-test")
        await it.see("No guest is frozen.", "cannot be frozen by us")


async def test_a_limit_that_is_none(tmp_path: Path, picture: Callable[[Stage, str], None]) -> None:
    async with stage(tmp_path, size=NARROW) as it:
        screen, _ = await opened(it, "db-prod-01", "shop-frontend")
        await it.press("tab", "tab", "tab", "end", "backspace", "backspace", "0")
        await it.see("The limit is a number of seconds from 1 to 600", "Not possible")
        await it.still()
        picture(it, "together-narrow")
        await it.press("enter")
        assert it.app.screen is screen
