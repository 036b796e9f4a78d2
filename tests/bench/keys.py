"""How long it takes from a key to the repainted screen.

`python -m tests.bench.keys inventory|graph|timeline|list` runs one app. For each line on its standard input, a number
of keys and a seed, it prints the milliseconds that each of these keys took. A key comes from a thread, as from a
terminal: what the app is busy with at that moment is waited for, too. What other programs on the machine had the core
for meanwhile is left out, and a key does not count where they made the app late for it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from textual import events
from textual.widgets import OptionList

from tests.bench.figure import Figure, Skipped, percentile
from tests.bench.plain import ListApp
from tests.bench.processes import ROOT, environment, python
from tests.bench.scale import ref_of
from tests.bench.whole import running, sink_of, whole_app
from vmsnap_tui.ui.screens.main import MainScreen
from vmsnap_tui.ui.screens.timeline import TimelineScreen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from textual.app import App

_ROUNDS, _KEYS = 15, 20
_MOST = 1.5
_MANY, _FEW = 10_000, 3
_PAUSES = (0.02, 0.15)
"""Seconds between keys in a row, from one that is held to one that is tapped; any length between as likely. The first
of each round finds everything at rest."""
_TURN_AFTER = 45  # keys in one direction: near the end of the 50 rows, of which 36 are seen
_LATE = 20.0
"""Milliseconds that the app may have waited for a core since the key before: after more, what rests and what is on the
way is not what the pauses say."""
_TRIES = 10  # for each key that counts
_PATIENCE = 30.0
_WHAT = {
    "inventory": "key in an inventory of 10,000 VMs",
    "graph": "key in 10,000 snapshots",
    "timeline": "moment moved over 2,000 VMs × 50 snapshots",
}


def keys(folder: Path) -> Iterator[Figure | Skipped]:
    """The middle and the slow end, in the inventory and in the graph."""
    apps = ("list", *_WHAT)
    taken: dict[str, list[float]] = {name: [] for name in apps}
    with ExitStack() as stack:
        children = {name: stack.enter_context(_child(name, folder)) for name in apps}
        for seed in range(_ROUNDS):
            for name, child in children.items():
                taken[name] += _ask(child, seed)
        for child in children.values():
            child.communicate(timeout=_PATIENCE)
    for name, what in _WHAT.items():
        if min(len(taken[name]), len(taken["list"])) < _ROUNDS * _KEYS / 2:
            yield Skipped(what, "other programs on the machine made most keys late")
            continue
        for mark, fraction in (("p50", 0.5), ("p95", 0.95)):
            ours, base = (percentile(taken[each], fraction) for each in (name, "list"))
            yield Figure(f"{what}, {mark}", ours, base, "stock list of 50 rows, empty app", most=_MOST)


def _child(name: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        python("tests.bench.keys", name),
        env=environment(folder),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ask(child: subprocess.Popen[str], seed: int) -> list[float]:
    assert child.stdin
    assert child.stdout
    child.stdin.write(f"{_KEYS} {seed}\n")
    child.stdin.flush()
    answer: list[float] = json.loads(child.stdout.readline())
    return answer


async def _serve(name: str, out: TextIO) -> None:
    clock = _Clock()
    async with _APPS[name]() as (app, place):
        turns = _directions(("left", "right") if name == "timeline" else ("down", "up"))
        while line := await asyncio.to_thread(sys.stdin.readline):
            count, seed = map(int, line.split())
            pauses = random.Random(seed)
            times: list[float] = []
            for _ in range(count * _TRIES):
                late, passed = await _press(app, next(turns), place, pauses.uniform(*_PAUSES), clock)
                times += [passed] if late <= _LATE else []
                if len(times) == count:
                    break
            out.write(json.dumps(times) + "\n")
            out.flush()


def _directions(keys: tuple[str, str]) -> Iterator[str]:
    while True:
        for key in keys:
            for _ in range(_TURN_AFTER):
                yield key


class _Clock:
    """Goes on while the thread that made it works or sleeps, and stands while that waits for a core."""

    def __init__(self) -> None:
        self._waits = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self.last = self.waited()

    def waited(self) -> float:
        """For how long in all, in milliseconds; 0 where the kernel does not tell. May be asked in any thread."""
        return int(self._waits.read_text(encoding="ascii").split()[1]) / 1e6 if self._waits.exists() else 0.0


async def _press(
    app: App[int] | App[None], key: str, place: Callable[[], object], pause: float, clock: _Clock
) -> tuple[float, float]:
    """Milliseconds that the app has waited for a core since the key before, and those from the key to the paint that
    shows the cursor elsewhere."""
    loop, before = asyncio.get_running_loop(), place()
    painted = sink_of(app).next_paint(lambda: place() != before)

    def press() -> tuple[float, float]:
        time.sleep(pause)
        waited, began = clock.waited(), time.perf_counter()
        loop.call_soon_threadsafe(app.post_message, events.Key(key, None))
        return waited, began

    pressing = asyncio.ensure_future(asyncio.to_thread(press))
    await asyncio.wait_for(painted, _PATIENCE)
    ended, waited_then = time.perf_counter(), clock.waited()
    waited, began = await pressing
    late, clock.last = waited - clock.last, waited
    return late, (ended - began) * 1000 - (waited_then - waited)


_Served = tuple["App[int] | App[None]", "Callable[[], object]"]


@asynccontextmanager
async def _list() -> AsyncIterator[_Served]:
    async with running(ListApp()) as app:
        options = app.query_one(OptionList)
        options.focus()
        options.highlighted = 0
        # At every thirtieth key the garbage collector would go through all that is loaded, which makes the slow end of
        # this a matter of chance. What is compared with it has no such grace.
        gc.collect()
        gc.freeze()
        yield app, lambda: options.highlighted


@asynccontextmanager
async def _inventory() -> AsyncIterator[_Served]:
    async with whole_app(vms=_MANY, snapshots=_FEW, tall=_FEW) as app:
        screen = app.screen
        assert isinstance(screen, MainScreen)
        screen.go_to_vm(ref_of(_MANY // 2))
        yield app, lambda: screen.inventory.cursor


@asynccontextmanager
async def _graph() -> AsyncIterator[_Served]:
    async with whole_app(vms=_MANY, snapshots=_FEW, tall=_MANY) as app:
        screen = app.screen
        assert isinstance(screen, MainScreen)
        screen.go_to_vm(ref_of(0))
        while screen.graph.count < _MANY:  # noqa: ASYNC110 - there is no event for what is drawn
            await asyncio.sleep(0.01)
        screen.graph.focus()
        screen.graph.cursor = _MANY // 2
        yield app, lambda: screen.graph.cursor


@asynccontextmanager
async def _timeline() -> AsyncIterator[_Served]:
    async with whole_app(vms=2_000, snapshots=50, tall=50) as app:
        app.post_message(events.Key("t", "t"))
        while not (isinstance(app.screen, TimelineScreen) and app.screen.summary):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        screen = app.screen
        assert len(screen.line.histories) == 2_000
        yield app, lambda: screen.line.moment


_APPS = {"list": _list, "inventory": _inventory, "graph": _graph, "timeline": _timeline}

if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.stdout))  # that, since Textual puts another in its place
