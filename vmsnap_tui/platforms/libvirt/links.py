"""The files that one disk reads through, link by link.

A running domain's XML tells its whole chain. Of one that is off it tells the newest file; what lies below is read from
the images where the files are this machine's, asked of qemu-img where they stand on something that is no plain file,
and else asked of libvirt's storage pools.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import libvirt

from vmsnap_tui.platforms.libvirt.convert import disk_source
from vmsnap_tui.platforms.libvirt.errors import is_code
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vmsnap_tui.platforms.libvirt.images import Image, Images
    from vmsnap_tui.platforms.libvirt.xml import Element

Sizes = dict[tuple[str, str], tuple[int | None, int | None]]
"""Capacity and what is really taken, in bytes, by disk and place."""

_PATIENCE = 5.0  # seconds for qemu-img, which may meet a dead NFS server
_DEEPEST = 256  # layers; a chain that is deeper goes round in circles
NOT_FOUND = (
    libvirt.VIR_ERR_NO_STORAGE_VOL,
    libvirt.VIR_ERR_NO_STORAGE_POOL,
    libvirt.VIR_ERR_NO_SUPPORT,
    libvirt.VIR_ERR_INVALID_ARG,
)


class Link(NamedTuple):
    """One layer as found. Sizes in bytes. `declared` is the format that the link above names, None for none."""

    place: str
    format: str = ""
    virtual: int | None = None
    used: int | None = None
    error: str = ""
    declared: str | None = ""


def live(disk: Element, name: str, sizes: Mapping[tuple[str, str], tuple[int | None, int | None]]) -> Iterator[Link]:
    """The chain as the XML has it: the disk's own source and the backing stores inside each other."""
    element: Element | None = disk
    while element is not None and (place := disk_source(element)[0]):
        format_of = element.find("driver" if element is disk else "format")
        virtual, used = sizes.get((name, place), (None, None))
        yield Link(place, "" if format_of is None else format_of.get("type") or "", virtual, used)
        element = element.find("backingStore")


def sizes_of(stats: Mapping[str, object]) -> Sizes:
    """The sizes in a domain's block statistics."""
    found: Sizes = {}
    count = stats.get("block.count", 0)
    for index in range(count if isinstance(count, int) else 0):
        numbers = [stats.get(f"block.{index}.{name}") for name in ("capacity", "allocation", "physical")]
        capacity, allocation, physical = (each if isinstance(each, int) else None for each in numbers)
        # Of a layer that is only read, QEMU knows no allocation.
        key = str(stats.get(f"block.{index}.name", "")), str(stats.get(f"block.{index}.path", ""))
        found[key] = capacity, allocation or physical
    return found


def here(images: Images, top: Link) -> list[Link]:
    """The chain of a file of this machine, as the files themselves have it."""
    found: list[Link] = []
    at: Link | None = top
    seen: set[str] = set()
    while at is not None and at.place not in seen and len(found) < _DEEPEST:
        seen.add(at.place)
        try:
            image = images.get(at.place)
        except FileNotFoundError:
            return [*found, at._replace(error="the file is not there")]
        except PermissionError:
            return [*found, at]
        except OSError as error:
            return [*found, at._replace(error=error.strerror or str(error))]
        form = _format(at, image, is_top=not found)
        found.append(at._replace(format=form, virtual=image.virtual, used=image.used))
        if (form == "qcow2" and image.is_odd) or form not in {"qcow2", "raw"}:
            return _by_qemu_img(top) or found
        at = None
        if form == "qcow2" and image.below:
            at = Link(image.below, image.backing_format or "", declared=image.backing_format)
    return found


def _format(at: Link, image: Image, *, is_top: bool) -> str:
    """What the file is. To the newest one the domain's word goes: a guest may write an image's header to a raw disk."""
    if at.format and (is_top or "qcow2" not in {at.format, image.format}):
        return at.format
    return image.format


def measured(images: Images, links: list[Link]) -> list[Link]:
    """Links that the XML names, with what the files of this machine say of themselves."""
    found: list[Link] = []
    declared: str | None = ""
    for link in links:
        image = images.find(link.place)
        if image is None:
            found.append(link)
            declared = ""
            continue
        virtual = link.virtual if link.virtual is not None else image.virtual
        found.append(link._replace(virtual=virtual, used=image.used, declared=declared))
        declared = image.backing_format if link.format == "qcow2" else ""
    return found


def _by_qemu_img(top: Link) -> list[Link] | None:
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
            Link(info["filename"], info["format"], info.get("virtual-size"), info.get("actual-size")) for info in infos
        ]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None


def by_pools(conn: libvirt.virConnect, top: Link) -> list[Link]:
    """What the storage pools know, as far as the layers lie in any."""
    links: list[Link] = []
    place: str | None = top.place
    while place and len(links) < _DEEPEST:
        try:
            volume = conn.storageVolLookupByPath(place)
            _type, virtual, used = volume.info()
            root = parse(volume.XMLDesc())
        except libvirt.libvirtError as error:
            if not is_code(error, *NOT_FOUND):
                raise
            return [*links, Link(place) if links else top]
        except BrokenXml:
            return [*links, Link(place) if links else top]
        format_of = root.find("target/format")
        links.append(Link(place, "" if format_of is None else format_of.get("type") or "", virtual, used))
        place = root.findtext("backingStore/path")
    return links or [top]
