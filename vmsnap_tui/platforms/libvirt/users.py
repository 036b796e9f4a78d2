"""Which other domains read through a layer: one golden image may lie under many."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.libvirt.chain import needed_by, now_links, read_records
from vmsnap_tui.platforms.libvirt.convert import disk_source
from vmsnap_tui.platforms.libvirt.errors import is_code
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.platforms.libvirt.chain import Host
    from vmsnap_tui.platforms.libvirt.connection import Connection
    from vmsnap_tui.platforms.libvirt.xml import Element

Users = dict[str, dict[str, str]]
"""By the place that they need, the names of domains by their UUIDs."""


def users_of(connection: Connection, host: Host) -> Users:
    """What all domains need, now and for their snapshots. Of those that are being put back: what they needed before.

    Raises libvirtError. Where the host's files are not this machine's, what only snapshots need is left out: that would
    take a call for each snapshot of the whole site.
    """
    found: Users = {}
    for domain in connection.domains():
        uuid = domain.UUIDString()
        try:
            places = connection.away.get(uuid)
            if places is None:
                places = needs_of(domain, host)
        except libvirt.libvirtError as error:
            if is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                continue
            raise
        for place in places:
            found.setdefault(place, {})[uuid] = clean(domain.name())
    return found


def needs_of(domain: libvirt.virDomain, host: Host) -> frozenset[str]:
    """What one domain needs; nothing where its XML cannot be read. Raises libvirtError."""
    try:
        root = parse(domain.XMLDesc())
    except BrokenXml:
        return frozenset()
    records = read_records(domain) if host.images is not None else {}
    return frozenset(map(clean, places_of(root, records.values(), host)))


def places_of(root: Element, records: Iterable[Element], host: Host) -> set[str]:
    """All files and volumes that a domain's disks and snapshots read through."""
    found: set[str] = set()
    for element in root.iterfind("devices/disk"):
        if disk_source(element)[0]:
            found.update(link.place for link in now_links(element, "", host, None))
    for link in needed_by(records):
        if link.place not in found:
            found.update(each.place for each in host.at_rest(link))
    return found


def with_users(layers: Iterable[Layer], users: Users, uuid: str) -> tuple[Layer, ...]:
    """The layers of one domain, each with who else needs it."""
    return tuple(_with_users(layer, users.get(layer.place, {}), uuid) for layer in layers)


def _with_users(layer: Layer, users: Mapping[str, str], uuid: str) -> Layer:
    others = tuple(name for id_, name in users.items() if id_ != uuid)
    return replace(layer, users=others) if others else layer
