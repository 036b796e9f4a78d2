"""What others depend on comes first, and nothing is lost on the way."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from vmsnap_tui.model.lab import LabRule
from vmsnap_tui.model.order import waves
from vmsnap_tui.model.vm import Vm, VmRef
from vmsnap_tui.present.order import in_words

RULE = LabRule("x", order=("dc-*", "kvm/db-01", "tag:queue"))


@given(some.lists(some.tuples(some.integers(0, 5), some.integers())), some.booleans())
def test_waves_keep_all_in_order(things: list[tuple[int, int]], last_first: bool) -> None:
    found = waves(things, lambda each: each[0], last_first=last_first)
    assert sorted(each for wave in found for each in wave) == sorted(things)
    ranks = [{each[0] for each in wave} for wave in found]
    assert all(len(rank) == 1 for rank in ranks)
    order = [min(rank) for rank in ranks]
    assert all((first > second) if last_first else (first < second) for first, second in pairwise(order))
    for wave in found:
        assert list(wave) == [each for each in things if each[0] == wave[0][0]]


@pytest.mark.parametrize(
    ("name", "tags", "rank"), [("dc-02", (), 0), ("db-01", (), 1), ("mq", ("queue",), 2), ("web", ("x",), 3)]
)
def test_its_place_in_a_lab(name: str, tags: tuple[str, ...], rank: int) -> None:
    assert RULE.rank(Vm(VmRef("kvm", name), name, tags=tags)) == rank


def test_in_words() -> None:
    vms = [Vm(VmRef("kvm", name), name) for name in ("web-1", "dc-01", "db-01", *(f"s{number}" for number in range(9)))]
    assert in_words(waves(vms, RULE.rank)) == "first dc-01, then db-01, then 10 others"
    assert in_words(waves(vms, LabRule("x").rank)) == ""
    assert in_words(waves(vms, RULE.rank, last_first=True)).startswith("first 10 others, then db-01")
