"""What differs between two moments, without any platform."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from vmsnap_tui.model.compare import Change, Comparison, DiskChange, Fate, changed, difference, disk_changes, in_order
from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.snapshot import SnapRef, Snapshot, SnapshotDisk
from vmsnap_tui.model.survey import Holdings
from vmsnap_tui.model.vm import Disk, Vm, VmRef
from vmsnap_tui.present import compare as present

VM = VmRef("s", "vm")
WHEN = datetime(2026, 3, 1, tzinfo=UTC)


def snapshot(id_: str, *disks: str, after: int = 0, missing: tuple[str, ...] = ()) -> Snapshot:
    parts = [*(SnapshotDisk(disk) for disk in disks), *(SnapshotDisk(disk, included=False) for disk in missing)]
    return Snapshot(SnapRef(VM, id_), id_, WHEN + timedelta(hours=after), disks=tuple(parts))


MON, TUE, TRY = snapshot("mon", "vda"), snapshot("tue", "vda", after=24), snapshot("try", "vda", after=30)
CHAIN = (
    Layer("vda", LayerKind.ACTIVE, "c", used=1, virtual=20, below="b"),
    Layer("vda", LayerKind.OVERLAY, "b", used=10, virtual=20, snapshots=("tue",), below="a"),
    Layer("vda", LayerKind.BASE, "a", used=100, virtual=10, snapshots=("mon", "tue", "try")),
    Layer("vda", LayerKind.OVERLAY, "t", used=1000, virtual=10, snapshots=("try",), below="a", aside=True),
)


def held(*layers: Layer, disks: tuple[str, ...] = ("vda",)) -> Holdings:
    return Holdings(Vm(VM, "web", disks=tuple(Disk(disk) for disk in disks)), (MON, TUE, TRY), layers)


@pytest.mark.parametrize(
    ("older", "newer", "most"),
    [(TUE, None, 1), (MON, None, 11), (MON, TUE, 10), (TUE, TRY, 1010), (TRY, None, 1011)],
)
def test_only_layers_of_one_moment_alone_can_differ(older: Snapshot, newer: Snapshot | None, most: int) -> None:
    assert changed(CHAIN, "vda", older, newer) == most


def test_what_the_storage_does_not_tell_is_not_made_up() -> None:
    inside = Layer("vda", LayerKind.INTERNAL, "a#mon", snapshots=("mon",))
    assert changed((*CHAIN, inside), "vda", MON, None) is None
    volumes = (
        Layer("vda", LayerKind.VOLUME, "v", used=5),
        Layer("vda", LayerKind.VOLUME_SNAPSHOT, "vs", used=5, snapshots=("mon",)),
    )
    assert changed(volumes, "vda", MON, None) is None
    unknown = Layer("vda", LayerKind.ACTIVE, "c", below="b")
    assert changed((unknown, *CHAIN[1:]), "vda", TUE, None) is None
    assert changed(CHAIN, "vda", snapshot("elsewhere", "vda"), None) is None


def test_disks_that_came_and_went() -> None:
    older = snapshot("mon", "vda", "vdz", missing=("vdx",))
    found = list(disk_changes(held(*CHAIN, disks=("vda", "vdb", "vdx")), older, None))
    assert found == [
        DiskChange("vda", Fate.RESIZED, 10, 20, 11),
        DiskChange("vdb", Fate.ADDED),
        DiskChange("vdx", Fate.LEFT_OUT),
        DiskChange("vdz", Fate.REMOVED),
    ]


def test_no_more_is_written_than_the_disk_can_hold() -> None:
    [found] = disk_changes(held(*CHAIN), TUE, TRY)
    assert found.changed == 20


def test_the_older_moment_comes_first() -> None:
    assert in_order(None, MON) == in_order(MON, None) == (MON, None)
    assert in_order(TUE, MON) == in_order(MON, TUE) == (MON, TUE)


def test_a_difference_reads_like_diff() -> None:
    before = "\n".join(f"line {number}" for number in range(30))
    after = before.replace("line 12\n", "other\n")
    lines = [present.diff_text(line) for line in difference(before, after)]
    assert lines == [
        *("⋯", "  line 9", "  line 10", "  line 11", "- line 12", "+ other", "  line 13", "  line 14", "  line 15"),
    ]
    assert difference(before, before) == ()


texts = some.lists(some.sampled_from("abc"), max_size=30)


@given(texts, texts)
def test_a_difference_has_just_what_was_removed_and_added(before: list[str], after: list[str]) -> None:
    lines = difference("\n".join(before), "\n".join(after))
    same = [line.text for line in lines if line.change is Change.SAME]
    removed = [line.text for line in lines if line.change is Change.REMOVED]
    added = [line.text for line in lines if line.change is Change.ADDED]
    assert len(before) - len(removed) == len(after) - len(added) >= len(same)
    assert (not lines) == (before == after)


def test_what_is_shown() -> None:
    disks = tuple(disk_changes(held(*CHAIN), MON, None))
    shown = ["".join(piece.text for piece in line) for line in present.lines(Comparison(VM, MON, None, disks=disks))]
    assert shown == [
        "Disks",
        "  vda           10 B → 20 B  resized, at most 11 B written",
        "",
        "Definition",
        "  the same, but for what the platform changes by itself",
    ]
    unknown = Comparison(VM, MON, None, unknown="no definition is kept")
    assert "  not known: no definition is kept" in ["".join(p.text for p in line) for line in present.lines(unknown)]
    assert present.title(MON, None) == "mon → now"
