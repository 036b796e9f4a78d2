"""What stands in the inventory, line by line. Pure: what is known in, keys of rows out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from vmsnap_tui.model.vm import VmRef, VmState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from vmsnap_tui.engine.jobs import JobState
    from vmsnap_tui.engine.store import SiteView
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.vm import Vm


@dataclass(frozen=True, slots=True)
class VmEntry:
    """A vm with what the inventory shows beside it.

    `snapshots` is None while they have not been read, `job` the state of its job that is not over.
    """

    vm: Vm
    snapshots: int | None = None
    newest: datetime | None = None
    freeze: Freeze | None = None
    job: JobState | None = None


class SiteKey(NamedTuple):
    """The row of a site."""

    site: str


class GroupKey(NamedTuple):
    """The row of a group of vms on a site."""

    site: str
    group: str


class NoteKey(NamedTuple):
    """A line of words under a site. `tone` is a style name."""

    site: str
    line: int
    tone: str
    text: str


Key = SiteKey | GroupKey | VmRef | NoteKey
"""What names a row, whatever its place is."""


class Sort(Enum):
    """In which order vms stand within their group."""

    NAME = "name"
    STATE = "state"
    AGE = "age"  # of the newest snapshot, newest first
    COUNT = "count"  # of snapshots, most first

    @property
    def next(self) -> Sort:
        """The one that comes after it."""
        members = list(Sort)
        return members[(members.index(self) + 1) % len(members)]


_STATE_RANKS = {state: rank for rank, state in enumerate(VmState)}


@lru_cache(maxsize=65536)
def natural(name: str) -> str:
    """A sort key that puts vm-2 before vm-10."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(20), name.casefold())


def _by_name(entry: VmEntry) -> tuple[str, str, str]:
    return entry.vm.group, natural(entry.vm.name), entry.vm.ref.id


def _by_state(entry: VmEntry) -> tuple[str, int, str]:
    return entry.vm.group, _STATE_RANKS[entry.vm.state], natural(entry.vm.name)


def _by_age(entry: VmEntry) -> tuple[str, float, str]:
    return entry.vm.group, -entry.newest.timestamp() if entry.newest else 0.0, natural(entry.vm.name)


def _by_count(entry: VmEntry) -> tuple[str, int, str]:
    return entry.vm.group, -(entry.snapshots or 0), natural(entry.vm.name)


_ORDERS: Mapping[Sort, Callable[[VmEntry], tuple[str, float | str, str]]] = {
    Sort.NAME: _by_name,
    Sort.STATE: _by_state,
    Sort.AGE: _by_age,
    Sort.COUNT: _by_count,
}


def matcher(text: str) -> Callable[[VmEntry], bool]:
    """What a filter lets through: all its words must fit.

    A word fits a name, title, group, tag or state; `state:off`, `agent:…`, `site:…`, `group:…`, `tag:…` ask for one.
    """
    words = text.casefold().split()

    def fits(entry: VmEntry) -> bool:
        vm = entry.vm
        for word in words:
            field, colon, value = word.partition(":")
            if colon and field in {"state", "agent", "site", "group", "tag"}:
                parts = {
                    "state": (vm.state.value,),
                    "agent": (vm.agent.value,),
                    "site": (vm.ref.site,),
                    "group": (vm.group,),
                    "tag": vm.tags,
                }[field]
                if not any(part.casefold().startswith(value) for part in parts):
                    return False
            elif word not in "\n".join((vm.name, vm.title, vm.group, vm.state.value, *vm.tags)).casefold():
                return False
        return True

    return fits


def arrange(
    sites: Iterable[SiteView],
    entries: Mapping[str, Mapping[VmRef, VmEntry]],
    *,
    folded: Collection[Key],
    sort: Sort,
    text: str,
    notes: Callable[[SiteView], Sequence[NoteKey]],
) -> tuple[list[Key], dict[Key, int]]:
    """The keys of all rows, and how many vms each site and group shows.

    A filter opens what is folded and leaves out sites where nothing fits.
    """
    rows: list[Key] = []
    counts: dict[Key, int] = {}
    fits = matcher(text) if text.strip() else None
    for view in sites:
        site = SiteKey(view.site.name)
        known = entries.get(site.site, {})
        shown = [entry for entry in known.values() if fits(entry)] if fits else list(known.values())
        counts[site] = len(shown)
        if fits and not shown:
            continue
        rows.append(site)
        if not fits:
            rows.extend(notes(view))
            if site in folded:
                continue
        shown.sort(key=_ORDERS[sort])
        for group, members in groupby(shown, key=attrgetter("vm.group")):
            refs = [entry.vm.ref for entry in members]
            if group:
                key = GroupKey(site.site, group)
                counts[key] = len(refs)
                rows.append(key)
                if key in folded and not fits:
                    continue
            rows.extend(refs)
    return rows, counts
