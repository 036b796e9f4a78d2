"""From libvirt's snapshot XML to the model. Pure.

A site may have 100,000 snapshots, each with a whole domain in its XML. What libvirt writes begins with all that is
needed here, in one layout: a pattern takes it from there for a tenth of what parsing the whole would cost. Whatever
does not look exactly so is parsed properly, and gives the same.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.libvirt.convert import disk_source, disks_of
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, number, parse, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.libvirt.notes import Notes

_HEAD = re.compile(
    r"<domainsnapshot>\n"
    r"  <name>([^<&\r]+)</name>\n"
    r"(?:  <description>([^<&\r]*)</description>\n)?"
    r"  <state>([a-z-]+)</state>\n"
    r"(?:  <parent>\n    <name>([^<&\r]+)</name>\n  </parent>\n)?"
    r"  <creationTime>([0-9]{1,11})</creationTime>\n"
    r"  <memory snapshot='([a-z]+)'(?: file='([^'&\r\n\t]*)')?/>\n"
    r"  (<disks>\n(?:    .*\n)+?  </disks>)\n"
    r"(?:  <revertDisks>\n(?:    .*\n)+?  </revertDisks>\n)?"
    r"  <domain "
)
_DISK_STATE = "disk-snapshot"  # a vm that ran or was paused, and whose memory was not taken
_STATES = {
    "running": VmState.RUNNING,
    "blocked": VmState.RUNNING,
    "paused": VmState.PAUSED,
    "shutdown": VmState.CHANGING,
    "shutoff": VmState.OFF,
    "crashed": VmState.CRASHED,
    "pmsuspended": VmState.SUSPENDED,
}
_KINDS = {"internal": SnapshotKind.INTERNAL, "external": SnapshotKind.EXTERNAL}
_EPOCH = datetime.fromtimestamp(0, UTC)


class Head(NamedTuple):
    """What a snapshot's XML says of itself, raw. `created` is in epoch seconds, `memory` "" where it says nothing."""

    name: str
    description: str
    state: str
    parent: str | None
    created: int
    memory: str
    memory_file: str
    disks: str  # the <disks> element as text


class Shape(NamedTuple):
    """What a snapshot is, apart from its name, time, place in the tree and text.

    `consistency` holds if the disks in `left_out`, which are not part of it, cannot be written to.
    """

    state: VmState
    kind: SnapshotKind
    consistency: Consistency
    memory: str | None
    disks: tuple[SnapshotDisk, ...]
    left_out: tuple[str, ...]


def snapshot_from_xml(
    text: str, vm: VmRef, listed_as: Callable[[], str], current: str | None, notes: Notes
) -> Snapshot:
    """A snapshot from its XML. Broken XML gives one that is not ready and says why.

    `listed_as` gives the name that libvirt lists it under, asked where the XML does not tell; `current` is the name
    of the vm's current snapshot and `notes` are the vm's.
    """
    try:
        head = read_head(text)
        created = datetime.fromtimestamp(head.created, UTC)
        shape = shape_of(head.state, head.memory, head.memory_file, head.disks)
    except (BrokenXml, OverflowError, OSError, ValueError) as error:
        name = listed_as()
        return Snapshot(
            SnapRef(vm, name),
            clean(name),
            _EPOCH,
            current=name == current,
            ready=False,
            error=f"its record cannot be read: {clean(str(error), limit=200)}",
        )
    state, kind, consistency, memory, disks, left_out = shape
    note = notes.get((head.name, head.created)) if notes else None
    if left_out and memory and not _read_only(text, left_out):
        # The restored guest would go on with a disk of another time under it: that is worth less than a power cut.
        consistency = Consistency.UNKNOWN
    if note is not None and consistency is Consistency.CRASH and note.consistency is Consistency.FILESYSTEM:
        consistency = Consistency.FILESYSTEM
    return Snapshot(
        SnapRef(vm, head.name),
        clean(head.name),
        created,
        head.parent,
        False,  # by position: keywords cost more, 100,000 times
        state,
        kind,
        consistency,
        memory,
        clean_lines(head.description) if head.description else "",
        disks,
        head.name == current,
        protected=note is not None and note.protected,
        baseline=note.baseline if note else "",
        group=note.group if note else None,
    )


def read_head(text: str) -> Head:
    """What stands around the domain in a snapshot's XML. Raises BrokenXml."""
    match = _HEAD.match(text)
    if match is None or not text.endswith("</domainsnapshot>\n"):
        return _parsed_head(text)
    name, description, state, parent, created, memory, file, listed = match.groups()
    if description is None or parent is None:  # not there, or elsewhere?
        end = text.rfind("</domain>")
        if end < 0 or text.find("<parent>", end) >= 0 or text.find("\n  <description>", end) >= 0:
            return _parsed_head(text)
    return Head(name, description or "", state, parent, int(created), memory, file or "", listed)


def _parsed_head(text: str) -> Head:
    root = parse(text)
    name, created = root.findtext("name"), number(root.findtext("creationTime"))
    if root.tag != "domainsnapshot" or not name or created is None:
        raise BrokenXml("no snapshot with a name and a creation time")
    memory, listed = root.find("memory"), root.find("disks")
    return Head(
        name,
        root.findtext("description") or "",
        (root.findtext("state") or "").strip(),
        root.findtext("parent/name") or None,
        created,
        "" if memory is None else memory.get("snapshot") or "",
        "" if memory is None else memory.get("file") or "",
        "" if listed is None else written(listed),
    )


@lru_cache(maxsize=4096)  # the snapshots of a vm are mostly alike: one shape, and one tuple of disks, serves them all
def shape_of(state_name: str, memory: str, memory_file: str, listed: str) -> Shape:
    """What a snapshot is, by its head's values."""
    found, left_out = [], []
    for element in parse(listed).iterfind("disk") if listed else ():
        name, mode = element.get("name") or "", element.get("snapshot") or ""
        kind = _KINDS.get(mode, SnapshotKind.UNKNOWN)
        place, _protocol = disk_source(element)
        found.append(SnapshotDisk(clean(name), kind, clean(place), included=mode != "no"))
        if kind is SnapshotKind.UNKNOWN:
            left_out.append(name)
    kinds: set[SnapshotKind] = {disk.kind for disk in found if disk.kind is not SnapshotKind.UNKNOWN}
    state = _STATES.get(state_name, VmState.UNKNOWN)
    consistency = _consistency(state_name, state, memory, has_disks=bool(kinds))
    if memory in _KINDS:
        kinds.add(_KINDS[memory])
    return Shape(
        state,
        SnapshotKind.MIXED if len(kinds) > 1 else next(iter(kinds), SnapshotKind.UNKNOWN),
        consistency,
        (clean(memory_file) or memory) if memory in _KINDS else None,
        tuple(found),
        tuple(left_out),
    )


def _consistency(state_name: str, state: VmState, memory: str, *, has_disks: bool) -> Consistency:
    """What the record proves, and no more."""
    if memory in _KINDS:
        return Consistency.MEMORY if state.is_active else Consistency.UNKNOWN
    if memory != "no" or not has_disks:
        return Consistency.UNKNOWN
    if state is VmState.OFF:
        return Consistency.CLEAN
    if state_name == _DISK_STATE or state.is_active or state is VmState.CRASHED:
        return Consistency.CRASH
    return Consistency.UNKNOWN


def _read_only(text: str, names: tuple[str, ...]) -> bool:
    """Whether all these disks of the domain in a snapshot's XML cannot be written to."""
    writable = {disk.id: disk.writable for disk in disks_of(parse(text).find("domain/devices"))}
    return not any(writable.get(clean(name), True) for name in names)
