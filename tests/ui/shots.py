"""Makes the pictures of the README from the demo sites: `python -m tests.ui.shots [NAME…]`."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.ui.stage import NARROW, WIDE, Stage, stage
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.ui.screens.restore import RestoreScreen
from vmsnap_tui.ui.screens.take import TakeScreen
from vmsnap_tui.ui.screens.timeline import TimelineScreen
from vmsnap_tui.ui.widgets.lamp import is_lit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FOLDER = Path(__file__).parents[2] / "screenshots"
VM = "db-prod-01"


async def browse(it: Stage) -> None:
    """The main screen, a branching vm chosen."""
    await it.go_to(VM)
    await it.press("tab", "k", "k", "k")
    await it.see("index-brin", "Worth")


async def narrow(it: Stage) -> None:
    """The snapshots pane on 80 columns."""
    await it.go_to(VM)
    await it.press("tab")
    await it.see("2/4")


async def take(it: Stage) -> None:
    """The take dialogue."""
    await it.go_to(VM)
    await it.press("s")
    await it.until(lambda: isinstance(it.app.screen, TakeScreen) and it.app.screen.plan)
    await it.type("before-upgrade-17")


async def restore(it: Stage) -> None:
    """The plan of a restore, with what it loses."""
    await it.go_to(VM)
    await it.press("tab", "k", "k", "k")
    await it.until(lambda: it.main.graph.snapshot)
    await it.press("r")
    await it.until(lambda: isinstance(it.app.screen, RestoreScreen) and it.app.screen.plan)


async def running(it: Stage) -> None:
    """Two jobs at work: a memory snapshot with its progress, and a guest that stands frozen."""
    other = (await it.app.engine.find("dc-win-01")).ref
    for ref, worth, name in (
        (await it.go_to(VM), Consistency.MEMORY, "with-memory"),
        (other, Consistency.FILESYSTEM, "before-deploy"),
    ):
        facts = await it.app.engine.facts(ref)
        method = next(each for each in facts.methods() if each.consistency is worth and not each.refusals)
        await it.app.engine.jobs.submit(facts.plan(Take(ref, name, method=method.id)))
    await it.until(lambda: len(it.main.jobs.running) == 2)
    await it.until(lambda: any(is_lit(job.freeze) for job in it.main.jobs.running))
    await it.until(lambda: any(job.progress and job.progress.fraction and job.left for job in it.main.jobs.running))


async def chain(it: Stage) -> None:
    """What holds the data of a vm."""
    await it.go_to(VM)
    await it.press("c")
    await it.see("GiB for the guest")
    await it.press("j", "j", "j")


async def timeline(it: Stage) -> None:
    """Several vms on one line of time."""
    await it.app.engine.loaded(snapshots=True)
    await it.press("slash", *"-01", "enter", "t")
    await it.see("have a snapshot for it")
    await it.press(*["left_square_bracket"] * 4, "j", "j")
    screen = it.app.screen
    await it.until(lambda: isinstance(screen, TimelineScreen) and screen.is_at_rest)


async def back(it: Stage) -> None:
    """A group job at work."""
    await it.app.engine.loaded(snapshots=True)
    await it.press("slash", *"student", "enter", "t")
    await it.see("have a snapshot for it")
    await it.press("m")
    await it.type("-3 weeks")
    await it.press("enter", "enter")
    await it.see("Type restore 12")
    await it.type("restore 12")
    await it.press("enter")
    await it.until(lambda: it.app.engine.groups.all() and it.app.engine.groups.all()[0].done >= 5)


async def labs(it: Stage) -> None:
    """A lab that is being reset."""
    await it.app.engine.loaded(snapshots=True)
    await it.press("b")
    await it.see("networks-101", "student-12")
    await it.press("R")
    await it.see("Type reset 12")
    await it.type("reset 12")
    await it.press("enter")
    await it.until(lambda: it.app.engine.groups.all() and it.app.engine.groups.all()[0].done >= 5)
    await it.press("escape")
    await it.see("clean, agent answers")


async def together(it: Stage) -> None:
    """Several vms of several sites, to be taken as one moment."""
    await it.app.engine.loaded(snapshots=True)
    for name in (VM, "shop-frontend", "edge-proxy-1"):
        await it.go_to(name)
        await it.press("space")
    await it.press("s")
    await it.see("3 take part")


async def frozen(it: Stage) -> None:
    """The same at work: all stand still."""
    await together(it)
    await it.press("enter")
    await it.until(lambda: it.text.count("frozen") >= 2)


async def space(it: Stage) -> None:
    """What takes space."""
    await it.press("S")
    await it.see("blue-postgres", "legacy-erp", "shop-db")


async def compare(it: Stage) -> None:
    """What differs between a snapshot and now."""
    await it.go_to(VM)
    await it.press("enter", "g", "equals_sign")
    await it.see("there all along")


async def help_(it: Stage) -> None:
    """The help, made from the bindings."""
    await it.press("question_mark")
    await it.until(lambda: it.app.screen is not it.main)


async def log(it: Stage) -> None:
    """The log after some work."""
    for vm, name in ((VM, "before-patch"), ("web-01", "before-deploy")):
        ref = (await it.app.engine.find(vm)).ref
        facts = await it.app.engine.facts(ref)
        job = await it.app.engine.jobs.submit(facts.plan(Take(ref, name)))
        await it.app.engine.jobs.wait(job.id)
    await it.press("l")
    await it.until(lambda: "before-deploy" in it.text)


SHOTS: dict[str, tuple[Callable[[Stage], Awaitable[None]], tuple[int, int], str, float]] = {
    "main": (browse, WIDE, "dark", 200),
    "narrow": (narrow, NARROW, "dark", 200),
    "take": (take, WIDE, "dark", 200),
    "plan": (restore, WIDE, "dark", 200),
    "jobs": (running, WIDE, "dark", 0.1),
    "chain": (chain, WIDE, "dark", 200),
    "space": (space, WIDE, "dark", 200),
    "timeline": (timeline, WIDE, "dark", 200),
    "labs": (labs, WIDE, "dark", 1),
    "group": (back, WIDE, "dark", 1),
    "together": (together, WIDE, "dark", 200),
    "frozen": (frozen, WIDE, "dark", 0.5),
    "compare": (compare, WIDE, "dark", 200),
    "light": (browse, WIDE, "light", 200),
    "colour-blind": (browse, WIDE, "colour-blind", 200),
    "high-contrast": (browse, WIDE, "high-contrast", 200),
    "log": (log, WIDE, "dark", 200),
    "help": (help_, WIDE, "dark", 200),
}
"""What is done, at which size, in which theme, at which speed of the demo."""


async def shoot(names: list[str]) -> None:
    """Make these pictures, or all."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or SHOTS:
        act, size, theme, speed = SHOTS[name]
        with tempfile.TemporaryDirectory() as state:
            async with stage(Path(state), size=size, theme=theme, speed=speed) as it:
                await act(it)
                if name not in {"jobs", "group", "labs", "frozen"}:
                    await it.still()
                it.app.save_screenshot(f"{name}.svg", str(FOLDER))
                sys.stdout.write(f"{FOLDER / name}.svg\n")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.run(shoot(sys.argv[1:]))
