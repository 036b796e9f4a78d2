"""What vmsnap keeps in a domain's metadata comes back, and nobody else's is taken for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.unit.libvirt.domain_xml import BIOS, RUNNING
from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.libvirt.connection import Connection
from vmsnap_tui.platforms.libvirt.notes import Note, forget, from_xml, keep, read, record, to_xml, without_gone

if TYPE_CHECKING:
    from collections.abc import Iterator

    import libvirt

QUIET = Note("quiet", 1795450000, Consistency.FILESYSTEM)
KEPT = Note("kept <1> & \"2\" 'three'\n🦆", 1795450001, None, protected=True)


@pytest.fixture
def domain() -> Iterator[libvirt.virDomain]:
    connection = Connection("test:///default")
    made = connection.open().createXML(
        "<domain type='test'><name>noted</name><memory>1024</memory><os><type>hvm</type></os>"
        "<metadata><other:thing xmlns:other='urn:other'>theirs</other:thing></metadata></domain>"
    )
    try:
        yield made
    finally:
        made.destroy()
        connection.close()


def test_notes_in_a_domains_xml() -> None:
    kept = Note("kept <1>", 1795450001, None, protected=True)
    assert from_xml(RUNNING) == {QUIET.key: QUIET, kept.key: kept}


@pytest.mark.parametrize("text", ["", BIOS, "https://vmsnap.org/xmlns/1", "<snapshots>"])
def test_none(text: str) -> None:
    assert from_xml(text) == {}


def test_an_unknown_consistency_proves_nothing() -> None:
    text = "<snapshots><snapshot name='a' created='1' consistency='perfect'/></snapshots>"
    assert from_xml(text) == {("a", 1): Note("a", 1)}


def test_text_round_trip() -> None:
    assert list(from_xml(to_xml([QUIET, KEPT])).values()) == [QUIET, KEPT]


def test_record_and_forget(domain: libvirt.virDomain) -> None:
    assert read(domain) == {}
    record(domain, QUIET)
    record(domain, KEPT)
    assert read(domain) == {QUIET.key: QUIET, KEPT.key: KEPT}
    assert from_xml(domain.XMLDesc()) == read(domain)
    again = Note("quiet", QUIET.created, Consistency.FILESYSTEM, protected=True)
    record(domain, again)
    assert read(domain)[QUIET.key] == again
    forget(domain, ["quiet", "never was"])
    assert read(domain) == {KEPT.key: KEPT}
    forget(domain, [KEPT.name])
    assert read(domain) == {}
    assert "vmsnap" not in domain.XMLDesc()
    assert "theirs" in domain.XMLDesc()


def test_keep_replaces_all(domain: libvirt.virDomain) -> None:
    record(domain, QUIET)
    keep(domain, {KEPT.key: KEPT})
    assert read(domain) == {KEPT.key: KEPT}
    keep(domain, {})
    keep(domain, {})
    assert read(domain) == {}


def test_notes_of_gone_snapshots_are_dropped() -> None:
    ref = SnapRef(VmRef("here", "1"), "quiet")
    there = Snapshot(ref, "quiet", datetime.fromtimestamp(QUIET.created, UTC))
    retaken = Snapshot(ref, "quiet", datetime.fromtimestamp(QUIET.created + 1, UTC))
    notes = {QUIET.key: QUIET, KEPT.key: KEPT}
    assert without_gone(notes, [there]) == {QUIET.key: QUIET}
    assert without_gone(notes, [retaken]) == {}
