"""Lines of the graph: what they say, and that they fit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.unit.snapshots import START, family, snapshot
from vmsnap_tui.model.forest import Forest
from vmsnap_tui.model.lanes import lay_out
from vmsnap_tui.model.snapshot import Consistency, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.present.graph import TRUNK, Columns, cut, fit_columns, line, picture
from vmsnap_tui.present.marks import Flag, mark

LATER = START + timedelta(days=2)


def drawn(known: list[Snapshot], width: int = 80) -> list[str]:
    forest = Forest(known)
    return picture(lay_out(forest), forest, width, LATER, VmState.RUNNING)


def history() -> list[Snapshot]:
    base, good, bad, best = family("base good<base bad<base best<good*")
    return [
        replace(base, consistency=Consistency.CLEAN, kind=SnapshotKind.INTERNAL, size=2 << 30, protected=True),
        replace(good, consistency=Consistency.FILESYSTEM, kind=SnapshotKind.EXTERNAL, size=512 << 20),
        replace(bad, consistency=Consistency.CRASH, kind=SnapshotKind.EXTERNAL, ready=False, error="boom"),
        replace(best, consistency=Consistency.MEMORY, kind=SnapshotKind.EXTERNAL),
    ]


def test_a_vm_that_was_started_from_a_snapshot_hangs_below_it() -> None:
    base, good = family("base good<base*")
    assert drawn([replace(base, forks=("copy", "copy-2")), good], 50) == [
        "? base                             2 d  unknown",
        "├─▹ copy  started from it",
        "├─▹ copy-2  started from it",
        "? good  ◂ current                  1 d  unknown",
        "◎ you are here  ● running",
    ]


WIDE = """\
■ base  ⊠ protected                        2 d  clean       internal     2.0 GiB
├─○ bad  ✗ failed                          1 d  crash       external
◆ good                                     1 d  filesystem  external   512.0 MiB
● best  ◂ current                          1 d  memory      external
◎ you are here  ● running"""

MEDIUM = """\
■ base  ⊠ protected                2 d  clean
├─○ bad  ✗ failed                  1 d  crash
◆ good                             1 d  filesystem
● best  ◂ current                  1 d  memory
◎ you are here  ● running"""

NARROW = """\
■ base ⊠
├─○ bad ✗
◆ good
● best ◂
◎ you are here"""


@pytest.mark.parametrize(("width", "expected"), [(80, WIDE), (50, MEDIUM), (20, NARROW)])
def test_picture(width: int, expected: str) -> None:
    assert "\n".join(drawn(history(), width)) == expected


def test_dashed_line_where_a_parent_is_inferred() -> None:
    a, b, c, d = family("a b<a c<a d<b*")
    lines = drawn([a, replace(b, inferred=True), replace(c, inferred=True), d], 60)
    assert lines[1].startswith("├┄? c  ≈ inferred")
    assert drawn([a, replace(b, inferred=True), c, snapshot("e", "c", 9), d], 60)[2].startswith("┊ ? e")


@pytest.mark.parametrize(
    ("flag", "known"),
    [
        (Flag.CURRENT, family("a*")),
        (Flag.PROTECTED, [replace(snapshot("a"), protected=True)]),
        (Flag.FAILED, [replace(snapshot("a"), ready=False, error="boom")]),
        (Flag.NOT_READY, [replace(snapshot("a"), ready=False)]),
        (Flag.PARTIAL, [replace(snapshot("a"), disks=(SnapshotDisk("vda"), SnapshotDisk("vdb", included=False)))]),
        (Flag.INFERRED, [replace(snapshot("a"), inferred=True)]),
        (Flag.ORPHAN, family("a<gone")),
        (Flag.CYCLE, family("a<a")),
    ],
)
def test_flag_is_seen_as_glyph_and_word(flag: Flag, known: list[Snapshot]) -> None:
    assert mark(flag).text in drawn(known)[0]
    assert mark(flag).glyph in drawn(known, 24)[0]
    assert mark(flag).word not in drawn([snapshot("a")])[0]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("short", "? short  ◂ current             2 d  unknown"),
        ("a name that just fits", "? a name that just fits ◂      2 d  unknown"),
        ("a name that never fits in there", "? a name that n…  ◂ current    2 d  unknown"),
    ],
)
def test_name_goes_before_the_words_of_flags_where_that_saves_it(name: str, shown: str) -> None:
    assert drawn([replace(family("a*")[0], name=name)], 46)[0] == shown


def test_only_the_way_to_now_is_drawn_as_the_trunk() -> None:
    forest = Forest(family("a b<a c<b d<b e<d f<a*"))
    rows = lay_out(forest)
    columns = fit_columns(60, forest.snapshots.values())
    trunks = [
        [piece.text for piece in line(row, forest, columns, LATER, VmState.OFF) if piece.style == TRUNK] for row in rows
    ]
    assert trunks == [[], ["├"], ["│"], ["│"], ["│"], [], []]


def test_columns_without_a_value_are_left_out() -> None:
    assert fit_columns(100, [snapshot("a")]) == Columns(100, age=True, consistency=True)
    assert fit_columns(100, history()) == Columns(100, age=True, consistency=True, size=True, kind=True)


def test_deep_branches_are_cut_on_the_left() -> None:
    """The marker and the last lanes stay, and the name has its place."""
    halves = " ".join(f"n{n}<n{(n - 1) // 2}" for n in range(1, 127))
    forest = Forest(family(f"n0 {halves}"))
    deepest = max(lay_out(forest), key=lambda row: row.lane)
    assert deepest.lane == 7
    whole, narrow = (
        "".join(piece.text for piece in line(deepest, forest, Columns(width), LATER, VmState.OFF)).rstrip()
        for width in (40, 14)
    )
    assert whole == f"  │ │ │ │ │ ├─? {deepest.node}"
    assert narrow == f"… │ ├─? {deepest.node}"


NAMES = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs", "Cc"]),
        st.sampled_from("[bold]<>&\"'…你😀e\u0301"),
    ),
    max_size=200,
)


@given(
    st.lists(st.tuples(NAMES, st.booleans(), st.integers(0, 9)), min_size=1, max_size=10),
    st.integers(0, 140),
)
def test_every_line_is_exactly_as_wide_as_it_may_be(said: list[tuple[str, bool, int]], width: int) -> None:
    known = [
        replace(
            snapshot(str(index), str(parent) if parent < index else None, index),
            name=name,
            ready=ready,
            size=index << 30,
            kind=SnapshotKind.EXTERNAL,
            protected=ready,
        )
        for index, (name, ready, parent) in enumerate(said)
    ]
    forest = Forest(known)
    columns = fit_columns(width, known)
    for row in lay_out(forest):
        text = "".join(piece.text for piece in line(row, forest, columns, LATER, VmState.RUNNING))
        assert cell_len(text) == width


@given(NAMES, st.integers(0, 50))
def test_cut_keeps_within_its_width(text: str, width: int) -> None:
    shown = cut(text, width)
    assert cell_len(shown) <= width
    assert shown == text or width == 0 or shown.endswith("…")
