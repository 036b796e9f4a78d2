"""The contract, on libvirt's own test driver: the real library and no hypervisor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest

from tests.platforms.contract import PlatformContract
from tests.platforms.subject import Subject
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.platforms import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

libvirt = pytest.importorskip("libvirt")

pytestmark = pytest.mark.usefixtures("driver_always_heard")

_SITE = Site("driver", PlatformKind.LIBVIRT, "test:///default")


@dataclass
class Somebody:
    """Another connection: all of a process see the same `test:///default`."""

    domain: Any

    def take(self, name: str) -> None:
        root = ET.Element("domainsnapshot")
        ET.SubElement(root, "name").text = name
        self.domain.snapshotCreateXML(ET.tostring(root, encoding="unicode"), 0)

    def delete(self, name: str) -> None:
        self.domain.snapshotLookupByName(name).delete(0)

    def remove_vm(self) -> None:
        if self.domain.isActive():
            self.domain.destroy()
        for snapshot in self.domain.listAllSnapshots():
            snapshot.delete(0)
        self.domain.undefine()


def _definition(name: str, uuid: str) -> str:
    root = ET.Element("domain", type="test")
    ET.SubElement(root, "name").text = name
    ET.SubElement(root, "uuid").text = uuid
    ET.SubElement(root, "memory", unit="MiB").text = "64"
    ET.SubElement(ET.SubElement(root, "os"), "type").text = "hvm"
    disk = ET.SubElement(ET.SubElement(root, "devices"), "disk", type="file", device="disk")
    ET.SubElement(disk, "driver", name="qemu", type="qcow2")
    ET.SubElement(disk, "source", file=f"/var/lib/libvirt/images/{name}.qcow2")
    ET.SubElement(disk, "target", dev="vda", bus="virtio")
    return ET.tostring(root, encoding="unicode")


class TestLibvirtTestDriver(PlatformContract):
    @pytest.fixture(params=["running", "paused", "off"])
    def subject(self, request: pytest.FixtureRequest) -> Iterator[Subject]:
        connection = libvirt.open(_SITE.address)
        uuids = [str(uuid4()), str(uuid4())]
        domains = [connection.defineXML(_definition(f"contract-{uuid[:8]}", uuid)) for uuid in uuids]
        if request.param != "off":
            domains[0].create()
        if request.param == "paused":
            domains[0].suspend()
        platform = registry.create(_SITE)
        platform.open()
        vm, other = (VmRef(_SITE.name, uuid) for uuid in uuids)
        yield Subject(
            platform, vm, other, Somebody(domains[0]), lambda: registry.create(replace(_SITE, read_only=True))
        )
        platform.close()
        left = {domain.UUIDString(): domain for domain in connection.listAllDomains()}
        for uuid in uuids:
            if uuid in left:
                Somebody(left[uuid]).remove_vm()
        connection.close()
