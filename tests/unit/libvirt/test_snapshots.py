"""Snapshot XML becomes a snapshot that claims no more than the record proves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.unit.libvirt.domain_xml import EXTERNAL, INTERNAL, NO_CDROM, NO_LOG, snapshot
from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.vm import VmRef, VmState
from vmsnap_tui.platforms.libvirt import snapshots as module
from vmsnap_tui.platforms.libvirt.notes import Note, Notes
from vmsnap_tui.platforms.libvirt.snapshots import read_head, shape_of, snapshot_from_xml

VM = VmRef("here", "1")
RAM = "<memory snapshot='internal'/>"
RAM_FILE = "<memory snapshot='external' file='/srv/vm/db01.s1.mem'/>"
NONE = "<memory snapshot='no'/>"


def read(text: str, *, current: str | None = None, notes: Notes | None = None) -> Snapshot:
    return snapshot_from_xml(text, VM, lambda: "listed name", current, notes or {})


def noted(name: str = "s1", created: int = 1795450000) -> Notes:
    note = Note(name, created, Consistency.FILESYSTEM, protected=True)
    return {note.key: note}


def test_internal_with_memory() -> None:
    text = snapshot(description="nightly &amp; co", parent="s0", memory=RAM)
    assert read(text, current="s1") == Snapshot(
        SnapRef(VM, "s1"),
        "s1",
        datetime.fromtimestamp(1795450000, UTC),
        parent="s0",
        state=VmState.RUNNING,
        kind=SnapshotKind.INTERNAL,
        consistency=Consistency.MEMORY,
        memory="internal",
        description="nightly & co",
        disks=(SnapshotDisk("vda", SnapshotKind.INTERNAL),),
        current=True,
    )


def test_external_with_memory_names_its_files() -> None:
    found = read(snapshot(memory=RAM_FILE, disks=EXTERNAL))
    assert found.kind is SnapshotKind.EXTERNAL
    assert found.memory == "/srv/vm/db01.s1.mem"
    assert found.disks == (SnapshotDisk("vda", SnapshotKind.EXTERNAL, "/srv/vm/db01.s1"),)
    assert not found.current


@pytest.mark.parametrize(
    ("state", "memory", "disks", "consistency"),
    [
        ("running", RAM, INTERNAL, Consistency.MEMORY),
        ("paused", RAM, INTERNAL, Consistency.MEMORY),
        ("pmsuspended", RAM_FILE, EXTERNAL, Consistency.MEMORY),
        ("running", RAM_FILE, EXTERNAL + NO_CDROM, Consistency.MEMORY),
        # A writable disk that was left out is of another time than the memory that knows it.
        ("running", RAM_FILE, EXTERNAL + NO_LOG, Consistency.UNKNOWN),
        ("running", RAM, EXTERNAL.replace("external", "manual"), Consistency.UNKNOWN),
        ("running", RAM, "    <disk name='gone' snapshot='no'/>\n", Consistency.UNKNOWN),
        ("shutoff", RAM, INTERNAL, Consistency.UNKNOWN),
        ("disk-snapshot", RAM, INTERNAL, Consistency.UNKNOWN),
        ("shutoff", NONE, INTERNAL, Consistency.CLEAN),
        ("shutoff", NONE, EXTERNAL + NO_LOG, Consistency.CLEAN),
        ("disk-snapshot", NONE, EXTERNAL, Consistency.CRASH),
        ("disk-snapshot", NONE, EXTERNAL + NO_CDROM, Consistency.CRASH),
        ("running", NONE, EXTERNAL, Consistency.CRASH),
        ("paused", NONE, EXTERNAL, Consistency.CRASH),
        ("crashed", NONE, INTERNAL, Consistency.CRASH),
        ("nostate", NONE, INTERNAL, Consistency.UNKNOWN),
        ("dancing", NONE, INTERNAL, Consistency.UNKNOWN),
        ("shutoff", None, INTERNAL, Consistency.UNKNOWN),
        ("shutoff", "<memory snapshot='dancing'/>", INTERNAL, Consistency.UNKNOWN),
        ("shutoff", NONE, None, Consistency.UNKNOWN),
        ("disk-snapshot", NONE, NO_CDROM, Consistency.UNKNOWN),
    ],
)
def test_consistency(state: str, memory: str | None, disks: str | None, consistency: Consistency) -> None:
    assert read(snapshot(state=state, memory=memory, disks=disks)).consistency is consistency


@pytest.mark.parametrize(
    ("state", "memory", "notes", "consistency"),
    [
        ("disk-snapshot", NONE, noted(), Consistency.FILESYSTEM),
        ("disk-snapshot", NONE, noted(created=1795450001), Consistency.CRASH),  # an earlier one of that name
        ("disk-snapshot", NONE, noted(name="s2"), Consistency.CRASH),
        ("shutoff", NONE, noted(), Consistency.CLEAN),
        ("running", RAM, noted(), Consistency.MEMORY),
        ("dancing", NONE, noted(), Consistency.UNKNOWN),
    ],
)
def test_a_note_proves_frozen_file_systems(state: str, memory: str, notes: Notes, consistency: Consistency) -> None:
    found = read(snapshot(state=state, memory=memory, disks=EXTERNAL), notes=notes)
    assert found.consistency is consistency
    assert found.protected == (("s1", 1795450000) in notes)


def test_left_out_disks() -> None:
    found = read(snapshot(disks=EXTERNAL + NO_LOG + NO_CDROM, state="disk-snapshot"))
    assert found.missing == ("vdc", "sda")


@pytest.mark.parametrize(
    ("memory", "disks", "kind"),
    [
        (NONE, INTERNAL, SnapshotKind.INTERNAL),
        (NONE, EXTERNAL + NO_CDROM, SnapshotKind.EXTERNAL),
        (NONE, INTERNAL + EXTERNAL.replace("vda", "vdb"), SnapshotKind.MIXED),
        (RAM_FILE, INTERNAL, SnapshotKind.MIXED),
        (RAM_FILE, NO_CDROM, SnapshotKind.EXTERNAL),
        (NONE, None, SnapshotKind.UNKNOWN),
    ],
)
def test_kind(memory: str, disks: str | None, kind: SnapshotKind) -> None:
    assert read(snapshot(memory=memory, disks=disks)).kind is kind


@pytest.mark.parametrize(
    ("written", "meant", "shown"),
    [
        ("a&lt;b&gt; &amp; &quot;c&quot;", 'a<b> & "c"', 'a<b> & "c"'),
        ("it's [red]fine[/]", "it's [red]fine[/]", "it's [red]fine[/]"),
        ("two\nlines", "two\nlines", "two␊lines"),
        ("🦆 " + "x" * 200, "🦆 " + "x" * 200, "🦆 " + "x" * 200),
        ("a&#13;b", "a\rb", "a␍b"),
        ("&lt;/name&gt;&lt;parent&gt;", "</name><parent>", "</name><parent>"),
    ],
)
def test_hostile_names(written: str, meant: str, shown: str) -> None:
    found = read(snapshot(name=written, parent=written), current=meant)
    assert (found.id, found.parent, found.name, found.current) == (meant, meant, shown, True)


@pytest.mark.parametrize(
    "text",
    [
        snapshot(),
        snapshot(name="a b", description="two\nlines", parent="p q", memory=RAM_FILE, disks=EXTERNAL + NO_LOG),
        snapshot(description="", state="disk-snapshot", disks=EXTERNAL + INTERNAL),
        snapshot(after_disks="  <revertDisks>\n" + EXTERNAL + "  </revertDisks>\n"),
    ],
)
def test_the_quick_way_and_the_proper_one_agree(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_text: str) -> module.Head:
        raise AssertionError("libvirt's own layout is read the quick way")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_parsed_head", refuse)
        quick = read_head(text)
    proper = module._parsed_head(text)
    assert quick._replace(disks="") == proper._replace(disks="")
    assert shape_of(quick.state, "no", "", quick.disks) == shape_of(quick.state, "no", "", proper.disks)


@pytest.mark.parametrize(
    "move", ["  <parent>\n    <name>p</name>\n  </parent>\n", "  <description>said</description>\n"]
)
def test_elements_are_found_behind_the_domain_too(move: str) -> None:
    text = snapshot(parent="p", description="said").replace(move, "")
    found = read(text.replace("</domainsnapshot>", move + "</domainsnapshot>"))
    assert (found.parent, found.description) == ("p", "said")


def test_any_order_and_layout() -> None:
    found = read(
        "<domainsnapshot><domain><name>vm</name><description>not this</description></domain>"
        "<disks><disk snapshot='external' name='vda'><source file='/o'/></disk></disks><memory snapshot='no'/>"
        "<!-- <parent><name>liar</name></parent> --><creationTime>5</creationTime><state>shutoff</state>"
        "<name>s</name></domainsnapshot>"
    )
    assert (found.id, found.parent, found.description) == ("s", None, "")
    assert found.created == datetime.fromtimestamp(5, UTC)
    assert found.consistency is Consistency.CLEAN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "junk",
        snapshot()[:-30],
        snapshot().replace("s1", "", 1),
        snapshot().replace("1795450000", "yesterday"),
        snapshot().replace("1795450000", "99999999999999"),
        snapshot().replace("<domainsnapshot>", "<checkpoint>").replace("</domainsnapshot>", "</checkpoint>"),
        "<!DOCTYPE a [<!ENTITY b 'c'>]>" + snapshot(name="&b;"),
    ],
    ids=["empty", "junk", "cut off", "no name", "no time", "end of time", "other thing", "entities"],
)
def test_a_broken_record_is_shown_as_such(text: str) -> None:
    found = read(text, current="listed name")
    assert (found.id, found.name, found.current) == ("listed name", "listed name", True)
    assert not found.ready
    assert "cannot be read" in found.error
    assert found.consistency is Consistency.UNKNOWN


def test_snapshots_that_are_alike_share_their_disks() -> None:
    first, second = (read(snapshot(name=name, disks=EXTERNAL)) for name in ("a", "b"))
    assert first.disks is second.disks
