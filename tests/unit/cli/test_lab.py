"""What the verbs of a lab do on the demo's own lab, and on one of the config file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.engine import rendezvous
from vmsnap_tui.engine.alone import alone
from vmsnap_tui.engine.locations import state_folder
from vmsnap_tui.model.errors import Failed
from vmsnap_tui.platforms.demo.platform import DemoPlatform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from threading import Event

    from tests.unit.cli.conftest import Vmsnap
    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.model.vm import VmRef

LAB = "networks-101"
CONFIG = """
[[sites]]
name = "rack"
kind = "demo"
options = { shape = "libvirt", speed = "1000" }
[[labs]]
name = "course"
vms = ["student-0[1-4]", "tag:nothing"]
baseline = "baseline"
[labs.keep]
last = 1
[[labs]]
name = "gone"
vms = ["old-*", "tag:old"]
[[labs]]
name = "bare"
"""


@pytest.fixture
def course(tmp_path: Path) -> tuple[str, str]:
    file = tmp_path / "course.toml"
    file.write_text(CONFIG)
    return "--config", str(file)


def test_list_and_status(vmsnap: Vmsnap) -> None:
    [lab] = vmsnap("lab", "list", "--json").json["labs"]
    assert (lab["lab"], lab["vms"], lab["no_baseline"]) == (LAB, 12, 0)
    assert LAB in vmsnap("lab", "list").out
    shown = vmsnap("lab", "status", LAB, "--json").json
    assert len(shown["vms"]) == 12
    assert sum(vm["elsewhere"] for vm in shown["vms"]) == lab["elsewhere"]
    drifting = {vm["vm_name"]: vm["left"] is not None for vm in shown["vms"]}
    assert drifting == {vm["vm_name"]: vm["elsewhere"] for vm in shown["vms"]}
    told = vmsnap("lab", "status", LAB).out
    assert "exercise-2" in told
    assert "DRIFTS FOR" in told


def test_a_dry_run_resets_nothing(vmsnap: Vmsnap) -> None:
    ended = vmsnap("lab", "reset", LAB, "student-0*", "--dry-run")
    assert ended.code == Exit.OK
    assert "student-01: back to baseline, clean" in ended.err
    assert "student-10" not in ended.err
    assert "Lost in all: the memory of" in ended.err


def test_reset_says_how_each_went(vmsnap: Vmsnap) -> None:
    told = vmsnap("lab", "reset", LAB, "--yes", "--json").json
    assert told["outcome"] == "12 of 12 clean"
    assert all(vm["done"] and not vm["problem"] and vm["took"] > 0 for vm in told["vms"])


def test_those_that_failed_are_named_to_be_tried_again(vmsnap: Vmsnap, monkeypatch: pytest.MonkeyPatch) -> None:
    real = DemoPlatform.run

    def run(self: DemoPlatform, step: Step, report: Callable[[Progress], None], stop: Event, *gate: Gate) -> str:
        if step.vm.id == doomed:
            raise Failed("the disk is full")
        return real(self, step, report, stop, *gate)

    shown = vmsnap("lab", "status", LAB, "--json").json["vms"]
    doomed = next(vm["vm"]["id"] for vm in shown if vm["vm_name"] == "student-03")
    monkeypatch.setattr(DemoPlatform, "run", run)
    ended = vmsnap("lab", "reset", LAB, "student-0[1-4]", "--yes")
    assert ended.code == Exit.FAILED
    assert "3 of 4 clean" in ended.out
    assert "student-03: the disk is full" in ended.err
    assert f"Those again: vmsnap lab reset {LAB} student-03" in ended.err


@pytest.mark.parametrize(("verb", "said"), [("stop", "of 4 off"), ("start", "of 4 running"), ("protect", "4 of 4")])
def test_the_same_to_each(vmsnap: Vmsnap, course: tuple[str, str], verb: str, said: str) -> None:
    ended = vmsnap(*course, "lab", verb, "course", "--yes")
    assert said in ended.out
    told = vmsnap(*course, "lab", verb, "course", "--yes", "--json").json
    assert said in told["outcome"]
    assert [vm["vm_name"] for vm in told["vms"]] == [f"student-0{number}" for number in range(1, 5)]


def test_a_lab_is_made_of_any_vms(vmsnap: Vmsnap) -> None:
    ended = vmsnap("lab", "baseline", "workshop", "web-01", "web-02", "--yes")
    assert "web-01" in ended.err
    assert "of 2 have it" in ended.out
    told = vmsnap("lab", "baseline", "workshop", "web-01", "web-02", "--yes", "--json").json
    assert (told["lab"], told["outcome"]) == ("workshop", "2 of 2 have it")
    assert all(vm["done"] and vm["words"] and vm["took"] for vm in told["vms"])


def test_taken_and_pruned_in_one_go(vmsnap: Vmsnap, course: tuple[str, str]) -> None:
    ended = vmsnap(*course, "take", "--lab", "course", "--prune", "--yes")
    assert ended.code == Exit.OK, ended.err
    assert "4 of 4 taken" in ended.out
    assert "deleted" in ended.out
    shown = vmsnap(*course, "prune", "--lab", "course", "--dry-run")
    assert "student-04" in shown.out
    assert "protected" in shown.out


def test_nothing_is_taken_where_nobody_can_agree_to_the_pruning(vmsnap: Vmsnap, course: tuple[str, str]) -> None:
    ended = vmsnap(*course, "take", "--lab", "course", "--prune")
    assert (ended.code, ended.out) == (Exit.CANCELLED, "")
    assert "confirm with --yes" in ended.err


def test_a_baseline_that_the_config_file_names_is_not_pruned(vmsnap: Vmsnap, course: tuple[str, str]) -> None:
    told = vmsnap(*course, "prune", "student-01", "--keep-last", "1", "--dry-run", "--json").json
    [found] = [each for vm in told["vms"] for each in vm["snapshots"] if each["name"] == "baseline"]
    assert "baseline" in found["reasons"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lab", "status", "gone"), "no vm fits old-*, tag:old"),
        (("lab", "reset", "gone", "--yes"), "the lab gone has no vms"),
        (("lab", "start", "bare", "--yes"), "name some: vmsnap lab baseline bare VM"),
        (("lab", "baseline", "bare", "--yes"), "the lab bare has no vms"),
        (("take", "--lab", "gone"), "the lab gone has no vms"),
        (("prune", "--lab", "gone", "--keep-last", "1"), "the lab gone has no vms"),
    ],
)
def test_a_lab_without_vms_is_no_success(
    vmsnap: Vmsnap, course: tuple[str, str], words: tuple[str, ...], said: str
) -> None:
    """A timer whose patterns fit nothing any more must not end well, night after night."""
    ended = vmsnap(*course, *words)
    assert (ended.code, ended.out) == (Exit.MISSING, "")
    assert said in ended.err


def test_a_name_that_fits_nothing_is_told_while_the_others_go_on(vmsnap: Vmsnap, course: tuple[str, str]) -> None:
    ended = vmsnap(*course, "lab", "status", "course")
    assert (ended.code, "no vm fits tag:nothing" in ended.err) == (Exit.OK, True)
    assert vmsnap(*course, "lab", "status", "course", "--json").json["unmet"] == ["tag:nothing"]


@pytest.mark.parametrize("name", ["", "a/b", " a", "x" * 64])
def test_nothing_is_taken_for_a_lab_that_cannot_be_called_so(vmsnap: Vmsnap, name: str) -> None:
    ended = vmsnap("lab", "baseline", name, "student-01", "--yes")
    assert (ended.code, ended.out) == (Exit.USAGE, "")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("lab", "reset", "nothing", "--yes"), Exit.MISSING, f"there are: {LAB}"),
        (("lab", "reset", LAB, "web-01", "--yes"), Exit.MISSING, f"web-01 is not in the lab {LAB}"),
        (("lab", "reset", LAB), Exit.CANCELLED, "confirm with --yes"),
        (("lab", "baseline", "nothing", "--yes"), Exit.MISSING, "lab baseline nothing VM"),
        (("take", "--lab", LAB, "--prune", "--yes"), Exit.USAGE, "[labs.keep]"),
        (("prune", "--lab", LAB), Exit.USAGE, "in the config file: [labs.keep]"),
        (("prune", "--keep-last", "1"), Exit.USAGE, "of which --lab"),
    ],
)
def test_bad_words(vmsnap: Vmsnap, words: tuple[str, ...], code: Exit, said: str) -> None:
    ended = vmsnap(*words)
    assert (ended.code, said in ended.err) == (code, True), ended.err


@pytest.mark.parametrize(
    "words",
    [
        ("take", "--lab", "course", "--yes"),
        ("take", "--lab", "course", "--prune", "--yes"),
        ("prune", "--lab", "course", "--yes"),
        ("lab", "reset", "course", "--yes"),
        ("lab", "start", "course", "--yes"),
    ],
)
def test_a_lab_that_no_vm_belongs_to_is_no_success(vmsnap: Vmsnap, tmp_path: Path, words: tuple[str, ...]) -> None:
    """The vms were renamed: a timer must not go on for months saying that all went well."""
    file = tmp_path / "renamed.toml"
    file.write_text(CONFIG.replace("student-0", "pupil-0"))
    ended = vmsnap("--config", str(file), *words)
    assert ended.code == Exit.MISSING
    assert "the lab course has no vms" in ended.err


def test_vms_whose_marks_cannot_be_read_are_named(vmsnap: Vmsnap, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab that stands in marks alone would go without them unawares."""
    real = DemoPlatform.snapshots

    def snapshots(self: DemoPlatform, vms: Sequence[VmRef]) -> Mapping[VmRef, tuple[Snapshot, ...]]:
        broken = {vm.ref for page in self.vms() for vm in page if vm.name == "student-03"}
        if broken & set(vms):
            raise Failed("its metadata is broken")
        return real(self, vms)

    monkeypatch.setattr(DemoPlatform, "snapshots", snapshots)
    ended = vmsnap("lab", "reset", LAB, "--dry-run")
    assert "student-03: its metadata is broken: whether it is in the lab is not known" in ended.err


def test_what_is_no_moment_drives_out_none_that_was_one(
    vmsnap: Vmsnap, course: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guest whose agent is broken for a week must not cost the last snapshots that fit together."""
    monkeypatch.setattr(rendezvous, "window_of", lambda *_: None)
    ended = vmsnap(*course, "take", "--lab", "course", "--together", "--prune", "--yes")
    assert ended.code == Exit.FAILED
    assert "not at one moment" in ended.out
    assert "nothing is pruned" in ended.err
    assert "deleted" not in ended.out + ended.err


def test_two_at_once(vmsnap: Vmsnap) -> None:
    assert vmsnap("lab", "list").code == Exit.OK  # the folder is there
    with alone("lab", state_folder() / "demo"):
        for words in (("lab", "reset", LAB, "--yes"), ("take", "--together", "db-prod-01")):
            ended = vmsnap(*words)
            assert (ended.code, "another run for a lab or a group is under way" in ended.err) == (Exit.CONFLICT, True)


def test_on_a_terminal_it_is_asked_before_several_are_taken(vmsnap: Vmsnap) -> None:
    ended = vmsnap("take", "--together", "db-prod-01", "db-prod-02", typed="n\n")
    assert (ended.code, ended.out) == (Exit.CANCELLED, "")
    assert "db-prod-01: ◆ filesystem, frozen" in ended.err
    assert vmsnap("take", "--together", "db-prod-01", "db-prod-02", typed="y\n").code == Exit.OK
    assert vmsnap("take", "--together", "db-prod-01", "--yes", typed="").code == Exit.OK
