"""A large project on a real OpenStack, against the lists of its own command line.

`python -m tests.bench.cloud SITE` runs the app on it until it has read all and been idle for a while. It prints since
when it was idle, until when (seconds of the epoch), and the peak of its resident memory in MB.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.bench.figure import Figure, Skipped
from tests.bench.processes import ROOT, environment, python, race
from tests.bench.sink import LEAVE_AT
from tests.lab.openstack import packages
from tests.lab.openstack.lab import OTHER, LabUnavailableError, OpenStackLab

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVERS, _IMAGES, _SNAPS = 500, 1000, 1000
_RUNS = 2
_MOST = 0.4
_PATIENCE = 600.0
_SETTLE, _IDLE = 60.0, 180.0
"""Seconds after which it has calmed down, and for which it is then watched."""
_LISTS = ("server list --long", "volume snapshot list --long", "image list --long")


def openstack(folder: Path) -> Iterator[Figure | Skipped]:
    """First rows, all of it, requests while nothing moves, memory."""
    try:
        with OpenStackLab() as lab:
            lab.seed_large(OTHER, servers=_SERVERS, images=_IMAGES, snapshots=_SNAPS)
            yield from _figures(lab, folder)
    except LabUnavailableError as error:
        yield Skipped("a large project on OpenStack", str(error))


def _figures(lab: OpenStackLab, folder: Path) -> Iterator[Figure]:
    env = environment(folder, **lab.environment | {"OS_CLOUD": OTHER.cloud})
    site, client = f"openstack:{OTHER.cloud}", packages.client()
    size = f"{_SERVERS} servers, {_SNAPS:,} volume snapshots, {_IMAGES:,} images"
    with lab.counting() as requests:
        subprocess.run(python("vmsnap_tui", "-c", site, "ls", "--snapshots", "--json"), env=env, cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL, timeout=_PATIENCE)  # fmt: skip
    first, ours, listed, theirs = race(
        _RUNS,
        (python("vmsnap_tui", "-c", site), env | {LEAVE_AT: "scale-"}),
        (python("vmsnap_tui", "-c", site, "ls", "--snapshots", "--json"), env),
        ([str(client), *_LISTS[0].split()], env),
        (["sh", "-e", "-c", "; ".join(f"{client} {words}" for words in _LISTS)], env),
        patience=_PATIENCE,
    )
    yield Figure("start to first rows of as many", first, listed, "openstack server list --long")
    yield Figure(f"all of {size}", ours, theirs, "openstack server, volume snapshot and image list", most=_MOST)
    done = subprocess.check_output(python("tests.bench.cloud", site), env=env, cwd=ROOT, timeout=_PATIENCE)
    idle, until, peak = json.loads(done)
    asked = [each for each in lab.requests(since=idle) if each.time < until and each.agent.startswith("vmsnap")]
    minutes = (until - idle) / 60
    yield Figure("requests while nothing moves", len(asked) / minutes, len(requests), "one full read", "a minute")
    empty = float(subprocess.check_output(python("tests.bench.memory", "empty"), env=env, cwd=ROOT, timeout=_PATIENCE))
    yield Figure("peak memory of the app on it", peak, empty, "empty Textual app", "MB")


async def _be_idle(address: str) -> tuple[float, float, float]:
    from tests.bench.memory import peak
    from tests.bench.whole import running
    from vmsnap_tui.engine.discovery import ad_hoc
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.ui.app import VmsnapApp

    with TemporaryDirectory() as state:
        engine = Engine([ad_hoc(address)], state=Path(state))
        async with running(VmsnapApp(engine)):
            await engine.loaded(snapshots=True)
            await asyncio.sleep(_SETTLE)
            began = time.time()
            await asyncio.sleep(_IDLE)
            return began, time.time(), peak()


if __name__ == "__main__":
    json.dump(asyncio.run(_be_idle(sys.argv[1])), sys.stdout)
