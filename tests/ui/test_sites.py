"""Sites that are lost, closed, empty or not there, and names that mean harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING

from tests.ui.stage import NOW, stage
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import Vm, VmRef, VmState
from vmsnap_tui.ui.screens.main import MainScreen
from vmsnap_tui.ui.screens.take import TakeScreen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.ui.stage import Stage
    from vmsnap_tui.model.survey import Survey
    from vmsnap_tui.platforms.demo.platform import DemoPlatform

SITE = "kvm-rack7"


def status(it: Stage) -> SiteStatus:
    return it.app.engine.store.sites[SITE].status


async def test_a_lost_site_says_so_and_comes_back(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        ref = await it.go_to("db-prod-01")
        it.world().lose("the cable was cut")
        await it.until(lambda: status(it) is SiteStatus.LOST)
        await it.see("↯ kvm-rack7 lost")
        await it.until(lambda: "the cable was cut" in it.toasts)
        assert it.main.inventory.key == ref
        await it.press("s")
        await it.until(lambda: "does not answer now" in it.toasts)
        assert isinstance(it.app.screen, MainScreen)
        it.world().regain()
        await it.until(lambda: status(it) is SiteStatus.ONLINE)
        await it.until(lambda: "kvm-rack7 lost" not in it.text)
        assert it.main.inventory.key == ref


async def test_a_site_that_cannot_be_opened_leaves_the_others_alone(tmp_path: Path) -> None:
    def break_it(platforms: dict[str, DemoPlatform]) -> None:
        platforms[SITE].world.lose("nobody at home")

    async with stage(tmp_path, prepare=break_it) as it:
        await it.see("failed", "nobody at home", "openshift-prod")
        await it.go_to("pay-gateway")
        await it.press("g")
        await it.see("What is wrong")
        it.world().regain()
        await it.press("u")
        await it.until(lambda: status(it) is SiteStatus.ONLINE)
        await it.see("db-prod-01")


async def test_a_site_that_is_polled_shows_how_old_it_is(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        store = it.app.engine.store
        for age, words in ((timedelta(seconds=8), "· 8 s ago"), (timedelta(minutes=5), "· 5 m ago")):
            store.put_site(replace(store.sites[SITE], looked=NOW - age))
            await it.see(words)


async def test_a_slow_answer_is_waited_for_and_not_asked_for_anew(tmp_path: Path) -> None:
    asked: list[VmRef] = []
    answer = Event()

    def slow(platforms: dict[str, DemoPlatform]) -> None:
        survey = platforms[SITE].survey

        def wait(vms: Sequence[VmRef] | None) -> Survey:
            asked.extend(vms or ())
            answer.wait(30)
            return survey(vms)

        platforms[SITE].survey = wait  # type: ignore[method-assign]

    async with stage(tmp_path, prepare=slow) as it:
        ref = await it.go_to("db-prod-01")
        await it.press("2")
        await it.until(lambda: ref in asked)
        store = it.app.engine.store
        for seconds in range(5):  # a sign of life of the site is nothing new of the vm
            store.put_site(replace(store.sites[SITE], heard=NOW + timedelta(seconds=seconds)))
            await it.pilot.pause(0.2)
        answer.set()
        await it.see("active")
        assert asked.count(ref) == 1


async def test_an_empty_site_and_none_at_all(tmp_path: Path) -> None:
    def empty(platforms: dict[str, DemoPlatform]) -> None:
        world = platforms[SITE].world
        for page in list(world.pages()):
            for vm in page:
                world.vanish(vm.ref)

    async with stage(tmp_path / "one", prepare=empty) as it:
        await it.see("No VMs here yet.")
    async with stage(tmp_path / "none", sites=[], wait=False) as it:
        await it.see("No sites.", "vmsnap -c URI")
        await it.press("j", "k", "space", "enter", "o", "tab", "tab", "2", "3", "s", "slash")
        assert isinstance(it.app.screen, MainScreen)


HOSTILE = [
    "[bold red]not markup[/]",
    "[@click=app.quit]click[/]",
    "<a href='x'>&amp;\"quotes\"",
    "two\nlines\tand\ra return",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "emoji 😀 and 日本語",
    "right-to-left \u202eevil",
    "x" * 200,
]


async def test_hostile_names_are_shown_and_do_nothing(tmp_path: Path) -> None:
    refs = [VmRef(SITE, f"hostile-{number}") for number in range(len(HOSTILE))]

    def put(platforms: dict[str, DemoPlatform]) -> None:
        world = platforms[SITE].world
        for ref, name in zip(refs, map(clean, HOSTILE), strict=True):
            world.put(Vm(ref, name, VmState.OFF, title=name, description=name, tags=(name,)))
            world.outside_take(ref, name, name)

    async with stage(tmp_path, prepare=put) as it:
        for ref, name in zip(refs, map(clean, HOSTILE), strict=True):
            it.main.go_to_vm(ref)
            await it.until(lambda ref=ref: [s.ref.vm for s in it.main.graph.forest.snapshots.values()] == [ref])  # type: ignore[misc]
            await it.until(lambda name=name: it.text.count(name[:8]) >= 3)  # type: ignore[misc]
            await it.press("tab", "k", "3", "2", "1", "s")
            await it.until(lambda: isinstance(it.app.screen, TakeScreen) and it.app.screen.plan)
            await it.press("escape")
            await it.until(lambda: isinstance(it.app.screen, MainScreen))
            assert "\x1b" not in it.text
