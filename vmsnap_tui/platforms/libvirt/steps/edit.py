"""Writing libvirt's record of a snapshot anew. Whatever goes wrong, the old record is put back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import libvirt
from lxml import etree

from vmsnap_tui.model.errors import Conflict, Failed, VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.text import clean_lines
from vmsnap_tui.platforms.libvirt import notes
from vmsnap_tui.platforms.libvirt.inventory import current_name
from vmsnap_tui.platforms.libvirt.snapshots import read_head
from vmsnap_tui.platforms.libvirt.xml import parse, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.platforms.libvirt.connection import Connection
    from vmsnap_tui.platforms.libvirt.xml import Element

_REDEFINE = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE
# Never REDEFINE with CURRENT on the snapshot that is current: libvirt 11.3 then forgets which overlays a restore has
# put in place of its own (`revertDisks`), and would remove those of its children at the next restore.
_MOVE_CURRENT = _REDEFINE | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT


def edit(
    connection: Connection,
    domain: libvirt.virDomain,
    step: Step,
    report: Callable[[Progress], None],
    _stop: Event,
) -> str:
    """Describe it anew, rename it, protect it, or all of that."""
    done = []
    if {"protected", "baseline"} & step.params.keys():
        report(Progress("writing"))
        done.append(_mark(connection, domain, step))
    if "description" in step.params or "new_name" in step.params:
        done.append(_write(connection, domain, step, report))
    return ", ".join(done)


def _mark(connection: Connection, domain: libvirt.virDomain, step: Step) -> str:
    """A mark is a note, which goes with the snapshot when that gets another name."""
    head = read_head(_text(connection.snapshot(domain, str(step.params["name"]))))
    known = notes.read(domain)
    note = known.get((head.name, head.created), notes.Note(head.name, head.created))
    said = []
    if "protected" in step.params:
        note = replace(note, protected=bool(step.params["protected"]))
        said.append("protected" if note.protected else "no longer protected")
    if "baseline" in step.params:
        note = replace(note, baseline=str(step.params["baseline"]))
        said.append(f"the baseline of “{note.baseline}”" if note.baseline else "no baseline any more")
    notes.record(domain, note)
    return ", ".join(said)


def _write(connection: Connection, domain: libvirt.virDomain, step: Step, report: Callable[[Progress], None]) -> str:
    name = str(step.params["name"])
    record = connection.snapshot(domain, name)
    before = _text(record)
    after = parse(before)
    if "description" in step.params:
        _set_description(after, clean_lines(str(step.params["description"])))
    if "new_name" not in step.params:
        report(Progress("writing"))
        _replace(domain, before, after)
        return "described anew"
    new_name = str(step.params["new_name"])
    _set(after, "name", new_name)
    report(Progress("renaming"))
    _rename(domain, record, before, after)
    return f"renamed to “{new_name}”{_note_moved(domain, before, new_name)}"


def _text(record: libvirt.virDomainSnapshot) -> str:
    """Its XML with the secrets in it (VNC passwords), which would be lost from the record otherwise."""
    return str(record.getXMLDesc(libvirt.VIR_DOMAIN_SNAPSHOT_XML_SECURE))


def _set(root: Element, tag: str, text: str) -> None:
    element = root.find(tag)
    if element is None:
        element = etree.SubElement(root, tag)
    element.text = text


def _set_description(root: Element, text: str) -> None:
    _set(root, "description", text)


def _replace(domain: libvirt.virDomain, before: str, after: Element) -> None:
    """Write a record over the one of its name, see that nothing else has changed, or put it back."""
    name = after.findtext("name") or ""
    try:
        domain.snapshotCreateXML(written(after), _REDEFINE)
        _check(after, parse(_text(domain.snapshotLookupByName(name))))
    except (libvirt.libvirtError, VmsnapError):
        domain.snapshotCreateXML(before, _REDEFINE)
        raise


def _check(wanted: Element, found: Element) -> None:
    """Raises Failed where libvirt has not kept the whole record."""
    for tag in ("name", "description", "state", "creationTime", "parent", "memory", "disks", "revertDisks"):
        if _plain(wanted.find(tag)) != _plain(found.find(tag)):
            raise Failed(f"libvirt did not keep the <{tag}> of the record", "the old record was put back")


def _plain(element: Element | None) -> object:
    """Text, attributes and children, without the white space between them. An empty text counts as none."""
    if element is None:
        return None
    children = [_plain(child) for child in element]
    text = (element.text or "").strip()
    return (element.tag, sorted(element.items()), text, children) if text or element.attrib or children else None


def _rename(domain: libvirt.virDomain, record: libvirt.virDomainSnapshot, before: str, after: Element) -> None:
    """Write a second record, hang the children below it, make it current where the old one is, drop the old one."""
    old, new = parse(before).findtext("name") or "", after.findtext("name") or ""
    if any(snapshot.getName() == new for snapshot in domain.listAllSnapshots()):
        raise Conflict(f"there is a snapshot “{new}” already", "choose another name")
    children = [_text(child) for child in record.listAllChildren()]
    was_current = current_name(domain) == old
    domain.snapshotCreateXML(written(after), _REDEFINE)
    try:
        _check(after, parse(_text(domain.snapshotLookupByName(new))))
        for text in children:
            child = parse(text)
            _set_parent(child, new)
            _replace(domain, text, child)
    except (libvirt.libvirtError, VmsnapError):
        for text in children:
            domain.snapshotCreateXML(text, _REDEFINE)
        domain.snapshotLookupByName(new).delete(libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY)
        raise
    if was_current:
        domain.snapshotCreateXML(written(after), _MOVE_CURRENT)
    record.delete(libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY)


def _set_parent(child: Element, name: str) -> None:
    element = child.find("parent/name")
    if element is not None:
        element.text = name


def _note_moved(domain: libvirt.virDomain, before: str, new_name: str) -> str:
    """What was noted of it goes with it."""
    head = read_head(before)
    try:
        known = notes.read(domain)
        note = known.pop((head.name, head.created), None)
        if note is not None:
            moved = replace(note, name=new_name)
            notes.keep(domain, {**known, moved.key: moved})
    except VmsnapError as error:
        return f"; what is noted of it could not be moved ({error})"
    return ""
