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
    from vmsnap_tui.platforms.libvirt.xml import Element

Users = dict[str, tuple[str, ...]]
"""The names of domains by the place that they need."""


def users_of(host: Host, but: str) -> Users:
    """What all domains but that one need, now and for their snapshots.

    Raises libvirtError. Where the host's files are not this machine's, what only snapshots need is left out: that would
    take a call for each snapshot of the whole site.
    """
    found: dict[str, dict[str, None]] = {}
    for domain in host.conn.listAllDomains():
        if domain.UUIDString() == but:
            continue
        try:
            root = parse(domain.XMLDesc())
            records = read_records(domain) if host.images is not None else {}
        except BrokenXml:
            continue
        except libvirt.libvirtError as error:
            if is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                continue
            raise
        for place in places_of(root, records.values(), host):
            found.setdefault(clean(place), {})[clean(domain.name())] = None
    return {place: tuple(names) for place, names in found.items()}


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


def with_users(layers: Iterable[Layer], users: Mapping[str, tuple[str, ...]]) -> tuple[Layer, ...]:
    """The layers, each with who else needs it."""
    return tuple(replace(layer, users=users[layer.place]) if layer.place in users else layer for layer in layers)
