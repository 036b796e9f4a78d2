"""The contract that every platform keeps, on a real libvirt."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.platforms.contract import PlatformContract
from tests.platforms.subject import Subject
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.platforms import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.protocol import Platform

    from .lab import Guest, Lab


@dataclass
class Virsh:
    """Somebody else, in a process of their own."""

    guest: Guest

    def take(self, name: str) -> None:
        root = ET.Element("domainsnapshot")
        ET.SubElement(root, "name").text = name
        ET.SubElement(root, "memory", snapshot="no")
        disks = ET.SubElement(root, "disks")
        for disk in ("vda", "vdb")[: len(self.guest.disks)]:
            ET.SubElement(disks, "disk", name=disk, snapshot="external")
        file = self.guest.folder / f"{uuid4()}.xml"
        ET.ElementTree(root).write(file, encoding="utf-8")
        self._virsh("snapshot-create", "--xmlfile", str(file), "--disk-only")

    def delete(self, name: str) -> None:
        self._virsh("snapshot-delete", "--snapshotname", name)

    def remove_vm(self) -> None:
        self.guest.remove()

    def _virsh(self, command: str, *arguments: str) -> None:
        self.guest.lab.virsh(command, "--domain", self.guest.name, *arguments)


@pytest.fixture(scope="module")
def other(lab: Lab) -> Guest:
    return lab.define("contract-other")


@pytest.fixture(scope="module")
def platform(lab: Lab) -> Iterator[Platform]:
    platform = registry.create(_site(lab))
    platform.open()
    yield platform
    platform.close()


def _site(lab: Lab) -> Site:
    return Site("lab", PlatformKind.LIBVIRT, lab.uri)


def _subject(lab: Lab, platform: Platform, guest: Guest, other: Guest) -> Iterator[Subject]:
    platform.open()
    vm, stays = (VmRef("lab", lab.virsh("domuuid", each.name).strip()) for each in (guest, other))
    read_only = replace(_site(lab), read_only=True)
    yield Subject(platform, vm, stays, Virsh(guest), lambda: registry.create(read_only))
    if guest.name in lab.virsh("list", "--all", "--name").splitlines():
        guest.remove()
    lab.guests.pop(guest.name, None)


class TestOff(PlatformContract):
    """All of it, on a guest that is off: quick."""

    @pytest.fixture
    def subject(self, lab: Lab, platform: Platform, other: Guest) -> Iterator[Subject]:
        yield from _subject(lab, platform, lab.define(f"off-{uuid4().hex[:8]}"), other)


class TestRunning:
    """What a guest that runs makes different."""

    @pytest.fixture
    def subject(self, lab: Lab, platform: Platform, other: Guest) -> Iterator[Subject]:
        yield from _subject(lab, platform, lab.boot(f"on-{uuid4().hex[:8]}"), other)

    test_consistency_is_as_promised = PlatformContract.test_consistency_is_as_promised
    test_lamp_ends_thawed = PlatformContract.test_lamp_ends_thawed
    test_restore_branches = PlatformContract.test_restore_branches

    @pytest.mark.parametrize("early", [True, False], ids=["before it begins", "at its first report"])
    def test_stopped_take_is_all_or_nothing(self, subject: Subject, *, early: bool) -> None:
        PlatformContract().test_stopped_is_all_or_nothing(subject, "take", early=early)
