"""Each way to end has its code, its words, and never a traceback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import MEANINGS, Exit, code_of
from vmsnap_tui.model import errors

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Vmsnap


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("lss",), Exit.USAGE, "ls"),
        (("tree",), Exit.USAGE, "VM"),
        (("-c", "nowhere", "ls"), Exit.USAGE, "nowhere"),
        (("-c", "test:///x", "--demo", "ls"), Exit.USAGE, "exclude"),
        (("edit", "db-prod-01", "nightly"), Exit.USAGE, "give --name, --description"),
        (("rm", "db-prod-01", "nightly", "--scope", "all"), Exit.USAGE, "children"),
        (("take", "db-prod-01", "--method", "internal"), Exit.REFUSED, "mixed-tree"),
        (("plan", "take", "db-prod-01", "nightly"), Exit.REFUSED, "name-taken"),
        (("-c", "test:///nope.xml", "ls"), Exit.UNREACHABLE, "nope.xml"),
        (("--read-only", "take", "db-prod-01"), Exit.DENIED, "read-only"),
        (("--read-only", "take", "--together", "db-prod-01", "sql-02"), Exit.DENIED, "is read-only"),
        (("--read-only", "prune", "student-05", "--keep-last", "1", "--yes"), Exit.DENIED, "is read-only"),
        (("--read-only", "restore", "--at=-1h", "student-01", "--yes"), Exit.DENIED, "is read-only"),
        (("--read-only", "lab", "reset", "networks-101", "--yes"), Exit.DENIED, "is read-only"),
        (("--read-only", "lab", "baseline", "x", "student-01", "--yes"), Exit.DENIED, "is read-only"),
        (("--read-only", "lab", "protect", "networks-101", "--yes"), Exit.DENIED, "is read-only"),
        (
            ("--read-only", "lab", "reset", "networks-101", "--dry-run"),
            Exit.REFUSED,
            "student-01: the site is read-only",
        ),
        (("take", "--together", "ci-ephemeral-7f3a", "files-01"), Exit.REFUSED, "1 of 2 taken"),
        (("tree", "nobody"), Exit.MISSING, "nobody"),
        (("rm", "db-prod-01", "nightl"), Exit.MISSING, "did you mean nightly?"),
        (("rm", "db-prod-01", "nightly"), Exit.CANCELLED, "--yes"),
        ((), Exit.USAGE, "terminal"),
    ],
)
def test_codes(vmsnap: Vmsnap, arguments: tuple[str, ...], code: Exit, said: str) -> None:
    ended = vmsnap(*arguments)
    assert (ended.code, said in ended.out + ended.err) == (code, True), ended


def test_several_vms_of_one_name(vmsnap: Vmsnap, config_file: Path) -> None:
    config_file.write_text(config_file.read_text() + config_file.read_text().replace('"kvm"', '"twin"'))
    ended = vmsnap("tree", "db-prod-01")
    assert ended.code == Exit.CONFLICT
    assert "kvm/db-prod-01" in ended.err
    assert vmsnap("tree", "twin/db-prod-01").code == Exit.OK


def test_the_sites_that_answer_are_listed_beside_the_one_that_does_not(vmsnap: Vmsnap, config_file: Path) -> None:
    config_file.write_text(
        config_file.read_text() + '[[sites]]\nname = "gone"\nkind = "libvirt"\naddress = "test:///nope.xml"\n'
    )
    ended = vmsnap("ls")
    assert ended.code == Exit.UNREACHABLE
    assert "db-prod-01" in ended.out
    assert ended.err.startswith("gone: ")
    sites = vmsnap("ls", "--json").json["sites"]
    assert [site["error"] and site["error"]["kind"] for site in sites] == [None, "unreachable"]
    # A pattern and a lab must not leave out what is not seen: which site that is, is said.
    for words in (("lab", "reset", "networks-101", "--yes"), ("restore", "--at=-1h", "student-*", "--yes")):
        ended = vmsnap(*words)
        assert (ended.code, ended.err.startswith("gone: ")) == (Exit.UNREACHABLE, True)


def test_no_site_at_all_is_not_answered_with_the_demo(
    vmsnap: Vmsnap, config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_file.write_text("")
    monkeypatch.setattr("vmsnap_tui.engine.discovery.local_libvirt", lambda: ())
    ended = vmsnap("ls", "--json")
    assert (ended.code, ended.out) == (Exit.UNREACHABLE, "")
    assert "--demo" in json.loads(ended.err)["error"]["hint"]
    assert vmsnap("ls", "--demo").code == Exit.OK


def test_errors_are_json_where_json_was_asked_for(vmsnap: Vmsnap) -> None:
    ended = vmsnap("tree", "nobody", "--json")
    assert ended.out == ""
    assert json.loads(ended.err)["error"]["kind"] == "missing"


def test_every_typed_error_has_a_code_that_is_explained() -> None:
    for kind in errors.VmsnapError.__subclasses__():
        if kind.__module__ == errors.__name__:
            assert (code_of(kind("words")) is Exit.FAILED) == (kind is errors.Failed)
    assert set(MEANINGS) == set(Exit)


def test_a_fault_of_the_program_is_one_line_and_a_log(
    vmsnap: Vmsnap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("odd [b]\x1b")

    monkeypatch.setattr("vmsnap_tui.cli.verbs.look.engine_for", broken)
    ended = vmsnap("ls")
    log = tmp_path / "state/vmsnap/vmsnap.log"
    assert ended.code == Exit.FAILED
    assert len(ended.err.splitlines()) == 1
    assert str(log) in ended.err
    assert "\x1b" not in ended.err
    assert "ZeroDivisionError" in log.read_text()


def test_help_names_every_verb_and_every_code(vmsnap: Vmsnap) -> None:
    said = vmsnap("--help").out
    for verb in ("ls", "tree", "take", "restore", "rm", "edit", "plan", "methods", "jobs", "log", "thaw", "doctor"):
        assert f"\n  {verb} " in said
    for code in MEANINGS:
        assert f"\n  {code.value} " in said
