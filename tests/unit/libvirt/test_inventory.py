"""The list of vms: pages, what is gone in the middle of it, and what stays of a broken one."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.model.errors import Missing, Unreachable
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef, VmState
from vmsnap_tui.platforms.libvirt import inventory
from vmsnap_tui.platforms.libvirt.connection import Connection, without_prompt
from vmsnap_tui.platforms.libvirt.platform import LibvirtPlatform, version_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import libvirt

    from vmsnap_tui.model.vm import Vm

DOMAIN = "<domain type='test'><name>vm{0:03}</name><memory>1024</memory><os><type>hvm</type></os></domain>"
COUNT = 60


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    source = tmp_path / "site.xml"
    source.write_text(f"<node>{''.join(DOMAIN.format(number) for number in range(COUNT))}</node>")
    made = Connection(f"test://{source}")
    made.open()
    yield made
    made.close()


def read_all(connection: Connection) -> list[Vm]:
    return list(chain.from_iterable(inventory.read_vms(connection, "here")))


def test_pages_in_the_order_of_names_the_first_one_small(connection: Connection) -> None:
    pages = list(inventory.read_vms(connection, "here"))
    assert [len(page) for page in pages] == [50, 10]
    assert [vm.name for page in pages for vm in page] == [f"vm{number:03}" for number in range(COUNT)]
    assert {vm.state for page in pages for vm in page} == {VmState.RUNNING}


def test_the_list_and_the_single_look_agree(connection: Connection) -> None:
    vm = read_all(connection)[0]
    assert inventory.read_vm(connection, vm.ref) == vm


def test_one_that_vanishes_meanwhile_is_skipped(connection: Connection) -> None:
    pages = inventory.read_vms(connection, "here")
    first = next(pages)
    for name in ("vm050", "vm059"):
        domain = connection.raw.lookupByName(name)
        domain.destroy()
        domain.undefine()
    assert [vm.name for vm in next(pages)] == [f"vm{number:03}" for number in range(51, 59)]
    assert len(first) == 50


def test_a_snapshot_that_vanishes_meanwhile_is_skipped(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = connection.raw.lookupByName("vm000")
    for name in ("a", "b", "c"):
        domain.snapshotCreateXML(f"<domainsnapshot><name>{name}</name></domainsnapshot>")
    listed = domain.listAllSnapshots()
    domain.snapshotLookupByName("b").delete()
    monkeypatch.setattr(domain, "listAllSnapshots", lambda: listed)
    found = inventory.read_snapshots(domain, VmRef("here", domain.UUIDString()))
    assert {snapshot.id: (snapshot.parent, snapshot.current) for snapshot in found} == {
        "a": (None, False),
        "c": ("a", True),
    }


def test_a_broken_definition_does_not_break_the_list(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = inventory._xml

    def broken(domain: libvirt.virDomain) -> str | None:
        text = whole(domain)
        return text[:100] if text and domain.name() == "vm007" else text

    monkeypatch.setattr(inventory, "_xml", broken)
    vms = read_all(connection)
    assert len(vms) == COUNT
    assert (vms[7].name, vms[7].state, vms[7].memory) == ("vm007", VmState.RUNNING, None)


def test_what_is_read_has_the_print_that_a_look_gives(connection: Connection) -> None:
    domain = connection.raw.lookupByName("vm000")
    ref = VmRef("here", domain.UUIDString())
    for name in ("a", "b"):
        assert inventory.read_snapshots_and_print(domain, ref)[1] == inventory.print_of(domain)
        before = inventory.print_of(domain)
        domain.snapshotCreateXML(f"<domainsnapshot><name>{name}</name></domainsnapshot>")
        assert inventory.print_of(domain) != before


def test_a_vm_that_is_gone(connection: Connection) -> None:
    platform = LibvirtPlatform(Site("here", PlatformKind.LIBVIRT, connection.uri))
    platform.open()
    nobody = VmRef("here", "00000000-0000-4000-8000-00000000dead")
    assert platform.snapshots([nobody]) == {}
    for ask in (platform.vm, platform.source, platform.facts):
        with pytest.raises(Missing):
            ask(nobody)
    platform.close()
    with pytest.raises(Unreachable):
        platform.vm(nobody)


@pytest.mark.parametrize("uri", ["test:///no/such/file.xml", "qemu:///system?socket=/no/such/socket", "junk"])
def test_what_cannot_be_opened(uri: str) -> None:
    with pytest.raises(Unreachable) as caught:
        LibvirtPlatform(Site("here", PlatformKind.LIBVIRT, uri)).open()
    assert caught.value.words
    assert caught.value.hint


@pytest.mark.parametrize(
    ("uri", "asks_nothing"),
    [
        ("qemu:///system", "qemu:///system"),
        ("qemu+ssh://root@kvm9/system", "qemu+ssh://root@kvm9/system?no_tty=1"),
        ("qemu+ssh://kvm9/system?keyfile=/k", "qemu+ssh://kvm9/system?keyfile=/k&no_tty=1"),
        ("qemu+ssh://kvm9/system?no_tty=0", "qemu+ssh://kvm9/system?no_tty=0"),
        ("qemu+ssh:///system", "qemu+ssh:///system?no_tty=1"),
        ("qemu+tls://kvm9/system", "qemu+tls://kvm9/system"),
    ],
)
def test_ssh_is_kept_from_asking_on_the_terminal(uri: str, asks_nothing: str) -> None:
    assert without_prompt(uri) == asks_nothing


@pytest.mark.parametrize(
    ("uri", "local"),
    [
        ("qemu:///system", True),
        ("qemu:///session", True),
        ("qemu:///system?socket=/run/a", True),
        ("qemu+unix:///system", True),
        ("qemu+ssh://kvm9/system", False),
        ("qemu://kvm9/system", False),
        ("test:///default", False),
    ],
)
def test_whose_files_they_are(uri: str, local: bool) -> None:
    assert Connection(uri).is_local is local


def test_versions() -> None:
    assert version_text(11_003_000) == "11.3.0"


def test_a_second_connection_is_another_one(connection: Connection) -> None:
    with connection.second() as second:
        assert second is not connection.raw
        assert second.isAlive()
