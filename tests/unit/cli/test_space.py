"""What space prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.model.space import SHARED, By

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Vmsnap


@pytest.mark.parametrize(
    ("by", "words"),
    [(By.SITE, "kvm"), (By.VM, "db-prod-01"), (By.SNAPSHOT, "(estimate"), (By.AGE, "this week")],
)
def test_each_grouping_with_bars(vmsnap: Vmsnap, by: By, words: str) -> None:
    ended = vmsnap("space", "--by", by.value)
    assert ended.code == Exit.OK
    assert words in ended.out
    assert "iB" in ended.out


def test_json_is_exact_and_sorted(vmsnap: Vmsnap) -> None:
    told = vmsnap("space", "--json").json
    assert told["by"] == "vm"
    sizes = [use["used"] for use in told["uses"]]
    assert sizes == sorted(sizes, reverse=True)
    assert [use["label"] for use in told["uses"]].count(SHARED) == 1


def test_of_one_vm(vmsnap: Vmsnap) -> None:
    told = vmsnap("space", "db-prod-01", "--json").json
    assert [use["label"] for use in told["uses"]] == ["db-prod-01"]
    assert vmsnap("space", "nobody").code == Exit.MISSING
