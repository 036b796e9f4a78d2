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
from vmsnap_tui.platforms.libvirt.convert import disk_source, disks
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, number, parse, written

if TYPE_CHECKING:
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


class Disks(NamedTuple):
    """The disks of a snapshot, where their data is kept, and the targets of those that are not part of it."""

    disks: tuple[SnapshotDisk, ...]
    kinds: frozenset[SnapshotKind]
    left_out: tuple[str, ...]


def snapshot_from_xml(text: str, vm: VmRef, name: str, *, current: bool, notes: Notes) -> Snapshot:
    """A snapshot from its XML. Broken XML gives one that is not ready and says why.

    `name` is what libvirt lists it under, `notes` are those of its vm.
    """
    try:
        head = read_head(text)
        created = datetime.fromtimestamp(head.created, UTC)
        parts = _disks(head.disks)
    except (BrokenXml, OverflowError, OSError, ValueError) as error:
        return Snapshot(
            SnapRef(vm, name),
            clean(name),
            _EPOCH,
            current=current,
            ready=False,
            error=f"its record cannot be read: {clean(str(error), limit=200)}",
        )
    memory = head.memory in _KINDS
    note = notes.get((head.name, head.created)) if notes else None
    state = _STATES.get(head.state, VmState.UNKNOWN)
    consistency = _consistency(head, state, parts, text)
    if note is not None and consistency is Consistency.CRASH and note.consistency is Consistency.FILESYSTEM:
        consistency = Consistency.FILESYSTEM
    shown = clean(head.name)
    return Snapshot(
        SnapRef(vm, head.name),
        shown,
        created,
        head.parent,
        False,  # by position: keywords cost more, 100,000 times
        state,
        _kind(parts.kinds | {_KINDS[head.memory]} if memory else parts.kinds),
        consistency,
        (clean(head.memory_file) or head.memory) if memory else None,
        clean_lines(head.description) if head.description else "",
        parts.disks,
        current,
        protected=note is not None and note.protected,
    )


def read_head(text: str) -> Head:
    """What stands around the domain in a snapshot's XML. Raises BrokenXml."""
    match = _HEAD.match(text)
    if match is None:
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


@lru_cache(maxsize=4096)  # the snapshots of a vm mostly have the same disks: one tuple serves them all
def _disks(listed: str) -> Disks:
    if not listed:
        return Disks((), frozenset(), ())
    found, left_out = [], []
    for element in parse(listed).iterfind("disk"):
        name, mode = element.get("name") or "", element.get("snapshot")
        kind = _KINDS.get(mode or "", SnapshotKind.UNKNOWN)
        place, _protocol = disk_source(element)
        found.append(SnapshotDisk(clean(name), kind, clean(place), included=mode != "no"))
        if kind is SnapshotKind.UNKNOWN:
            left_out.append(name)
    kinds = frozenset(disk.kind for disk in found if disk.kind is not SnapshotKind.UNKNOWN)
    return Disks(tuple(found), kinds, tuple(left_out))


def _kind(kinds: frozenset[SnapshotKind]) -> SnapshotKind:
    if len(kinds) > 1:
        return SnapshotKind.MIXED
    return next(iter(kinds), SnapshotKind.UNKNOWN)


def _consistency(head: Head, state: VmState, parts: Disks, text: str) -> Consistency:
    """What the record proves, and no more.

    Memory goes with disks of the same instant. Where a writable disk is not in the snapshot, the restored guest
    would go on with a disk of another time under it, which is worth less than a power cut: unknown.
    """
    if head.memory in _KINDS:
        whole = not parts.left_out or _read_only(text, parts.left_out)
        return Consistency.MEMORY if state.is_active and whole else Consistency.UNKNOWN
    if head.memory != "no" or not parts.kinds:
        return Consistency.UNKNOWN
    if state is VmState.OFF:
        return Consistency.CLEAN
    if head.state == _DISK_STATE or state.is_active or state is VmState.CRASHED:
        return Consistency.CRASH
    return Consistency.UNKNOWN


def _read_only(text: str, names: tuple[str, ...]) -> bool:
    """Whether all these disks of the domain in a snapshot's XML cannot be written to."""
    domain = parse(text).find("domain")
    if domain is None:
        return False
    writable = {disk.id: disk.writable for disk in disks(domain)}
    return not any(writable.get(clean(name), True) for name in names)
