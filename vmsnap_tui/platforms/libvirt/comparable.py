"""A domain's definition, without what libvirt fills in or changes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from vmsnap_tui.model.compare import Definition
from vmsnap_tui.model.errors import Unsupported
from vmsnap_tui.model.text import clean_lines
from vmsnap_tui.platforms.libvirt.notes import URI
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, number, parse, written

if TYPE_CHECKING:
    from vmsnap_tui.platforms.libvirt.xml import Element

_FILLED_IN = ("alias", "backingStore", "mirror", "privateData")
"""Elements of devices that libvirt writes for itself."""
_OWN_PLACES = ("/var/lib/libvirt/qemu/", "/run/libvirt/", "/dev/pts/")
_OWN_NAMES = ("vnet", "macvtap", "macvlan")
"""What the host's ends of a vm's channels and interfaces begin with where libvirt chose them."""
_LACKS = "Where the data of its disks lies is not compared: each snapshot moves that."


def definition_of(text: str) -> Definition:
    """Of a domain's XML or a snapshot's, which has the domain's of then.

    Of a running vm a snapshot has two: the one that counts is what it starts with the next time. Raises Unsupported
    where a snapshot has none.
    """
    try:
        root = parse(text)
    except BrokenXml as error:
        raise Unsupported(f"its XML cannot be read: {error}") from error
    domain = root
    if root.tag == "domainsnapshot":
        found = root.find("inactiveDomain")
        found = root.find("domain") if found is None else found
        if found is None:
            raise Unsupported("libvirt keeps no definition of the vm in this snapshot")
        domain = found
    domain.tag = "domain"
    _strip(domain)
    for devices in domain.findall("devices"):
        _sort_controllers(devices)
    etree.indent(domain, "  ")
    return Definition(clean_lines(written(domain)), "xml", _LACKS)


def _strip(domain: Element) -> None:
    _forget(domain, ".", "id")
    for name in _FILLED_IN:
        _drop(domain, f"devices//{name}")
    _drop(domain, f"metadata/{{{URI}}}snapshots")
    _drop(domain, "seclabel[@type='dynamic']")
    for metadata in domain.findall("metadata"):
        if not len(metadata):
            domain.remove(metadata)
    for disk in domain.findall("devices/disk"):
        if disk.get("device", "disk") in {"disk", "lun"}:
            _drop(disk, "source")
            _forget(disk, "driver", "type")  # a raw one has become qcow2 by its first overlay
    _forget(domain, "devices//source", "index")
    _forget(domain, "devices//source", "path", _OWN_PLACES)
    _forget(domain, "devices/interface/target", "dev", _OWN_NAMES)
    _forget(domain, "devices/channel/target", "state")
    _forget(domain, "devices/console", "tty")
    for graphics in ("port", "tlsPort"):
        _forget(domain, "devices/graphics[@autoport='yes']", graphics)


def _sort_controllers(devices: Element) -> None:
    """By kind and number: libvirt writes them in another order each time that it reads a definition."""
    found = devices.findall("controller")
    places = [devices.index(each) for each in found]
    for each in found:
        devices.remove(each)
    found.sort(key=lambda each: (each.get("type", ""), number(each.get("index")) or 0))
    for place, each in zip(places, found, strict=True):
        devices.insert(place, each)


def _drop(root: Element, path: str) -> None:
    for each in root.findall(path):
        if (parent := each.getparent()) is not None:
            parent.remove(each)


def _forget(root: Element, path: str, attribute: str, starts: tuple[str, ...] = ("",)) -> None:
    for each in root.findall(path):
        if each.get(attribute, "").startswith(starts) and attribute in each.attrib:
            del each.attrib[attribute]
