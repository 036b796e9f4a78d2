"""Short ways to write down snapshots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vmsnap_tui.model.snapshot import SnapRef, Snapshot
from vmsnap_tui.model.vm import VmRef

if TYPE_CHECKING:
    from collections.abc import Mapping

VM = VmRef("site", "vm")
START = datetime(2025, 1, 1, tzinfo=UTC)


def snapshot(id_: str, parent: str | None = None, hour: int = 0) -> Snapshot:
    """One taken `hour` hours after START."""
    return Snapshot(SnapRef(VM, id_), name=id_, created=START + timedelta(hours=hour), parent=parent)


def family(text: str) -> list[Snapshot]:
    """ "a b<a c<b*": one snapshot a word, one hour apart, below its parent, the current one with a star."""
    found = []
    for hour, word in enumerate(text.split()):
        id_, _, parent = word.rstrip("*").partition("<")
        found.append(replace(snapshot(id_, parent or None, hour), current=word.endswith("*")))
    return found


def from_parents(parents: Mapping[int, int | None], current: int | None = None) -> list[Snapshot]:
    """Numbered snapshots, one hour apart."""
    return [
        replace(snapshot(str(number), None if parent is None else str(parent), number), current=number == current)
        for number, parent in parents.items()
    ]
