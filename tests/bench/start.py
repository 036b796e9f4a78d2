"""How long commands take from the start of their process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import domains
from tests.bench.figure import Figure, Skipped
from tests.bench.plain import HELLO
from tests.bench.processes import NO_VIRSH, environment, python, race, virsh
from tests.bench.sink import LEAVE_AT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RUNS = 5


def app_start(folder: Path) -> Iterator[Figure | Skipped]:
    """To the first rows of the inventory on the screen."""
    uri = domains.write(folder / "thousand.xml", domains=1000, snapshots=0)
    contestants = [
        (python("vmsnap_tui", "-c", uri), environment(folder, **{LEAVE_AT: "vm-00001"})),
        (python("tests.bench.plain"), environment(folder, **{LEAVE_AT: HELLO})),
    ]
    if found := virsh():
        contestants.append(([found[0], "-c", uri, "list", "--all"], environment(folder, **found[1])))
    ours, empty, *listed = race(_RUNS, *contestants)
    what = "start to first rows, 1,000 domains"
    yield Figure(what, ours, empty, "start of an empty Textual app")
    yield Figure(what, ours, listed[0], "virsh list --all") if listed else Skipped(what, NO_VIRSH)


def tree(folder: Path) -> Iterator[Figure | Skipped]:
    """The snapshots of a vm on the command line."""
    what = "tree VM --json, 200 snapshots"
    found = virsh()
    if not found:
        yield Skipped(what, NO_VIRSH)
        return
    uri = domains.write(folder / "tree.xml", domains=1, snapshots=200)
    ours, theirs = race(
        _RUNS,
        (python("vmsnap_tui", "-c", uri, "tree", "vm-00000", "--json"), environment(folder)),
        ([found[0], "-c", uri, "snapshot-list", "vm-00000", "--tree"], environment(folder, **found[1])),
    )
    yield Figure(what, ours, theirs, "virsh snapshot-list --tree")
