"""What prune does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.engine import prune
from vmsnap_tui.engine.alone import alone
from vmsnap_tui.model.errors import Unreachable

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Vmsnap
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.retention import Policy
    from vmsnap_tui.model.vm import Vm


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


def test_several_are_summed_up(vmsnap: Vmsnap) -> None:
    ended = vmsnap("prune", "student-0[5-8]", "--keep-last", "1", "--dry-run")
    assert "In all 5 snapshots of 3 VMs would go, which frees up to" in ended.err


def test_nothing_to_do(vmsnap: Vmsnap) -> None:
    ended = vmsnap("prune", "db-prod-01", "--keep-last", "99", "--yes")
    assert ended.code == Exit.OK
    assert "Nothing would go." in ended.err


def test_what_cannot_go_stays_and_is_named(vmsnap: Vmsnap) -> None:
    ended = vmsnap("prune", "legacy-erp", "--keep-last", "1", "--yes")
    assert ended.code == Exit.REFUSED
    assert "golden stays: the tree mixes internal and external snapshots" in ended.err


def test_one_that_cannot_be_read_does_not_stop_the_others(vmsnap: Vmsnap, monkeypatch: pytest.MonkeyPatch) -> None:
    real = prune.planned

    async def planned(engine: Engine, vm: Vm, policy: Policy) -> prune.Pruning:
        if vm.name == "web-02":
            raise Unreachable("no answer", "look at the host")
        return await real(engine, vm, policy)

    monkeypatch.setattr(prune, "planned", planned)
    ended = vmsnap("prune", "web-0*", "--keep-last", "1", "--yes", "--json")
    assert ended.code == Exit.UNREACHABLE
    assert "web-02: no answer" in ended.err
    told = {vm["vm_name"]: vm for vm in ended.json["vms"]}
    assert told["web-02"]["problem"].startswith("no answer")
    assert any(each["deleted"] for each in told["web-01"]["snapshots"])


def test_a_second_one_waits_for_nobody(vmsnap: Vmsnap) -> None:
    from vmsnap_tui.engine.locations import state_folder

    assert vmsnap("prune", "web-01", "--keep-last", "99").code == Exit.OK  # the folder is there
    with alone("prune", state_folder() / "demo"):
        ended = vmsnap("prune", "web-01", "--keep-last", "1", "--yes")
    assert (ended.code, "another prune is under way" in ended.err) == (Exit.CONFLICT, True)


def test_all_that_went_is_in_the_journal(vmsnap: Vmsnap) -> None:
    told = vmsnap("prune", "web-01", "--keep-last", "1", "--yes", "--json").json
    gone = [each["name"] for each in told["vms"][0]["snapshots"] if each["deleted"]]
    noted = vmsnap("log", "--json").out
    assert gone
    assert all(f"Delete snapshot “{name}”" in noted for name in gone)


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
