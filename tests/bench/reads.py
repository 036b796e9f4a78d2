"""How long it takes to read a site in full, beside a loop that does nothing but ask.

`python -m tests.bench.reads URI` prints the seconds of both, of several turns: of computing, which is all that there
is where libvirt's driver is in the process, and which other programs on the machine do not lengthen.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench import domains
from tests.bench.figure import Figure
from tests.bench.processes import ROOT, environment, python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_TURNS = 5
_MOST = 1.3


def full_read(folder: Path) -> Iterator[Figure]:
    """All vms and all their snapshots."""
    uri = domains.write(folder / "full.xml", domains=1000, snapshots=10)
    command = python("tests.bench.reads", uri)
    done = subprocess.run(command, env=environment(folder), cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=120)
    turns: list[tuple[float, float]] = json.loads(done.stdout)
    ours, bare = (1000 * median(times) for times in zip(*turns, strict=True))
    yield Figure("full read, 1,000 domains × 10 snapshots", ours, bare, "bare libvirt-python loop", most=_MOST)


def _compare(uri: str) -> list[tuple[float, float]]:
    from vmsnap_tui.model.vm import PlatformKind, Site
    from vmsnap_tui.platforms.libvirt.platform import LibvirtPlatform

    site = Site("bench", PlatformKind.LIBVIRT, uri)
    platform = LibvirtPlatform(site)
    platform.open()
    conn = platform._connection.raw

    def ours() -> int:
        found = [vm for page in platform.vms() for vm in page]
        return sum(len(snapshots) for snapshots in platform.snapshots([vm.ref for vm in found]).values())

    def bare() -> int:
        return _ask(conn)

    turns = [(_seconds(ours), _seconds(bare)) for _ in range(_TURNS)]
    platform.close()
    return turns


def _ask(conn: Any) -> int:
    """The calls that nobody can do without; what they answer is kept and not looked into."""
    answers = []
    for domain in conn.listAllDomains():
        answers.append((domain.XMLDesc(), domain.info()))
        answers.extend(snapshot.getXMLDesc() for snapshot in domain.listAllSnapshots())
    return sum(isinstance(answer, str) for answer in answers)


def _seconds(read: Callable[[], int]) -> float:
    gc.collect()
    began = time.thread_time()
    count = read()
    passed = time.thread_time() - began
    if count != 10_000:
        raise RuntimeError(f"{count} snapshots were read")
    return passed


if __name__ == "__main__":
    json.dump(_compare(sys.argv[1]), sys.stdout)
