"""What compare prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.cli.exits import Exit

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Vmsnap


def test_with_now(vmsnap: Vmsnap) -> None:
    ended = vmsnap("compare", "db-prod-01", "installed")
    assert ended.code == Exit.OK
    assert ended.out.startswith("db-prod-01: installed → now\n")
    assert "there all along, at most" in ended.out
    assert "-   <vcpu>4</vcpu>" in ended.out
    assert "+   <vcpu>8</vcpu>" in ended.out


def test_two_snapshots_whichever_way_round(vmsnap: Vmsnap) -> None:
    one = vmsnap("compare", "db-prod-01", "weekly-46", "installed", "--json").json["comparison"]
    other = vmsnap("compare", "db-prod-01", "installed", "weekly-46", "--json").json["comparison"]
    assert one == other
    assert (one["older"]["name"], one["newer"]["name"]) == ("installed", "weekly-46")
    assert {line["change"] for line in one["lines"]} == {"same", "added", "removed", "gap"} - (
        set() if one["lines"][0]["change"] == "gap" else {"gap"}
    )
    assert {disk["fate"] for disk in one["disks"]} == {"kept"}


def test_what_is_not_there(vmsnap: Vmsnap) -> None:
    assert vmsnap("compare", "db-prod-01", "installed", "installed").code == Exit.CONFLICT
    assert vmsnap("compare", "db-prod-01", "nothing").code == Exit.MISSING
