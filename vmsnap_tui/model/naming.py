"""Names that vmsnap proposes for snapshots, and words that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from vmsnap_tui.model.snapshot import Snapshot

_LONGEST_TO_TYPE = 30


def fresh_name(
    now: datetime, taken: Collection[str], *, prefix: str = "", called: Callable[[str], str] = lambda name: name
) -> str:
    """A name by date and time in the zone of `now` that none of `taken` has: 2026-03-02-1405, then …-2, …-3.

    `called` is what a name is made before it is used (`Facts.called`).
    """
    name, number = f"{prefix}{now:%Y-%m-%d-%H%M}", 2
    found = called(name)
    while found in taken:
        found, number = called(f"{name}-{number}"), number + 1
    return found


def fresh_snapshot_name(
    now: datetime, snapshots: Iterable[Snapshot], *, prefix: str = "", called: Callable[[str], str] = lambda name: name
) -> str:
    """The same, where none of these snapshots of the vm is called or identified by it."""
    taken = {text for each in snapshots for text in (each.id, each.name)}
    return fresh_name(now, taken, prefix=prefix, called=called)


def word_to_type(vm_name: str, vm_id: str) -> str:
    """What has to be typed before a vm loses data: its name, or a short word where that cannot well be typed."""
    name = clean(vm_name)
    if name.isascii() and name.isprintable() and 0 < len(name) <= _LONGEST_TO_TYPE and name == name.strip():
        return name
    return f"yes-{vm_id[:4]}" if vm_id.isascii() and vm_id.isprintable() else "yes"
