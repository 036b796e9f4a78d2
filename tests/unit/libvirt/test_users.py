"""Who needs a layer, also while libvirt answers nothing of a domain."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import libvirt
import pytest

from vmsnap_tui.platforms.libvirt.chain import Host
from vmsnap_tui.platforms.libvirt.connection import Connection
from vmsnap_tui.platforms.libvirt.users import needs_of, users_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NUMBERS = itertools.count()
_DOMAIN = """<domain type='test'><name>{name}</name><memory>65536</memory><os><type>hvm</type></os>
<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/vm/{name}.qcow2'/>
<backingStore type='file'><format type='qcow2'/><source file='/vm/golden.qcow2'/><backingStore/></backingStore>
<target dev='vda' bus='virtio'/></disk></devices></domain>"""


@pytest.fixture
def connection() -> Iterator[Connection]:
    made = Connection("test:///default")
    made.open()
    yield made
    made.close()


@pytest.fixture
def define(connection: Connection) -> Iterator[Callable[[], Any]]:
    made = []

    def define_() -> Any:
        made.append(connection.raw.defineXML(_DOMAIN.format(name=f"user-{next(_NUMBERS)}")))
        return made[-1]

    yield define_
    for domain in made:
        domain.undefine()


def test_one_that_is_put_back_needs_what_it_needed(
    connection: Connection, define: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    away, other = define(), define()
    host = Host.of(connection.raw, local=False)
    both = {each.UUIDString(): each.name() for each in (away, other)}
    assert users_of(connection, host)["/vm/golden.qcow2"] == both
    needs = needs_of(away, host)
    assert needs == {f"/vm/{away.name()}.qcow2", "/vm/golden.qcow2"}

    asked: list[str] = []
    real: Callable[[libvirt.virDomain, int], str] = libvirt.virDomain.XMLDesc

    def ask(domain: libvirt.virDomain, flags: int = 0) -> str:
        asked.append(domain.UUIDString())
        return real(domain, flags)

    monkeypatch.setattr(libvirt.virDomain, "XMLDesc", ask)
    monkeypatch.setattr(libvirt.virConnect, "listAllDomains", lambda *_: pytest.fail("it would wait"))
    with connection.putting_back(away.UUIDString(), needs):
        assert users_of(connection, host)["/vm/golden.qcow2"] == both
    assert other.UUIDString() in asked
    assert away.UUIDString() not in asked


def test_one_that_was_not_seen_yet_is_waited_for(connection: Connection, define: Callable[[], Any]) -> None:
    away, other = define(), define()
    with connection.putting_back(away.UUIDString(), frozenset()):
        assert set(users_of(connection, Host.of(connection.raw, local=False))["/vm/golden.qcow2"]) == {
            other.UUIDString()
        }


def test_a_list_belongs_to_its_connection(connection: Connection, define: Callable[[], Any]) -> None:
    known = define()
    assert known.UUIDString() in {each.UUIDString() for each in connection.domains()}
    connection.close()
    connection.open()
    other = define()
    with connection.putting_back(other.UUIDString(), frozenset()):
        assert other.UUIDString() in {each.UUIDString() for each in connection.domains()}
