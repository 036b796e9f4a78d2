"""Files beside the disks that no chain and no snapshot uses.

A file counts as used as soon as its path stands in the XML of any domain, snapshot or checkpoint, if any such file
reads through it, or if any process holds it open or locked. What cannot be looked at is told, and then nothing is
called unused that might be.
"""

from __future__ import annotations

import os
import posixpath
import stat
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.platforms.libvirt.errors import is_code
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from vmsnap_tui.platforms.libvirt.images import Image, Images
    from vmsnap_tui.platforms.libvirt.xml import Element

_NAMED_AS_DISK = (".img", ".raw", ".qcow2", ".qcow")
_MOST = 20_000  # files in one folder that are looked into
_GONE = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT, libvirt.VIR_ERR_NO_DOMAIN_CHECKPOINT)
_NOT_THERE = (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_ERR_INVALID_ARG)


@dataclass(frozen=True, slots=True)
class Stray:
    """A file that nothing known uses. `is_certain` is False where it may be anything, and only its name says disk."""

    path: str
    used: int
    changed: float  # seconds since the epoch
    format: str
    is_certain: bool


@dataclass
class Mentioned:
    """Every path that libvirt knows of, and the folders of the disks by a domain of each."""

    paths: set[str] = field(default_factory=set)
    folders: dict[str, str] = field(default_factory=dict)
    """The UUID of a domain with a disk or a snapshot there."""


def mentioned(
    conn: libvirt.virConnect, live: Mapping[str, str] = MappingProxyType({}), active: Collection[str] = ()
) -> Mentioned:
    """What stands in the XML of all domains, of now and of their next start, of snapshots and checkpoints.

    `live` are the texts of now that were read already, `active` those that run, both by UUID: what does not run starts
    as it is now.
    """
    found = Mentioned()
    for domain in conn.listAllDomains():
        uuid = domain.UUIDString()
        for text in _texts(domain, live.get(uuid, ""), is_off=uuid in live and uuid not in active):
            try:
                root = parse(text)
            except BrokenXml:
                continue
            for element in root.iter("disk"):
                source = element.find("source")
                path = "" if source is None else source.get("file") or ""
                if path and element.get("device", "disk") == "disk":
                    found.folders.setdefault(posixpath.dirname(path), uuid)
            found.paths.update(_paths(root))
    return found


def _texts(domain: libvirt.virDomain, live: str, *, is_off: bool) -> Iterator[str]:
    if live:
        yield live
    wanted = [] if live else [0]
    for flags in wanted if is_off else [*wanted, libvirt.VIR_DOMAIN_XML_INACTIVE]:
        try:
            yield domain.XMLDesc(flags)
        except libvirt.libvirtError as error:
            if not is_code(error, *_GONE):
                raise
    for listing in (domain.listAllSnapshots, domain.listAllCheckpoints):
        try:
            for each in listing():
                yield each.getXMLDesc()
        except libvirt.libvirtError as error:
            if not is_code(error, *_GONE, *_NOT_THERE):
                raise


def _paths(root: Element) -> Iterator[str]:
    if root.tag == "domainsnapshot":
        # These name what was put on top, which is no part of the snapshot: its data lies in what its domain names.
        for part in (*root.findall("disks"), *root.findall("revertDisks")):
            root.remove(part)
    for element in root.iter():
        for value in (*element.attrib.values(), element.text or ""):
            if value.startswith("/"):
                yield value.strip()


def closed(paths: Iterable[str], images: Images) -> tuple[set[tuple[int, int]], list[str]]:
    """The identities of these files and of all that they read through, and the files that could not be looked into."""
    identities: set[tuple[int, int]] = set()
    unread: list[str] = []
    left, seen = list(paths), set[str]()
    while left:
        path = left.pop()
        if path in seen:
            continue
        seen.add(path)
        image = images.known(path)
        if image is None:
            try:
                status = os.stat(path)  # noqa: PTH116 - thousands of them
            except OSError:
                continue
            identities.add((status.st_dev, status.st_ino))
            if not stat.S_ISREG(status.st_mode) and not stat.S_ISBLK(status.st_mode):
                continue
            try:
                image = images.get(path)
            except OSError:
                unread.append(path)
                continue
        identities.add(image.identity)
        if image.is_odd:
            unread.append(path)
        left += [each for each in (image.below, image.data_file) if each]
    return identities, unread


def held_open() -> tuple[set[tuple[int, int]], bool]:
    """The files that any process holds open or locked, by device and inode, and whether all processes could be seen."""
    found: set[tuple[int, int]] = set()
    saw_all = True
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            for fd in os.scandir(process / "fd"):
                try:
                    status = os.stat(fd.path)  # noqa: PTH116 - thousands of them
                except OSError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    found.add((status.st_dev, status.st_ino))
        except PermissionError:
            saw_all = False
        except OSError:
            continue  # it has just ended
    return found | _locked(), saw_all


def _locked() -> set[tuple[int, int]]:
    """The files with locks on them, which everybody may see: QEMU locks what it uses."""
    found = set()
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return set()
    for line in lines:
        for word in line.split():
            major, colon, rest = word.partition(":")
            minor, second, inode = rest.partition(":")
            if colon and second and inode.isdigit():
                found.add((os.makedev(int(major, 16), int(minor, 16)), int(inode)))
    return found


def strays(known: Mentioned, images: Images) -> tuple[dict[str, list[Stray]], list[str]]:
    """By domain (UUID), the files in its folders that nothing uses; and what could not be looked at."""
    used, unread = closed(known.paths, images)
    blind = [f"{path} may not be read: what it reads through is not known" for path in sorted(unread)]
    if blind:
        return {}, [*blind, "so no file is called unused"]
    opened, saw_all = held_open()
    if not saw_all:
        blind.append("which files other users' programs hold open is not known: only root may see that")
    unavailable = used | opened
    found: dict[str, list[Stray]] = {}
    for folder, uuid in known.folders.items():
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            blind.append(f"{folder}: {error.strerror}")
            continue
        if len(entries) > _MOST:
            blind.append(f"{folder} holds {len(entries)} files: not looked into")
            continue
        for entry in entries:
            stray = _stray(entry, unavailable, images)
            if stray is not None:
                found.setdefault(uuid, []).append(stray)
    return found, blind


def _stray(entry: os.DirEntry[str], used: set[tuple[int, int]], images: Images) -> Stray | None:
    try:
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) in used:
            return None
        image = images.get(entry.path)
    except OSError:
        return None
    return _as_stray(image, status)


def _as_stray(image: Image, status: os.stat_result) -> Stray | None:
    is_certain = image.format != "raw"
    if not is_certain and not image.path.endswith(_NAMED_AS_DISK):
        return None
    return Stray(image.path, image.used, status.st_mtime, image.format, is_certain)


def in_use(path: str, conn: libvirt.virConnect, images: Images) -> str:
    """Why a file must not be removed, "" if nothing known uses it. Looks at everything anew."""
    try:
        status = Path(path).lstat()
    except FileNotFoundError:
        return "it is not there any more"
    except OSError as error:
        return error.strerror or str(error)
    if not stat.S_ISREG(status.st_mode):
        return "it is no plain file"
    identity = status.st_dev, status.st_ino
    used, unread = closed(mentioned(conn).paths, images)
    if identity in used:
        return "a vm or a snapshot needs it"
    if unread:
        return f"{unread[0]} may not be read, and might need it"
    opened, _ = held_open()
    return "a program holds it open" if identity in opened else ""
