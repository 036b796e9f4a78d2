"""The layers that hold the data of a domain's disks: those that it reads through now, and those beside them that its
snapshots need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import libvirt

from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.libvirt.convert import disk_source
from vmsnap_tui.platforms.libvirt.errors import is_code
from vmsnap_tui.platforms.libvirt.images import Images
from vmsnap_tui.platforms.libvirt.links import Link, Sizes, by_pools, here, live, measured, sizes_of
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.libvirt.xml import Element

MEMORY = "memory"
"""What the layers that hold saved memory have for a disk."""
_NOT_THERE = (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INVALID_ARG)


@dataclass
class Host:
    """Where layers are looked up. `images` are None where the host's files are not this machine's.

    Good for one look: what was read once is not read again.
    """

    conn: libvirt.virConnect
    images: Images | None = None

    @classmethod
    def of(cls, conn: libvirt.virConnect, *, local: bool) -> Host:
        """The host behind a connection."""
        return cls(conn, Images() if local else None)

    def at_rest(self, top: Link) -> list[Link]:
        """The chain of a file that nobody names the lower layers of."""
        return by_pools(self.conn, top) if self.images is None else self._here(self.images, top)

    def _here(self, images: Images, top: Link) -> list[Link]:
        found = here(images, top)
        # One that may not be read here may still lie in a pool.
        return by_pools(self.conn, top) if len(found) == 1 and found[0].used is None and not found[0].error else found


@dataclass(slots=True)
class _Found:
    link: Link
    below: str
    aside: bool
    needed: dict[str, None] = field(default_factory=dict)


class Taken(NamedTuple):
    """The file that a disk wrote to when a snapshot was taken: its data lies there and below."""

    snapshot: str
    link: Link


def layers_of(
    root: Element, host: Host, snapshots: Sequence[Snapshot], records: Mapping[str, Element], sizes: Sizes | None = None
) -> tuple[Layer, ...]:
    """All layers, disk by disk, of each disk those that "now" reads through first, newest first.

    `root` is the domain's XML, live if it runs, `records` are libvirt's records of the snapshots, `sizes` those that
    libvirt tells of a domain that runs. An internal snapshot stands right below the file that it is in.
    """
    newest_first = sorted(snapshots, key=lambda snapshot: (snapshot.created, snapshot.id), reverse=True)
    taken = taken_on(records, newest_first)
    layers: list[Layer] = []
    for element in root.iterfind("devices/disk"):
        target = element.find("target")
        name = "" if target is None else target.get("dev") or ""
        if disk_source(element)[0] and element.get("device") not in {"cdrom", "floppy"}:
            now = now_links(element, name, host, sizes)
            layers.extend(_of_disk(name, now, taken.get(name, ()), newest_first, host))
    layers.extend(_memory(newest_first, host))
    return tuple(layers)


def now_links(element: Element, name: str, host: Host, sizes: Sizes | None) -> list[Link]:
    """What a disk reads through now, newest first."""
    links = list(live(element, name, sizes or {}))
    if len(links) > 1 or element.find("backingStore") is not None:
        return links if host.images is None else measured(host.images, links)
    if element.get("type") not in {"file", "block"}:
        return links if sizes else by_pools(host.conn, links[0])
    return host.at_rest(links[0]) if sizes is None or host.images is not None else links


def taken_on(records: Mapping[str, Element], snapshots: Iterable[Snapshot]) -> dict[str, list[Taken]]:
    """By disk, where each of these snapshots has its data, in their order."""
    found: dict[str, list[Taken]] = {}
    for snapshot in snapshots:
        root = records.get(snapshot.id)
        included = {disk.disk for disk in snapshot.disks if disk.included}
        for disk, link in () if root is None else _recorded(root):
            if clean(disk) in included:
                found.setdefault(disk, []).append(Taken(snapshot.id, link))
    return found


def _recorded(record: Element) -> Iterator[tuple[str, Link]]:
    """What the disks wrote to when a snapshot was taken."""
    for element in record.iterfind("domain/devices/disk"):
        target, driver = element.find("target"), element.find("driver")
        if place := disk_source(element)[0]:
            form = "" if driver is None else driver.get("type") or ""
            yield "" if target is None else target.get("dev") or "", Link(place, form)


def needed_by(records: Iterable[Element]) -> Iterator[Link]:
    """The files that snapshots have their data in."""
    for record in records:
        yield from (link for _, link in _recorded(record))


def read_records(domain: libvirt.virDomain) -> dict[str, Element]:
    """libvirt's records of a domain's snapshots, by name. Those that cannot be read are left out."""
    found = {}
    try:
        listed = domain.listAllSnapshots()
    except libvirt.libvirtError as error:
        if is_code(error, *_NOT_THERE, libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_ERR_OPERATION_INVALID):
            return {}
        raise
    for snapshot in listed:
        try:
            found[snapshot.getName()] = parse(snapshot.getXMLDesc())
        except BrokenXml:
            continue  # the inventory says of it that it cannot be read
        except libvirt.libvirtError as error:
            if not is_code(error, libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT):
                raise
    return found


def block_sizes(conn: libvirt.virConnect, domains: Sequence[libvirt.virDomain]) -> dict[str, Sizes]:
    """Capacity and what is really taken of each layer of domains that run, by UUID. Waits for none that is stuck."""
    flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING
    if not domains:
        return {}
    try:
        answer = conn.domainListGetStats(list(domains), libvirt.VIR_DOMAIN_STATS_BLOCK, flags)
    except libvirt.libvirtError as error:
        if is_code(error, *_NOT_THERE):
            return {}
        raise
    return {domain.UUIDString(): sizes_of(stats) for domain, stats in answer}


def _of_disk(
    disk: str, now: Sequence[Link], taken: Sequence[Taken], snapshots: Sequence[Snapshot], host: Host
) -> Iterator[Layer]:
    """`taken` and `snapshots` are newest first."""
    found: dict[str, _Found] = {}
    _put(found, now, aside=False)
    at: dict[str, set[str]] = {}
    for snapshot, link in taken:
        at.setdefault(link.place, set()).add(snapshot)
        if link.place not in found:
            _put(found, host.at_rest(link), aside=True)
        place, seen = link.place, set[str]()
        while place and place not in seen:
            seen.add(place)
            found[place].needed[snapshot] = None
            place = found[place].below
    active = now[0].place if now else ""
    for place, one in found.items():
        yield _layer(disk, one, is_active=place == active and not one.aside)
        here_ = [snapshot for snapshot in snapshots if snapshot.id in at.get(place, ())]
        yield from _inside(disk, one, here_, host)


def _put(found: dict[str, _Found], links: Sequence[Link], *, aside: bool) -> None:
    """Take links in, down to one that is known already."""
    for index, link in enumerate(links):
        if link.place in found:
            return
        below = links[index + 1].place if index + 1 < len(links) else ""
        found[link.place] = _Found(link, below, aside)


def _layer(disk: str, one: _Found, *, is_active: bool) -> Layer:
    link = one.link
    if link.error:
        kind = LayerKind.MISSING
    elif is_active:
        kind = LayerKind.ACTIVE
    else:
        kind = LayerKind.OVERLAY if one.below else LayerKind.BASE
    return Layer(
        clean(disk),
        kind,
        clean(link.place),
        clean(link.format),
        link.virtual,
        link.used,
        tuple(one.needed),
        clean(link.error),
        clean(one.below),
        one.aside,
        link.declared if link.declared is None else clean(link.declared),
    )


def _inside(disk: str, one: _Found, snapshots: Sequence[Snapshot], host: Host) -> Iterator[Layer]:
    """The internal snapshots in a file: those that libvirt knows of, then those that it does not."""
    file = clean(one.link.place)
    form = clean(one.link.format)
    image = None if host.images is None or form != "qcow2" else host.images.find(one.link.place)
    inside = {} if image is None else {each.name: each for each in image.inside}
    for snapshot in snapshots:
        if all(part.disk != clean(disk) or part.kind is not SnapshotKind.INTERNAL for part in snapshot.disks):
            continue
        known = inside.pop(snapshot.id, None)
        lost = image is not None and known is None
        yield Layer(
            clean(disk),
            LayerKind.MISSING if lost else LayerKind.INTERNAL,
            f"{file}@{snapshot.name}",
            form,
            used=known.memory if known else None,
            snapshots=(snapshot.id,),
            error="the image holds no snapshot of that name" if lost else "",
            below=file,
            aside=one.aside or lost,
        )
    for name, each in inside.items():
        yield Layer(
            clean(disk),
            LayerKind.INTERNAL,
            f"{file}@{clean(name)}",
            form,
            used=each.memory,
            below=file,
            aside=one.aside,
            details=(("record", "libvirt knows nothing of it"),),
        )


def _memory(snapshots: Iterable[Snapshot], host: Host) -> Iterator[Layer]:
    for snapshot in snapshots:
        path = snapshot.memory or ""
        if not path.startswith("/"):
            continue
        used, error = None, ""
        if host.images is not None:
            try:
                used = host.images.get(path).used
            except FileNotFoundError:
                error = "the file is not there"
            except OSError:
                pass  # it may be there, and nobody but libvirt may read it
        kind = LayerKind.MISSING if error else LayerKind.MEMORY
        yield Layer(MEMORY, kind, clean(path), used=used, snapshots=(snapshot.id,), error=error, aside=True)
