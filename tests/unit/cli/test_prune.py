"""What prune does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Vmsnap


def test_a_dry_run_says_what_would_go_and_what_that_frees(vmsnap: Vmsnap) -> None:
    ended = vmsnap("prune", "db-prod-01", "--keep-last", "3", "--monthly", "2", "--dry-run")
    assert ended.code == Exit.OK
    assert "goes" in ended.out
    assert "last, monthly" in ended.out
    assert "would go, which frees" in ended.err


def test_what_goes_is_gone_and_the_rest_is_left(vmsnap: Vmsnap) -> None:
    told = vmsnap("prune", "web-0*", "--keep-last", "1", "--yes", "--json").json
    assert {vm["vm_name"] for vm in told["vms"]} == {"web-01", "web-02", "web-03"}
    snapshots = [each for vm in told["vms"] for each in vm["snapshots"]]
    assert any(each["deleted"] for each in snapshots)
    assert all(not each["deleted"] for each in snapshots if each["kept"])
    assert all(each["deleted"] or each["problem"] for each in snapshots if not each["kept"])


def test_nothing_to_do(vmsnap: Vmsnap) -> None:
    ended = vmsnap("prune", "db-prod-01", "--keep-last", "99", "--yes")
    assert ended.code == Exit.OK
    assert "Nothing would go." in ended.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("db-prod-01",), Exit.USAGE, "Say what is kept"),
        (("db-prod-01", "--keep-last", "-1"), Exit.USAGE, "keep-last"),
        (("nobody", "--keep-last", "1"), Exit.MISSING, "there is no vm nobody"),
        (("db-prod-01", "--keep-last", "1"), Exit.CANCELLED, "confirm with --yes"),
    ],
)
def test_bad_words(vmsnap: Vmsnap, words: tuple[str, ...], code: Exit, said: str) -> None:
    ended = vmsnap("prune", *words)
    assert (ended.code, said in ended.err) == (code, True), ended.err
