"""What vmsnap itself has to keep with a vm, in its libvirt metadata, so that every admin sees the same.

A note belongs to a snapshot's name and creation time: one that is deleted and taken anew under the same name does
not inherit it. Restoring a snapshot brings back the domain definition of that time, and the old notes with it: who
restores reads the notes before and gives them to `keep` afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libvirt
from lxml import etree

from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.together import Group, group_of
from vmsnap_tui.platforms.libvirt.errors import is_code, translated
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, number, parse, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.libvirt.xml import Element

URI = "https://vmsnap.org/xmlns/1"
PREFIX = "vmsnap"


@dataclass(frozen=True, slots=True)
class Note:
    """What is kept of one snapshot. `created` is its creation time in whole epoch seconds, as libvirt has it.

    `consistency` is what was proven when it was taken, None where nothing was.
    """

    name: str
    created: int
    consistency: Consistency | None = None
    protected: bool = False
    baseline: str = ""
    group: Group | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What ties it to its snapshot."""
        return self.name, self.created


Notes = dict[tuple[str, int], Note]


def from_xml(text: str) -> Notes:
    """The notes in a domain's XML, or in the metadata element alone. What cannot be read counts as not there."""
    if URI not in text and not text.lstrip().startswith("<snapshots"):
        return {}
    try:
        root = parse(text)
    except BrokenXml:
        return {}
    # libvirt gives the namespace to our outer element alone, and takes it away again when asked for that alone.
    ours = root if root.tag == "snapshots" else root.find(f"metadata/{{{URI}}}snapshots")
    found = () if ours is None else ours.iter("{*}snapshot")
    return {note.key: note for element in found if (note := _note(element)) is not None}


def to_xml(notes: Iterable[Note]) -> str:
    """The metadata element that holds these notes."""
    root = etree.Element("snapshots")
    for note in notes:
        element = etree.SubElement(root, "snapshot", name=note.name, created=str(note.created))
        if note.consistency is not None:
            element.set("consistency", note.consistency.value)
        if note.protected:
            element.set("protected", "yes")
        if note.baseline:
            element.set("baseline", note.baseline)
        if note.group is not None:
            element.set("group", note.group.written())
    return written(root)


def read(domain: libvirt.virDomain) -> Notes:
    """The notes of a domain. Raises Missing, Unreachable."""
    try:
        return from_xml(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, URI, libvirt.VIR_DOMAIN_AFFECT_CURRENT))
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_DOMAIN_METADATA, libvirt.VIR_ERR_NO_SUPPORT):
            return {}
        raise translated(error) from error


def keep(domain: libvirt.virDomain, notes: Mapping[tuple[str, int], Note]) -> None:
    """Make these the domain's notes, whatever stood there."""
    text = to_xml(notes.values()) if notes else None
    try:
        where = libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
        where |= libvirt.VIR_DOMAIN_AFFECT_CONFIG if domain.isPersistent() else 0
        domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, text, PREFIX, URI, where)
    except libvirt.libvirtError as error:
        if text is None and is_code(error, libvirt.VIR_ERR_NO_DOMAIN_METADATA):
            return
        raise translated(error) from error


def record(domain: libvirt.virDomain, note: Note) -> None:
    """Add a note, or replace the one of the same snapshot."""
    keep(domain, {**read(domain), note.key: note})


def forget(domain: libvirt.virDomain, names: Iterable[str]) -> None:
    """Drop what is noted of snapshots of these names."""
    gone = frozenset(names)
    notes = read(domain)
    left = {key: note for key, note in notes.items() if note.name not in gone}
    if len(left) < len(notes):
        keep(domain, left)


def without_gone(notes: Mapping[tuple[str, int], Note], snapshots: Iterable[Snapshot]) -> Notes:
    """The notes whose snapshots are still there."""
    there = {(snapshot.id, int(snapshot.created.timestamp())) for snapshot in snapshots}
    return {key: note for key, note in notes.items() if key in there}


def _note(element: Element) -> Note | None:
    name, created = element.get("name"), number(element.get("created"))
    if not name or created is None:
        return None
    try:
        consistency = Consistency(element.get("consistency"))
    except ValueError:
        consistency = None
    return Note(
        name,
        created,
        consistency,
        element.get("protected") == "yes",
        clean(element.get("baseline") or ""),
        group_of(element.get("group") or ""),
    )
