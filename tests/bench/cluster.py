"""A large cluster with a real API server, against kubectl's own list of it.

`python -m tests.bench.cluster CONTEXT` runs the app on it until it has read all. It prints the resident memory in MB,
and for each line on its standard input, the name of a snapshot, the seconds of the epoch at which that was painted.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from tests.bench.figure import Figure, Skipped, percentile
from tests.bench.processes import ROOT, environment, python, seconds
from tests.bench.sink import LEAVE_AT
from tests.lab.openshift.lab import LabUnavailableError, OpenShiftLab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.ui.screens.main import MainScreen

_VMS, _SNAPSHOTS = 5000, 10
_FIRST, _ALL, _MB, _PACE = 0.2, 1.0, 250, 300
"""The most of each: two ratios, the memory, milliseconds."""
_CHANGES = 40
_PATIENCE = 600.0
_NAMESPACE, _VM = "many-1", "vm-00001"
"""One that is off."""
_PAGE: Final = 4096


def openshift(folder: Path) -> Iterator[Figure | Skipped]:
    """First rows, all of it, memory, and how soon a change is seen."""
    try:
        with OpenShiftLab() as lab:
            lab.many(_VMS, _SNAPSHOTS)
            yield from _figures(lab, folder)
    except LabUnavailableError as error:
        yield Skipped("a large cluster", str(error))


def _figures(lab: OpenShiftLab, folder: Path) -> Iterator[Figure]:
    env = environment(folder, **lab.environment)
    site = f"openshift:{lab.context}"
    kubectl = [str(lab.kubectl), "get", "vms,vmsnapshots", "-A", "-o", "json"]
    whole = python("vmsnap_tui", "-c", site, "ls", "--snapshots", "--json")
    seconds(whole, env, _PATIENCE)  # whoever lists first waits until the API server has taken up so much that is new
    ours = seconds(whole, env, _PATIENCE)
    first = seconds(python("vmsnap_tui", "-c", site), env | {LEAVE_AT: "vm-0"}, _PATIENCE)
    theirs = seconds(kubectl, env, _PATIENCE)
    against = "kubectl get vms,vmsnapshots -A -o json"
    size = f"{_VMS:,} vms × {_SNAPSHOTS} snapshots"
    yield Figure(f"start to first rows of {size}", first * 1000, theirs * 1000, against, most=_FIRST)
    yield Figure(f"all of {size}", ours * 1000, theirs * 1000, against, most=_ALL)
    held, taken, asked = _followed(lab, site, env)
    empty = float(subprocess.check_output(python("tests.bench.memory", "empty"), env=env, cwd=ROOT, timeout=_PATIENCE))
    yield Figure("memory of the app that holds it", held, empty, "empty Textual app", "MB", _MB, is_absolute=True)
    yield Figure(
        "from a new snapshot to the screen, p95", percentile(taken, 0.95), percentile(asked, 0.95),
        "the request that makes it", most=_PACE, is_absolute=True,
    )  # fmt: skip


def _followed(lab: OpenShiftLab, site: str, env: dict[str, str]) -> tuple[float, list[float], list[float]]:
    """The app's memory in MB; milliseconds from each request to the paint, and to the request's answer."""
    child = subprocess.Popen(
        python("tests.bench.cluster", site), env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin
    assert child.stdout
    held = float(child.stdout.readline())
    taken, asked = [], []
    for number in range(_CHANGES):
        name = f"seen-{number:02}"
        child.stdin.write(f"{name}\n")
        child.stdin.flush()
        child.stdout.readline()  # it looks out for that one now
        began = time.time()
        source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": _VM}
        metadata = {"name": name, "namespace": _NAMESPACE}
        item = {"kind": "VirtualMachineSnapshot", "metadata": metadata, "spec": {"source": source}}
        lab.api.create("virtualmachinesnapshots", item)
        asked.append((time.time() - began) * 1000)
        taken.append((float(child.stdout.readline()) - began) * 1000)
    child.communicate(timeout=_PATIENCE)
    return held, taken, asked


async def _serve(address: str) -> None:
    from tests.bench.whole import running, sink_of
    from vmsnap_tui.engine.discovery import ad_hoc
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.ui.app import VmsnapApp
    from vmsnap_tui.ui.screens.main import MainScreen

    out = sys.stdout  # that, since Textual puts another in its place
    site = ad_hoc(address)
    with TemporaryDirectory() as state:
        engine = Engine([site], state=Path(state))
        async with running(VmsnapApp(engine)) as app:
            await engine.loaded(snapshots=True)
            print(_resident(), file=out, flush=True)
            screen = app.screen
            assert isinstance(screen, MainScreen)
            screen.go_to_vm(VmRef(site.name, f"{_NAMESPACE}/{_VM}"))
            while line := await asyncio.to_thread(sys.stdin.readline):
                painted = sink_of(app).next_paint(partial(_shows, screen, line.strip()))
                print("ready", file=out, flush=True)
                await asyncio.wait_for(painted, _PATIENCE)
                print(time.time(), file=out, flush=True)


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 1e6


def _shows(screen: MainScreen, name: str) -> bool:
    return any(snapshot.name == name for snapshot in screen.graph.forest.snapshots.values())


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
