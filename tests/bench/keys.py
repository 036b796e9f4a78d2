"""How long it takes from a key to the repainted screen.

`python -m tests.bench.keys inventory|graph|timeline|list` runs one app. For each line on its standard input, a number
of keys and a seed, it prints the milliseconds that each of these keys took.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, TextIO

from textual import events
from textual.widgets import OptionList

from tests.bench.figure import Figure, percentile
from tests.bench.plain import ListApp
from tests.bench.processes import ROOT, environment, python
from tests.bench.scale import ref_of
from tests.bench.whole import running, sink_of, whole_app
from vmsnap_tui.ui.screens.main import MainScreen
from vmsnap_tui.ui.screens.timeline import TimelineScreen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from textual.app import App

_ROUNDS, _KEYS = 8, 20
_MOST = 1.5
_MANY, _FEW = 10_000, 3
_PAUSES = (0.02, 0.15)
"""Seconds between keys, from a key that is held to one that finds everything at rest; any length between as likely."""
_TURN_AFTER = 45  # keys in one direction: near the end of the 50 rows, of which 36 are seen
_PATIENCE = 30.0
_WHAT = {
    "inventory": "key in an inventory of 10,000 VMs",
    "graph": "key in 10,000 snapshots",
    "timeline": "moment moved over 2,000 VMs × 50 snapshots",
}


def keys(folder: Path) -> Iterator[Figure]:
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
    async with _APPS[name]() as (app, place):
        turns = _directions(("left", "right") if name == "timeline" else ("down", "up"))
        while line := await asyncio.to_thread(sys.stdin.readline):
            count, seed = map(int, line.split())
            pauses = random.Random(seed)
            times = [await _press(app, next(turns), place, pauses.uniform(*_PAUSES)) for _ in range(count)]
            out.write(json.dumps(times) + "\n")
            out.flush()


def _directions(keys: tuple[str, str]) -> Iterator[str]:
    while True:
        for key in keys:
            for _ in range(_TURN_AFTER):
                yield key


async def _press(app: App[int] | App[None], key: str, place: Callable[[], object], pause: float) -> float:
    """Milliseconds from the key to the paint that shows the cursor elsewhere."""
    await asyncio.sleep(pause)
    before = place()
    painted = sink_of(app).next_paint(lambda: place() != before)
    began = time.perf_counter()
    app.post_message(events.Key(key, None))
    await asyncio.wait_for(painted, _PATIENCE)
    return (time.perf_counter() - began) * 1000


_Served = tuple["App[int] | App[None]", "Callable[[], object]"]


@asynccontextmanager
async def _list() -> AsyncIterator[_Served]:
    async with running(ListApp()) as app:
        options = app.query_one(OptionList)
        options.focus()
        options.highlighted = 0
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
