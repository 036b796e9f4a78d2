"""Who descends from whom, also where the parents make no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.snapshots import family, from_parents, snapshot
from vmsnap_tui.model.forest import Forest

if TYPE_CHECKING:
    import random


def test_relations() -> None:
    forest = Forest(family("a b<a c<a d<b* e<b"))
    assert forest.roots == ("a",)
    assert forest.children("a") == ("b", "c")
    assert forest.parent("e") == "b"
    assert list(forest.ancestors("d")) == ["b", "a"]
    assert list(forest.descendants("a")) == ["b", "d", "e", "c"]
    assert forest.current == "d"
    assert forest.lineage == {"a", "b", "d"}
    assert not forest.orphans
    assert not forest.cyclic


def test_siblings_stand_in_order_of_time_then_id() -> None:
    forest = Forest([snapshot("z", "a", 1), snapshot("y", "a", 1), snapshot("x", "a", 2), snapshot("a")])
    assert forest.children("a") == ("y", "z", "x")


def test_orphan_is_a_marked_root() -> None:
    forest = Forest(family("a b<gone c<b"))
    assert forest.roots == ("a", "b")
    assert forest.orphans == {"b"}
    assert forest.parent("b") is None


@pytest.mark.parametrize(
    ("text", "cyclic", "roots"),
    [
        ("a<a", {"a"}, ("a",)),
        ("a<b b<a", {"a", "b"}, ("a",)),
        ("a<c b<a c<b d<b e", {"a", "b", "c"}, ("a", "e")),
        ("a<b b<a c<d d<c", {"a", "b", "c", "d"}, ("a", "c")),
    ],
)
def test_cycle_is_broken_at_its_oldest_and_marked(text: str, cyclic: set[str], roots: tuple[str, ...]) -> None:
    forest = Forest(family(text))
    assert forest.cyclic == cyclic
    assert forest.roots == roots
    assert {*roots, *(below for root in roots for below in forest.descendants(root))} == set(forest.snapshots)


def test_current_inside_a_cycle_has_an_end() -> None:
    forest = Forest(family("a<c b<a c<b*"))
    assert forest.lineage == {"a", "b", "c"}


def test_ten_thousand_in_a_straight_line() -> None:
    forest = Forest(from_parents({n: n - 1 if n else None for n in range(10_000)}, current=9_999))
    assert len(list(forest.ancestors("9999"))) == 9_999
    assert len(list(forest.descendants("0"))) == 9_999


@given(st.lists(st.integers(0, 20), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_any_parents_make_a_forest_whatever_the_order(parents: list[int], dice: random.Random) -> None:
    """Self-parents, cycles and parents that are gone included."""
    known = from_parents(dict(enumerate(parents)))
    forest = Forest(known)
    found = [*forest.roots, *(below for root in forest.roots for below in forest.descendants(root))]
    assert sorted(found) == sorted(forest.snapshots)
    for id_ in forest.snapshots:
        *_, top = [id_, *forest.ancestors(id_)]
        assert top in forest.roots
    shuffled = dice.sample(known, len(known))
    again = Forest(shuffled)
    assert (again.roots, again.cyclic, again.orphans) == (forest.roots, forest.cyclic, forest.orphans)
    assert all(again.children(id_) == forest.children(id_) for id_ in forest.snapshots)
