"""What restore --at does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Vmsnap
    from vmsnap_tui.model.snapshot import Snapshot

GROUP = ("student-01", "student-02", "web-01")


def test_a_dry_run_names_picks_losses_and_spread(vmsnap: Vmsnap) -> None:
    ended = vmsnap("restore", "--at", "-3h", "student-0[12]", "db-prod-01", "--dry-run")
    assert ended.code == Exit.OK
    assert [line.split()[1] for line in ended.out.splitlines()[1:]] == ["student-01", "student-02", "db-prod-01"]
    assert "before" in ended.out
    assert "are" in ended.err
    assert "apart" in ended.err
    assert "db-prod-01: ⊗ lost, changes: vda, vdb" in ended.err


def test_all_are_put_back(vmsnap: Vmsnap) -> None:
    told = vmsnap("restore", "--at=-3h", *GROUP, "--yes", "--json").json
    assert [part["vm_name"] for part in told["parts"]] == list(GROUP)
    assert all(part["done"] and part["job"]["state"] == "done" for part in told["parts"])
    assert told["spread"] > 86_400
    assert all(part["off"] < 0 for part in told["parts"])


def test_one_that_has_none_is_named_and_left_alone(vmsnap: Vmsnap) -> None:
    ended = vmsnap("restore", "--at", "20 years ago", "student-01", "--yes")
    assert ended.code == Exit.REFUSED
    assert "student-01: it has no snapshot that fits" in ended.err
    told = vmsnap("restore", "--at", "-3h", "ceph-gw", "student-01", "--yes", "--json").json
    assert [each["done"] for each in told["parts"]] == [False, True]
    assert (told["spread"], told["parts"][0]["off"]) == (0, None)


def test_wrong_clocks_are_flagged(vmsnap: Vmsnap, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(snapshots: tuple[Snapshot, ...], _now: object) -> frozenset[str]:
        return frozenset(each.id for each in snapshots if each.name == "baseline")

    monkeypatch.setattr("vmsnap_tui.cli.verbs.moment.wrong_clock", wrong)
    ended = vmsnap("restore", "--at", "-3h", "student-01", "web-01", "--dry-run")
    assert "student-01: ▲ a clock was wrong: “baseline” lies ahead of now" in ended.err
    assert "web-01: ▲ a clock" not in ended.err
    parts = vmsnap("restore", "--at", "-3h", "student-01", "web-01", "--dry-run", "--json").json["parts"]
    assert [part["wrong_clock"] for part in parts] == [["baseline"], []]


def test_all_or_nothing_does_nothing_where_one_cannot(vmsnap: Vmsnap) -> None:
    ended = vmsnap("restore", "--at", "-3h", "ceph-gw", "student-01", "--yes", "--all-or-nothing")
    assert ended.code == Exit.REFUSED
    assert "All or nothing: so nothing is done." in ended.err
    parts = vmsnap("restore", "--at", "-3h", *GROUP, "--yes", "--all-or-nothing", "--json").json["parts"]
    assert all(part["done"] for part in parts)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("student-01", "--at", "whenever"), Exit.USAGE, "no time that is understood"),
        (("nobody-*", "--at", "-3h"), Exit.MISSING, "no vm is called like nobody-*"),
        (("student-01", "--at", "-3h"), Exit.CANCELLED, "confirm with --yes"),
    ],
)
def test_bad_words(vmsnap: Vmsnap, words: tuple[str, ...], code: Exit, said: str) -> None:
    ended = vmsnap("restore", *words)
    assert (ended.code, said in ended.err) == (code, True), ended.err


def test_a_single_one_to_a_snapshot_is_as_before(vmsnap: Vmsnap) -> None:
    assert vmsnap("restore", "student-01", "baseline", "--yes").code == Exit.OK
    assert "--at" in vmsnap("restore", "--help").out
    assert "--all-or-nothing" in vmsnap("restore", "--at", "x", "--help").out
