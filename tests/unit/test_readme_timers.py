"""The units, the lines of cron and the manifest of the README: what they say, and that the program takes it."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml

from tests.unit.test_readme import section
from vmsnap_tui.cli.main import cli
from vmsnap_tui.platforms.openshift.facts import Right

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TEXT = section("From a timer")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


UNITS = dict(zip(("vmsnap-prune.service", "vmsnap-prune.timer"), blocks("ini"), strict=True))
DOCUMENTS: dict[str, Any] = {each["kind"]: each for each in yaml.safe_load_all(blocks("yaml")[0])}


def read(unit: str) -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string(UNITS[unit])
    return found


def container() -> dict[str, Any]:
    [found] = DOCUMENTS["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def commands() -> list[list[str]]:
    starts = [line.partition("=")[2].rstrip("`") for line in re.findall(r"ExecStart=[^\n]+", TEXT)]
    timed = [line.split(maxsplit=5)[5] for line in blocks("crontab")[0].splitlines()]
    return [*(shlex.split(line) for line in (*starts, *timed)), container()["command"]]


def parsed(words: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The verb and what it would be told, as the program's own parser reads it. Raises what that raises."""
    context = cli.make_context("vmsnap", list(words))
    name, command, rest = cli.resolve_command(context, [*context._protected_args, *context.args])
    assert command is not None
    return str(name), command.make_context(str(name), rest, parent=context).params


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_the_program_takes_each_command_and_asks_nothing(command: list[str]) -> None:
    program, *words = command
    assert program.rpartition("/")[2] == "vmsnap"
    verb, told = parsed(words)
    assert told["yes"]
    if verb == "prune":
        assert told["vms"] == ("web-*",)
        assert (told["last"], told["daily"]) == (3, 7)
    else:
        assert (verb, told["lab_name"], told["prunes"]) == ("take", "networks-101", True)


def test_a_word_that_the_program_does_not_know_would_be_seen() -> None:
    with pytest.raises(click.UsageError):
        parsed(["prune", "web-*", "--keep-forever", "3"])


def test_the_units_go_together() -> None:
    service, timer = read("vmsnap-prune.service"), read("vmsnap-prune.timer")
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["Environment"] == "XDG_STATE_HOME=/var/lib"
    assert service["Service"]["StateDirectory"] == "vmsnap"  # below that, which is where the program looks
    assert timer["Timer"]["OnCalendar"]
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name, text in UNITS.items():
        (tmp_path / name).write_text(text.replace("/usr/local/bin/vmsnap", "/bin/true"))
    places = os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "SYSTEMD_LOG_LEVEL": "warning"}
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)],
        env=places, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, [line for line in ended.stderr.splitlines() if "vmsnap-prune" in line]) == (0, [])


def test_the_manifest_is_whole() -> None:
    assert DOCUMENTS.keys() == {"ServiceAccount", "Role", "RoleBinding", "CronJob"}
    binding, job = DOCUMENTS["RoleBinding"], DOCUMENTS["CronJob"]
    account = DOCUMENTS["ServiceAccount"]["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account}]
    assert binding["roleRef"]["name"] == DOCUMENTS["Role"]["metadata"]["name"]
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account
    assert job["spec"]["concurrencyPolicy"] == "Forbid"  # each pod has a state folder of its own, and so a lock
    [mount] = container()["volumeMounts"]
    assert {each["name"] for each in pod["volumes"]} == {mount["name"]}
    assert {"name": "XDG_STATE_HOME", "value": mount["mountPath"]} in container()["env"]


def test_its_role_allows_what_pruning_does_and_no_change_else() -> None:
    allowed = {
        (verb, group, resource)
        for rule in DOCUMENTS["Role"]["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    changes = {each for each in allowed if each[0] not in {"get", "list", "watch"}}
    assert changes == {right.value for right in (Right.DELETE, Right.UNCUT)}
