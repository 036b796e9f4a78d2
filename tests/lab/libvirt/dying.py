"""A group snapshot whose program dies: `python -m tests.lab.libvirt.dying URI STATE WRITE SIGNAL LIMIT NAME...`.

It is sent SIGNAL just before its WRITE-th change reaches the journal (0: never, and then it says how many there were).
On its standard output stands the process id of the watchdog that it started.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.libvirt.proofs import SITE
from vmsnap_tui.engine import taking
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.engine.guard import Guard
from vmsnap_tui.engine.journal import Journal
from vmsnap_tui.model.vm import PlatformKind, Site

if TYPE_CHECKING:
    from collections.abc import Sequence


def die_before(write: int, number: int) -> count[int]:
    """Have this process killed before its so many-th change of the journal. The numbers of changes to come."""
    numbers = count(1)
    execute = Journal._execute

    def counted(self: Journal, sql: str, values: Sequence[str | int]) -> list[tuple[object, ...]]:
        if not sql.startswith("SELECT") and next(numbers) == write:
            os.kill(os.getpid(), number)
        return execute(self, sql, values)

    Journal._execute = counted  # type: ignore[method-assign]
    return numbers


def tell_watchdogs() -> None:
    """Write down each watchdog that is started."""
    start = Guard._start

    def told(self: Guard) -> str:
        said = start(self)
        assert self._process is not None
        print(self._process.pid, flush=True)  # noqa: T201
        return said

    Guard._start = told  # type: ignore[method-assign]


async def take(uri: str, state: Path, limit: float, names: Sequence[str]) -> None:
    """One group snapshot of these vms."""
    engine = Engine([Site(SITE, PlatformKind.LIBVIRT, uri)], state=state, follow=False)
    await engine.start()
    vms = [await engine.find(name) for name in names]
    shares = taking.planned(await taking.read(engine, vms), "doomed", group=taking.fresh_id())
    await engine.groups.wait(taking.begin(engine, "doomed", shares, limit=limit).id)
    await engine.stop()


if __name__ == "__main__":
    uri, state, write, number, limit, *names = sys.argv[1:]
    writes = die_before(int(write), int(number))
    tell_watchdogs()
    asyncio.run(take(uri, Path(state), float(limit), names))
    print(f"writes {next(writes) - 1}", flush=True)  # noqa: T201
