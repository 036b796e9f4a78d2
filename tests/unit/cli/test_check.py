"""What check prints, and the commands that it offers."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.main import cli
from vmsnap_tui.model.plan import Delete, Discard, EndJob, JobEnd, Merge, MergeHow, Request, Thaw
from vmsnap_tui.model.snapshot import SnapRef
from vmsnap_tui.model.survey import Mend
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.present.command import command_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Vmsnap

VM = VmRef("kvm", "1")


def test_a_healthy_vm_is_said_to_be_and_ends_with_0(vmsnap: Vmsnap) -> None:
    ended = vmsnap("check", "db-prod-01")
    assert ended.code == Exit.OK
    assert ended.out == "1 vm looked at: nothing is wrong\n"


def test_what_is_wrong_is_told_with_what_it_means_risks_and_mends(vmsnap: Vmsnap) -> None:
    ended = vmsnap("check", "--all")
    assert ended.code == Exit.FAILED
    for words in ("[failed-snapshot]", "[mixed-tree]", "means:", "risks:", "mend:", "vmsnap rm kvm/analytics-01"):
        assert words in ended.out


def test_json_has_the_same_for_programs(vmsnap: Vmsnap) -> None:
    ended = vmsnap("check", "--all", "--json")
    assert ended.code == Exit.FAILED
    (site,) = ended.json["sites"]
    assert (site["site"], site["healthy"], site["blind"]) == ("kvm", False, [])
    failed = next(each for each in site["findings"] if each["code"] == "failed-snapshot")
    assert failed["severity"] == "error"
    assert failed["vm"]["site"] == "kvm"
    assert failed["mends"][0]["command"].startswith("vmsnap rm kvm/")


def test_one_vm_or_all(vmsnap: Vmsnap) -> None:
    for arguments in ((), ("--all", "db-prod-01")):
        assert vmsnap("check", *arguments).code == Exit.USAGE
    assert vmsnap("check", "nobody").code == Exit.MISSING


def test_a_site_that_cannot_be_reached_is_not_taken_for_healthy(vmsnap: Vmsnap, config_file: Path) -> None:
    config_file.write_text('[[sites]]\nname = "gone"\nkind = "libvirt"\naddress = "test:///no/such/file.xml"\n')
    ended = vmsnap("check", "--all")
    assert ended.code == Exit.UNREACHABLE
    assert "gone:" in ended.err


@pytest.mark.parametrize(
    "request_",
    [
        Merge(VM, "vda", MergeHow.FLATTEN),
        Merge(VM, "vda", MergeHow.COMMIT, "/vm/my top", "/vm/base"),
        Merge(VM, "vda", MergeHow.COPY, place="/vm/new", format="raw"),
        EndJob(VM, "vda", JobEnd.PIVOT),
        Discard(VM, ("/vm/a b", "/vm/c")),
        Delete(SnapRef(VM, "one"), metadata_only=True),
        Delete(SnapRef(VM, "one")),
        Thaw(VM),
    ],
    ids=lambda request: type(request).__name__,
)
def test_the_command_of_a_mend_can_be_typed(request_: Request) -> None:
    program, verb, *arguments = shlex.split(command_of(Mend("do it", request_), "web 1"))
    assert program == "vmsnap"
    with cli.make_context("vmsnap", [], resilient_parsing=True) as root:
        command = cli.get_command(root, verb)
        assert command is not None
        with command.make_context(verb, arguments, parent=root) as context:
            assert context.params["vm"] == "kvm/web 1"


def test_a_mend_that_is_no_request_keeps_its_own_command() -> None:
    assert command_of(Mend("do it", command="qemu-img rebase"), "web") == "qemu-img rebase"
