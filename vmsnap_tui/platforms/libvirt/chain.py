"""The layers that a domain's disks read through, and which snapshots need them.

A running domain's XML tells its whole chain. Of one that is off it tells the newest file; what lies below is asked of
qemu-img where the files are this machine's, else of libvirt's storage pools.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import libvirt

from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.libvirt.convert import disk_source
from vmsnap_tui.platforms.libvirt.errors import is_code, typed_errors
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.libvirt.xml import Element

_PATIENCE = 5.0  # seconds for qemu-img, which may meet a dead NFS server
_DEEPEST = 256  # layers; a chain that is deeper goes round in circles
_NOT_FOUND = (
    libvirt.VIR_ERR_NO_STORAGE_VOL,
    libvirt.VIR_ERR_NO_STORAGE_POOL,
    libvirt.VIR_ERR_NO_SUPPORT,
    libvirt.VIR_ERR_INVALID_ARG,
)


class _Link(NamedTuple):
    """One layer as found. Sizes in bytes."""

    place: str
    format: str = ""
    virtual: int | None = None
    used: int | None = None
    error: str = ""


def read_chain(domain: libvirt.virDomain, snapshots: Sequence[Snapshot], *, local: bool) -> tuple[Layer, ...]:
    """The layers of all disks, newest first, disk by disk. `local`: the host's files are this machine's.

    An internal snapshot stands right below the file that it is in. Raises Missing.
    """
    with typed_errors():
        root = _parsed(domain.XMLDesc())
        stats, active = _stats(domain), domain.isActive()
        taken_on = _taken_on(domain, snapshots)
        conn = domain.connect()
        layers: list[Layer] = []
        for element in () if root is None else root.iterfind("devices/disk"):
            target, source = element.find("target"), disk_source(element)[0]
            name = "" if target is None else target.get("dev") or ""
            if not source or element.get("device") in {"cdrom", "floppy"}:
                continue
            links = list(_live(element, name, stats))
            if len(links) == 1 and not active:
                links = _at_rest(conn, links[0], local=local and element.get("type") in {"file", "block"})
            layers.extend(_layers(name, links, snapshots, taken_on.get(name, {})))
    return tuple(layers)


def _layers(
    disk: str, links: Sequence[_Link], snapshots: Sequence[Snapshot], taken_on: Mapping[str, str]
) -> Iterator[Layer]:
    """`taken_on`: by snapshot, the file that the disk wrote to when it was taken; its data lies there and below."""
    needed: dict[str, None] = {}
    for index, link in enumerate(links):
        here = [snapshot for snapshot in snapshots if taken_on.get(snapshot.id) == link.place]
        needed.update(dict.fromkeys(snapshot.id for snapshot in here))
        if link.error:
            kind = LayerKind.MISSING
        elif index == 0:
            kind = LayerKind.ACTIVE
        else:
            kind = LayerKind.BASE if index == len(links) - 1 else LayerKind.OVERLAY
        place = clean(link.place)
        yield Layer(
            clean(disk), kind, place, clean(link.format), link.virtual, link.used, tuple(needed), clean(link.error)
        )
        for snapshot in sorted(here, key=lambda snapshot: snapshot.created, reverse=True):
            if any(part.disk == disk and part.kind is SnapshotKind.INTERNAL for part in snapshot.disks):
                inside = f"{place}@{snapshot.name}"
                yield Layer(clean(disk), LayerKind.INTERNAL, inside, clean(link.format), snapshots=(snapshot.id,))


def _taken_on(domain: libvirt.virDomain, snapshots: Sequence[Snapshot]) -> dict[str, dict[str, str]]:
    """By disk and snapshot, the file that the disk wrote to when the snapshot was taken."""
    found: dict[str, dict[str, str]] = {}
    wanted = {snapshot.id: {disk.disk for disk in snapshot.disks if disk.included} for snapshot in snapshots}
    if not wanted:
        return found
    for snapshot in domain.listAllSnapshots():
        name = snapshot.getName()
        try:
            root = _parsed(snapshot.getXMLDesc())
        except libvirt.libvirtError as error:
            if is_code(error, libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT):
                continue
            raise
        for element in () if root is None else root.iterfind("domain/devices/disk"):
            target = element.find("target")
            disk = "" if target is None else target.get("dev") or ""
            if clean(disk) in wanted.get(name, ()):
                found.setdefault(disk, {})[name] = disk_source(element)[0]
    return found


def _parsed(text: str) -> Element | None:
    try:
        return parse(text)
    except BrokenXml:
        return None


# Running


def _live(disk: Element, name: str, stats: Mapping[tuple[str, str], tuple[int | None, int | None]]) -> Iterator[_Link]:
    """The chain as the XML has it: the disk's own source and the backing stores inside each other."""
    element: Element | None = disk
    while element is not None and (place := disk_source(element)[0]):
        format_of = element.find("driver" if element is disk else "format")
        virtual, used = stats.get((name, place), (None, None))
        yield _Link(place, "" if format_of is None else format_of.get("type") or "", virtual, used)
        element = element.find("backingStore")


def _stats(domain: libvirt.virDomain) -> dict[tuple[str, str], tuple[int | None, int | None]]:
    """Capacity and what is really taken, by disk and place. Does not wait for a domain that is stuck."""
    flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING
    try:
        answer = domain.connect().domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_BLOCK, flags)
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INVALID_ARG):
            return {}
        raise
    values = answer[0][1] if answer else {}
    found = {}
    for index in range(values.get("block.count", 0)):
        of = f"block.{index}."
        key = values.get(of + "name", ""), values.get(of + "path", "")
        # Of a layer that is only read, QEMU knows no allocation.
        found[key] = values.get(of + "capacity"), values.get(of + "allocation") or values.get(of + "physical")
    return found


# Off


def _at_rest(conn: libvirt.virConnect, top: _Link, *, local: bool) -> list[_Link]:
    if local and not Path(top.place).exists():
        return [top._replace(error="the file is not there")]
    return (_by_qemu_img(top) if local else None) or _by_pools(conn, top) or [top]


def _by_qemu_img(top: _Link) -> list[_Link] | None:
    """What qemu-img tells; None where it tells nothing."""
    program = shutil.which("qemu-img")
    if program is None:
        return None
    command = [program, "info", "-U", "--backing-chain", "--output=json"]
    if top.format:
        command += ["-f", top.format]  # a raw image may begin like another one: its guest writes what it likes
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, and a path that cannot be taken for an option
            [*command, "--", top.place], capture_output=True, timeout=_PATIENCE, check=True
        )
        infos = json.loads(done.stdout)
        return [
            _Link(info["filename"], info["format"], info.get("virtual-size"), info.get("actual-size")) for info in infos
        ]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None


def _by_pools(conn: libvirt.virConnect, top: _Link) -> list[_Link]:
    """What the storage pools know, as far as the layers lie in any."""
    links: list[_Link] = []
    place: str | None = top.place
    while place and len(links) < _DEEPEST:
        try:
            volume = conn.storageVolLookupByPath(place)
            _type, virtual, used = volume.info()
            root = _parsed(volume.XMLDesc())
        except libvirt.libvirtError as error:
            if not is_code(error, *_NOT_FOUND):
                raise
            return [*links, _Link(place) if links else top]
        format_of = None if root is None else root.find("target/format")
        links.append(_Link(place, "" if format_of is None else format_of.get("type") or "", virtual, used))
        place = None if root is None else root.findtext("backingStore/path")
    return links
