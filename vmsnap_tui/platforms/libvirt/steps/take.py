"""Taking a snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import libvirt
from lxml import etree

from vmsnap_tui.model.errors import Cancelled, Conflict, Failed, VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.text import clean_lines
from vmsnap_tui.platforms.libvirt import notes
from vmsnap_tui.platforms.libvirt.errors import is_code, translated
from vmsnap_tui.platforms.libvirt.plan import methods
from vmsnap_tui.platforms.libvirt.snapshots import read_head
from vmsnap_tui.platforms.libvirt.steps.beside import beside
from vmsnap_tui.platforms.libvirt.steps.lamp import quiesced
from vmsnap_tui.platforms.libvirt.steps.progress import MemoryProgress
from vmsnap_tui.platforms.libvirt.steps.together import taken_together
from vmsnap_tui.platforms.libvirt.xml import written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Event

    from vmsnap_tui.model.plan import JsonValue, Step
    from vmsnap_tui.model.together import Gate, Group
    from vmsnap_tui.platforms.libvirt.connection import Connection

_FLAGS = {
    methods.INTERNAL: 0,
    methods.EXTERNAL: libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY,
    # libvirtd freezes and thaws by itself: if we die meanwhile, nobody stays frozen.
    methods.QUIESCED: libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE,
    methods.MEMORY: libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_LIVE,
    methods.MEMORY_PAUSED: 0,
}


def take(
    connection: Connection,
    domain: libvirt.virDomain,
    step: Step,
    report: Callable[[Progress], None],
    stop: Event,
    gate: Gate,
) -> str:
    """Take it. Raises Conflict where the world is not as planned, and Cancelled."""
    name, method, memory = (str(step.params[key]) for key in ("name", "method", "memory"))
    if bool(domain.isActive()) != step.params["active"]:
        raise Conflict("the vm was started or stopped since this was planned", "look at the plan again")
    # Never twice: an earlier try whose answer was lost may have been carried out.
    if _is_there(domain, name):
        raise Conflict(f"there is a snapshot “{name}” already", "look at it, or choose another name")
    if memory and connection.is_local and Path(memory).exists():  # libvirt would write over it
        raise Conflict(f"there is a file {memory} already", "choose another name, or move that file")
    if stop.is_set():
        raise Cancelled("it was stopped before it began")
    text = snapshot_xml(step.params)
    flags = _FLAGS[method] | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC
    if step.params["together"]:
        flags &= ~libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE  # it stands frozen already then

    def create() -> libvirt.virDomainSnapshot:
        return domain.snapshotCreateXML(text, flags)

    if step.params["together"]:
        part = taken_together(connection, domain, create, report, gate, freezes=method == methods.QUIESCED)
        noted = _noted(domain, part.snapshot, part.consistency, part.group)
        return f"taken{f', {part.said}' if part.said else ''}{noted}"
    if method == methods.QUIESCED:
        snapshot = quiesced(connection, domain, create, report)
        return f"taken, with frozen file systems{_noted(domain, snapshot, Consistency.FILESYSTEM)}"
    if method in methods.WITH_MEMORY_FILE:
        _with_memory(connection, domain, create, memory, report, stop)
        return f"taken, memory in {memory}"
    report(Progress("saving memory" if step.params["active"] and method == methods.INTERNAL else "taking"))
    create()
    return "taken"


def snapshot_xml(params: Mapping[str, JsonValue]) -> str:
    """The order for libvirt. Every disk is named, so that no setting of the domain decides for us."""
    root = etree.Element("domainsnapshot")
    etree.SubElement(root, "name").text = str(params["name"])
    if params["description"]:
        etree.SubElement(root, "description").text = clean_lines(str(params["description"]))
    if params["memory"]:
        etree.SubElement(root, "memory", snapshot="external", file=str(params["memory"]))
    disks = etree.SubElement(root, "disks")
    for name, place in cast("Mapping[str, str]", params["disks"]).items():
        if place in {"no", "internal"}:
            etree.SubElement(disks, "disk", name=name, snapshot=place)
        else:
            disk = etree.SubElement(disks, "disk", name=name, snapshot="external")
            etree.SubElement(disk, "driver", type="qcow2")
            etree.SubElement(disk, "source", file=place)
    return written(root)


def _is_there(domain: libvirt.virDomain, name: str) -> bool:
    try:
        domain.snapshotLookupByName(name)
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT):
            return False
        raise
    return True


def _noted(
    domain: libvirt.virDomain,
    snapshot: libvirt.virDomainSnapshot,
    consistency: Consistency | None,
    group: Group | None = None,
) -> str:
    """Note what was proven, for everybody who looks at the vm later. Says so where that failed."""
    if consistency is None and group is None:
        return ""
    try:
        head = read_head(snapshot.getXMLDesc())
        notes.record(domain, notes.Note(head.name, head.created, consistency, group=group))
    except (libvirt.libvirtError, VmsnapError) as error:
        return f"; that could not be noted with the vm ({error})"
    return ""


def _with_memory(
    connection: Connection,
    domain: libvirt.virDomain,
    create: Callable[[], libvirt.virDomainSnapshot],
    memory: str,
    report: Callable[[Progress], None],
    stop: Event,
) -> None:
    report(Progress("saving memory"))
    progress = MemoryProgress(report, stop)
    try:
        with beside(connection, domain.UUIDString(), progress.look, progress.cancel):
            create()
    except libvirt.libvirtError as error:
        left = f"; {memory} was left behind: remove it" if connection.is_local and Path(memory).exists() else ""
        if progress.aborted:
            raise Cancelled("it was stopped, and nothing was taken", f"the vm goes on{left}") from error
        known = translated(error)
        if isinstance(known, Failed):
            raise Failed(known.words, f"nothing was taken, the vm goes on{left}; {known.hint}") from error
        raise known from error
