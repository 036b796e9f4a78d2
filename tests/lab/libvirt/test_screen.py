"""The app on a real libvirt: what others do is seen soon, and all goes by keys."""

from __future__ import annotations

import asyncio
import json
import time
from statistics import median
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import SITE, app_at, ref, until
from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.ui.screens.chain import ChainScreen
from vmsnap_tui.ui.screens.main import MainScreen
from vmsnap_tui.ui.screens.plan import PlanScreen
from vmsnap_tui.ui.widgets.confirm_bar import ConfirmBar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.libvirt.lab import Guest, Lab
    from tests.ui.stage import Stage

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

SECOND = 1.0
TRIES = 5


@pytest.fixture(scope="module")
def guest(lab: Lab) -> Guest:
    return lab.boot("shown")


async def seen_after(it: Stage, change: Callable[[], object], *words: str, gone: str = "") -> float:
    """Seconds from the end of a change by somebody else until the screen shows it."""
    await asyncio.to_thread(change)
    done = time.monotonic()
    await it.until(
        lambda: all(word in it.text for word in words) and not (gone and gone in it.text), f"{words} {gone} gone"
    )
    return time.monotonic() - done


async def test_what_others_do_is_on_the_screen_within_a_second(
    lab: Lab, guest: Guest, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    def virsh(*arguments: str) -> Callable[[], str]:
        return lambda: lab.virsh(*arguments)

    async with app_at(lab, tmp_path) as it:
        await it.go_to(guest.name)
        await it.see("running")
        took: dict[str, list[float]] = {"taken": [], "deleted": [], "paused": [], "resumed": []}
        for number in range(TRIES):
            name = f"other-{number}"
            take = virsh("snapshot-create-as", guest.name, name, "--disk-only", "--atomic")
            took["taken"].append(await seen_after(it, take, name))
            took["paused"].append(await seen_after(it, virsh("suspend", guest.name), "you are here", "‖ paused"))
            took["resumed"].append(await seen_after(it, virsh("resume", guest.name), "● running"))
            delete = virsh("snapshot-delete", guest.name, name)
            took["deleted"].append(await seen_after(it, delete, gone=name))
    for what, seconds in took.items():
        record_property(what, f"p50 {median(seconds):.2f} s, max {max(seconds):.2f} s")
    print({what: f"p50 {median(seconds):.2f} s, max {max(seconds):.2f} s" for what, seconds in took.items()})  # noqa: T201
    assert all(median(seconds) < SECOND for seconds in took.values()), took


async def confirm(it: Stage) -> None:
    await it.until(lambda: it.app.screen.query(ConfirmBar) and it.app.screen.query_one(ConfirmBar).ready, "ready")
    await it.press("enter")
    await it.until(lambda: isinstance(it.app.screen, MainScreen), "back")


async def ask(it: Stage, key: str) -> None:
    await it.press(key)
    await it.until(lambda: not isinstance(it.app.screen, MainScreen), "a dialogue")
    await it.until(lambda: getattr(it.app.screen, "plan", None), "a plan")


async def choose(it: Stage, name: str) -> None:
    """Go to a snapshot in the graph, from its top down."""
    while not it.main.graph.has_focus:
        await it.press("tab")
    await it.press("g")
    for _ in range(it.main.graph.count):
        if (chosen := it.main.graph.snapshot) and chosen.name == name:
            return
        await it.press("j")
    raise AssertionError(f"no {name} in the graph\n{it.text}")


async def done(it: Stage, count: int) -> None:
    jobs = it.app.engine.jobs
    await it.until(lambda: sum(job.state.is_over for job in jobs.all()) == count, "the job")
    assert jobs.all()[-1].state is JobState.DONE, jobs.all()[-1].error


async def test_by_keys(lab: Lab, guest: Guest, tmp_path: Path) -> None:
    vm = ref(guest)
    async with app_at(lab, tmp_path) as it:
        await it.go_to(guest.name)
        for number, name in enumerate(("first", "second"), start=1):
            await ask(it, "s")
            await it.type(name)
            await confirm(it)
            await done(it, number)
            await it.see(name, "filesystem")
        boot = guest.boot_id()

        await choose(it, "first")
        await ask(it, "r")
        await it.see("what runs in the guest now ends")
        await it.press("enter")
        await it.type(guest.name)
        await confirm(it)
        await done(it, 3)
        # A safety snapshot is offered and taken, and what ran runs again, on the disks of then.
        await it.see("first  ◂ current", "● running", "before-restore-")
        await until(guest.agent_answers, "the agent")
        assert guest.boot_id() != boot
        assert not guest.repaired()
        [safety] = {snapshot.name for snapshot in it.snapshots(vm)} - {"first", "second"}

        await choose(it, safety)
        await ask(it, "d")
        await it.press("enter")
        await it.type(guest.name)
        await confirm(it)
        await done(it, 4)
        await it.until(lambda: len(it.snapshots(vm)) == 2, "the store")
        await it.until(lambda: safety not in "\n".join(it.lines[:-4]), "the graph")
    assert lab.virsh("snapshot-list", guest.name, "--name").split() == ["first", "second"]


async def test_a_chain_is_made_shorter_by_keys(lab: Lab, tmp_path: Path) -> None:
    guest = lab.boot("stacked")
    try:
        for name in ("first", "second", "third"):
            lab.virsh("snapshot-create-as", guest.name, name, "--disk-only", "--atomic")
        async with app_at(lab, tmp_path) as it:
            await it.go_to(guest.name)
            await it.until(lambda: len(it.snapshots(ref(guest))) == 3, "the snapshots")
            await it.press("c")
            await it.see("4 layers", "Nothing is wrong")
            await it.press("f")
            await it.until(lambda: isinstance(it.app.screen, PlanScreen) and it.app.screen.plan, "the plan")
            await it.until(lambda: it.app.screen.query_one(ConfirmBar).ready, "ready")
            await it.press("enter")
            await it.until(lambda: isinstance(it.app.screen, ChainScreen), "back")
            await done(it, 1)
            await it.see("· 1 layer ·")
            assert isinstance(it.app.screen, ChainScreen)
            [active] = [row.layer.place for row in it.app.screen.stacks._rows if row.layer and not row.layer.aside]
        said = json.loads(lab.tool("qemu-img", "info", "-U", "--backing-chain", "--output=json", active))
        assert [each["filename"] for each in said] == [active]
        assert guest.agent_answers()
    finally:
        guest.destroy()


async def test_keys_are_answered_while_the_daemon_is_away(lab: Lab, guest: Guest, tmp_path: Path) -> None:
    async with app_at(lab, tmp_path) as it:
        await it.go_to(guest.name)
        lab.kill_daemon()
        try:
            await it.until(lambda: it.app.engine.store.sites[SITE].status is SiteStatus.LOST, "the loss")
            await it.see("lost")
            answered = []
            for key in (
                "tab",
                "j",
                "k",
                "g",
                "G",
                "2",
                "3",
                "1",
                "z",
                "z",
                "slash",
                "escape",
                "question_mark",
                "escape",
            ):
                begin = time.monotonic()
                await it.press(key)
                answered.append(time.monotonic() - begin)
            assert median(answered) < SECOND / 4, answered  # a call that hangs would hold up each of them
        finally:
            lab.start_daemon()
        await it.until(lambda: it.app.engine.store.sites[SITE].status is SiteStatus.ONLINE, "the return")
        await it.until(lambda: "lost" not in it.text, "no word of the loss")
        await it.go_to(guest.name)
        await seen_after(it, lambda: lab.virsh("suspend", guest.name), "‖ paused")
        lab.virsh("resume", guest.name)
