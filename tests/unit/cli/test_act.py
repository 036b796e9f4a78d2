"""Taking, restoring, deleting: plan, confirmation, outcome."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.engine.jobs import Jobs, PlanMoved

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Vmsnap
    from vmsnap_tui.engine.jobs import Job
    from vmsnap_tui.model.plan import Plan


def test_take_says_what_it_gives_and_does_it(vmsnap: Vmsnap) -> None:
    ended = vmsnap("take", "db-prod-01", "before-lunch", "--description", "hungry")
    assert ended.code == Exit.OK
    assert "1. " in ended.err
    assert "filesystem" in ended.err
    assert "before-lunch" in ended.out


def test_take_json_is_the_plan_and_the_job(vmsnap: Vmsnap) -> None:
    done = vmsnap("take", "db-prod-01", "--json", "--disk", "vda").json
    assert done["plan"]["action"] == "take"
    assert done["plan"]["request"]["disks"] == ["vda"]
    assert done["plan"]["destructive"] is False
    assert done["job"]["state"] == "done"
    assert done["job"]["error"] is None
    assert done["job"]["started"] <= done["job"]["ended"]


def test_a_plan_changes_nothing_and_understands_the_same_words(vmsnap: Vmsnap) -> None:
    arguments = ("db-prod-01", "weekly-46", "--then", "off", "--safety", "auto", "--json")
    plan = vmsnap("plan", "restore", *arguments).json["plan"]
    assert plan["request"]["after"] == "off"
    assert plan["request"]["safety"].startswith("before-restore-")
    assert [loss["kind"] for loss in plan["losses"]] == ["memory"]
    done = vmsnap("restore", *arguments, "--yes").json
    assert done["plan"]["losses"] == plan["losses"]
    assert done["job"]["state"] == "done"


def test_a_refused_plan_is_shown_in_json_too(vmsnap: Vmsnap) -> None:
    ended = vmsnap("take", "db-prod-01", "--method", "internal", "--json")
    assert ended.code == Exit.REFUSED
    assert ended.json["job"] is None
    assert "mixed-tree" in [refusal["code"] for refusal in ended.json["plan"]["refusals"]]


def test_losses_are_named_before_anything_is_asked(vmsnap: Vmsnap) -> None:
    ended = vmsnap("rm", "db-prod-01", "upgrade-16-try-1", "--scope", "tree", typed="db-prod-01\n")
    asked = ended.err.index("Type db-prod-01 to delete")
    assert ended.err.index("lost, snapshot: upgrade-16-try-1") < asked
    assert ended.err.index("lost, snapshot: upgrade-16-core") < asked
    assert ended.code == Exit.OK


@pytest.mark.parametrize("typed", ["\n", "yes\n", "db-prod-02\n", "DB-PROD-01\n"])
def test_what_destroys_wants_the_name_typed(vmsnap: Vmsnap, typed: str) -> None:
    ended = vmsnap("rm", "db-prod-01", "nightly", typed=typed)
    assert ended.code == Exit.CANCELLED
    assert "nothing was done" in ended.err
    assert "job" not in vmsnap("log").out


def test_what_destroys_nothing_wants_a_yes_on_a_terminal_alone(vmsnap: Vmsnap) -> None:
    assert vmsnap("take", "db-prod-01", typed="n\n").code == Exit.CANCELLED
    assert vmsnap("take", "db-prod-01", typed="\n").code == Exit.OK
    assert vmsnap("take", "db-prod-01").code == Exit.OK


def test_leaving_a_question_is_an_interruption(vmsnap: Vmsnap) -> None:
    assert vmsnap("rm", "db-prod-01", "nightly", typed="").code == Exit.INTERRUPTED


def test_edit_and_thaw(vmsnap: Vmsnap) -> None:
    edited = vmsnap("edit", "db-prod-01", "nightly", "--description", "kept", "--json").json
    assert edited["job"]["state"] == "done"
    assert edited["plan"]["request"]["name"] is None
    assert "not-frozen" in vmsnap("thaw", "db-prod-01").err


def test_a_step_that_fails_is_told_in_the_platforms_words(vmsnap: Vmsnap) -> None:
    ended = vmsnap("take", "dc-win-02", "--method", "external-quiesced")
    assert ended.code == Exit.FAILED
    assert "freeze" in ended.err


def test_a_world_that_moved_is_shown_anew_and_asked_again(vmsnap: Vmsnap, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = Jobs.submit
    moves = 1

    async def moved_once(jobs: Jobs, plan: Plan) -> Job:
        nonlocal moves
        if moves:
            moves -= 1
            raise PlanMoved(plan)
        return await submit(jobs, plan)

    monkeypatch.setattr(Jobs, "submit", moved_once)
    ended = vmsnap("take", "db-prod-01", "again", typed="y\ny\n")
    assert ended.code == Exit.OK
    assert ended.err.count("Go on?") == 2
    moves = 1
    assert vmsnap("take", "db-prod-01", "again", "--yes").code == Exit.CONFLICT


def test_progress_is_lines_where_there_is_no_terminal(vmsnap: Vmsnap, config_file: Path) -> None:
    config_file.write_text(config_file.read_text().replace("2000", "40"))
    said = vmsnap("rm", "db-prod-01", "index-brin", "--yes").err
    assert " of 6.4 GiB" in said
    assert "\r" not in said


def test_jobs_and_log_hold_what_was_done(vmsnap: Vmsnap) -> None:
    assert "nothing has been done yet" in vmsnap("jobs").out
    vmsnap("take", "db-prod-01", "one")
    vmsnap("take", "dc-win-02", "two", "--method", "external-quiesced")
    jobs = vmsnap("jobs", "--json").json["jobs"]
    assert [(job["vm_name"], job["state"]) for job in jobs] == [("dc-win-02", "failed"), ("db-prod-01", "done")]
    assert all(job["began"] < job["ended"] for job in jobs)
    assert "one" in jobs[1]["title"]
    entries = vmsnap("log", "--json").json["entries"]
    times = [datetime.fromisoformat(entry["at"]) for entry in entries]
    assert times == sorted(times)
    steps = [(entry["what"], entry["state"]) for entry in entries if entry["vm_name"] == "db-prod-01"]
    assert steps.index(("step", "begun")) < steps.index(("freeze", "frozen")) < steps.index(("job", "done"))
    assert "❆ frozen" in vmsnap("log").out
    assert len(vmsnap("log", "-n", "3", "--json").json["entries"]) == 3


def test_libvirts_test_driver_takes_and_restores(vmsnap: Vmsnap, tmp_path: Path) -> None:
    node = tmp_path / "node.xml"
    node.write_text(
        "<node><cpu><mhz>1</mhz><model>x</model><active>2</active></cpu><memory>100000</memory>"
        '<domain type="test"><name>one</name><memory>65536</memory><os><type>hvm</type></os>'
        '<devices><disk type="file"><driver type="qcow2"/><source file="/x.qcow2"/><target dev="vda"/></disk></devices>'
        "</domain></node>"
    )
    ended = vmsnap("-c", f"test://{node}", "take", "one", "first", "--json")
    assert (ended.code, ended.json["job"]["state"]) == (Exit.OK, "done"), ended
    assert ended.json["plan"]["consistency"] == "memory"
