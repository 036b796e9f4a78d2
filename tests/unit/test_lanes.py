"""The lane layout: pictures, and what must hold of every drawing."""

from __future__ import annotations

import random
import time
from math import log2
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.snapshots import family, from_parents
from vmsnap_tui.model.forest import Forest
from vmsnap_tui.model.lanes import NOW, Join, Node, Row, lane_count, lay_out
from vmsnap_tui.present.graph import lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vmsnap_tui.model.snapshot import Snapshot

PICTURES = {
    "straight": (
        "a b<a c<b*",
        """
        ? a
        ? b
        ? c
        ◎ now
        """,
    ),
    "restored to the middle": (
        "a b<a* c<b d<c",
        """
        ? a
        ? b
        ├─? c
        │ ? d
        ◎ now
        """,
    ),
    "the way to now is straight, however short": (
        "a b<a c<b d<c e<a*",
        """
        ? a
        ├─? b
        │ ? c
        │ ? d
        ? e
        ◎ now
        """,
    ),
    "a star reuses its lane": (
        "a b<a c<a d<a* e<a",
        """
        ? a
        ├─? b
        ├─? c
        ├─? e
        ? d
        ◎ now
        """,
    ),
    "branches of branches": (
        "a b<a c<b d<b e<d f<a* g<d",
        """
        ? a
        ├─? b
        │ ├─? c
        │ ? d
        │ ├─? e
        │ ? g
        ? f
        ◎ now
        """,
    ),
    "the larger of two trees keeps the lane": (
        "r* a<r b<a c<a d<c e<c f<e",
        """
        ? r
        ├─? a
        │ ├─? b
        │ ? c
        │ ├─? d
        │ ? e
        │ ? f
        ◎ now
        """,
    ),
    "several trees say where each begins": (
        "a b<a* c d<c e<gone",
        """
        ╶─? a
          ? b
          ◎ now
        ╶─? c
          ? d
        ╶─? e
        """,
    ),
    "nobody knows where now is": (
        "a b<a",
        """
        ╶─? a
          ? b
        ╶─◎ now
        """,
    ),
    "a cycle is cut open": (
        "a<b b<a c<b*",
        """
        ? a
        ? b
        ? c
        ◎ now
        """,
    ),
    "nothing": (
        "",
        """
        ◎ now
        """,
    ),
}


def drawn(rows: tuple[Row, ...], forest: Forest) -> list[str]:
    """The graph as text, with ids for names."""
    return [
        "".join(piece.text for piece in lanes(row, forest, 1000)) + (" now" if row.node is NOW else f" {row.node}")
        for row in rows
    ]


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str) -> None:
    text, expected = PICTURES[name]
    forest = Forest(family(text))
    picture = [line[8:] for line in expected.strip("\n").splitlines()[:-1]]
    assert drawn(lay_out(forest), forest) == picture


def read_back(lines: list[str]) -> dict[str, str | None]:
    """Parents as an eye finds them in a drawing: follow the line up from each node."""
    parents: dict[str, str | None] = {}
    last: dict[int, str] = {}  # the node whose line goes down in each column
    for line in lines:
        column = next(at for at, char in enumerate(line) if char in "?◎")
        name = line[column + 2 :]
        assert all(line[at] in "│ ├╶" for at in range(0, column, 2))
        assert all(char == " " for char in line[1 : max(0, column - 2) : 2])
        assert all(at in last for at, char in enumerate(line[:column]) if char in "│├")
        joint = line[column - 2 : column] if column else ""
        if joint == "├─":
            parents[name] = last[column - 2]
        elif joint == "╶─":
            parents[name] = None
        else:
            parents[name] = last.get(column)
        last = {at: node for at, node in last.items() if at < column} | {column: name}
    return parents


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """Snapshots below earlier ones or below none, one of them or none current."""
    count = draw(st.integers(1, 40))
    parents = {n: draw(st.one_of(st.none(), st.integers(0, n - 1))) if n else None for n in range(count)}
    return from_parents(parents, draw(st.one_of(st.none(), st.integers(0, count - 1))))


@given(histories())
def test_the_eye_finds_every_parent_in_the_drawing(known: list[Snapshot]) -> None:
    """Every snapshot once, each below its own parent, no line through another's."""
    forest = Forest(known)
    lines = drawn(lay_out(forest), forest)
    expected = {id_: forest.parent(id_) for id_ in forest.snapshots} | {"now": forest.current}
    assert len(lines) == len(expected)
    assert read_back(lines) == expected


@given(histories())
def test_no_two_lanes_collide(known: list[Snapshot]) -> None:
    """A line that a row shows is still waiting for its end, which comes below in that very lane."""
    rows = lay_out(Forest(known))
    at = {row.node: index for index, row in enumerate(rows)}
    for index, row in enumerate(rows):
        assert len(row.rails) == row.lane
        for lane, leads_to in enumerate(row.rails):
            if leads_to is None:
                assert lane == 0
                continue
            end = at[leads_to]
            assert end > index
            assert rows[end].lane == lane
            assert all(between.lane > lane for between in rows[index:end])


@given(histories(), st.randoms(use_true_random=False))
def test_the_same_whatever_the_order_it_is_told_in(known: list[Snapshot], dice: random.Random) -> None:
    assert lay_out(Forest(known)) == lay_out(Forest(dice.sample(known, len(known))))


@given(histories())
def test_few_lanes(known: list[Snapshot]) -> None:
    """At most as many as there are ends, and no more than the logarithm allows."""
    forest = Forest(known)
    rows = lay_out(forest)
    inner: set[Node | None] = {forest.current}
    inner.update(forest.parent(id_) for id_ in forest.snapshots)
    ends = [row for row in rows if row.node not in inner]
    assert lane_count(rows) <= len(ends)
    assert lane_count(rows) <= 3 + log2(len(rows))


@given(histories())
def test_the_way_to_now_is_one_straight_line(known: list[Snapshot]) -> None:
    forest = Forest(known)
    rows = {row.node: row for row in lay_out(forest)}
    way: list[Node] = [NOW, *forest.lineage]
    assert len({rows[node].lane for node in way}) == 1
    assert [rows[node].join for node in way].count(Join.ROOT) == 1


@pytest.mark.parametrize("count", [1, 2, 50])
def test_straight_history_uses_one_lane(count: int) -> None:
    known = from_parents({n: n - 1 if n else None for n in range(count)}, current=count - 1)
    assert lane_count(lay_out(Forest(known))) == 1


FEW, MANY = 1_000, 10_000
SHAPES: dict[str, Callable[[int], int | None]] = {
    "straight": lambda n: n - 1 if n else None,
    "comb": lambda n: (n - 1 if n % 2 else n - 2) if n > 1 else (0 if n else None),
    "star": lambda n: 0 if n else None,
    "random": lambda n: random.Random(n).randrange(n) if n else None,
    "apart": lambda _: None,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_ten_thousand_take_about_ten_times_as_long_as_one_thousand(shape: str) -> None:
    """Ratios, since a busy machine and the coverage tracer stretch all times; a square would make it a hundred."""

    def laid_out(many: int) -> tuple[Sequence[Row], float]:
        known = from_parents({n: SHAPES[shape](n) for n in range(many)}, current=many // 2)
        began = time.process_time()
        rows = lay_out(Forest(known))
        return rows, time.process_time() - began

    rows, _ = laid_out(MANY)
    assert len(rows) == MANY + 1
    assert (rows[0].node, rows[0].join) == ("0", Join.ROOT)
    assert lane_count(rows) <= 3 + log2(MANY)
    assert min(laid_out(MANY)[1] for _ in range(3)) < 30 * min(laid_out(FEW)[1] for _ in range(5))
