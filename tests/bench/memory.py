"""How much memory the whole app takes at its peak.

`python -m tests.bench.memory whole|empty` runs one app and prints the peak of its resident memory in MB.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.figure import Figure
from tests.bench.processes import ROOT, environment, python

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 200


def memory(folder: Path) -> Iterator[Figure]:
    """Of a site that was read in full."""
    ours, empty = (
        float(
            subprocess.check_output(python("tests.bench.memory", app), env=environment(folder), cwd=ROOT, timeout=120)
        )
        for app in ("whole", "empty")
    )
    what = "peak memory, 10,000 VMs × 10 snapshots"
    yield Figure(what, ours, empty, "empty Textual app", "MB", _MOST, is_absolute=True)


async def _whole() -> float:
    from tests.bench.whole import whole_app

    async with whole_app(vms=10_000, snapshots=10, tall=10) as app:
        known = sum(len(app.engine.store.snapshots(vm.ref) or ()) for vm in app.engine.store.vms("bench"))
        if known != 100_000:
            raise RuntimeError(f"{known} snapshots were read")
        await asyncio.sleep(1)  # what is still to be painted
        return peak()


async def _empty() -> float:
    from tests.bench.plain import EmptyApp
    from tests.bench.whole import running

    async with running(EmptyApp()):
        return peak()


def peak() -> float:
    """In MB. Not from getrusage, which begins with what the parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run({"whole": _whole, "empty": _empty}[sys.argv[1]]())))
