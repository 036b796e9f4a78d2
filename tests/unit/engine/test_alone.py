"""Some things are done by one run at a time."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.engine.alone import alone
from vmsnap_tui.model.errors import Conflict, Failed

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_one_is_turned_away_until_the_first_has_ended(tmp_path: Path) -> None:
    with alone("prune", tmp_path):
        with pytest.raises(Conflict, match="another prune is under way"), alone("prune", tmp_path):
            pass
        with alone("something-else", tmp_path):
            pass
    with alone("prune", tmp_path):
        pass


def test_without_a_place_for_the_lock_nothing_is_begun(tmp_path: Path) -> None:
    """A state folder that cannot be written to: nobody knows who else is at work."""
    no_folder = tmp_path / "file"
    no_folder.write_text("")
    with pytest.raises(Failed, match=r"no lock can be taken in .*file"), alone("prune", no_folder):
        pass


def test_what_goes_wrong_inside_is_not_taken_for_the_lock(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the disk is full"), alone("prune", tmp_path):
        raise OSError("the disk is full")


HOLDER = """
import sys
from pathlib import Path
from vmsnap_tui.engine.alone import alone
from vmsnap_tui.model.errors import Conflict
sys.stdin.readline()  # both go on in the same instant
try:
    with alone("prune", Path(sys.argv[1])):
        print("alone", flush=True)
        sys.stdin.readline()
except Conflict as error:
    print(error.words, flush=True)
"""


def holder(state: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(state)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_of_processes_that_begin_at_once_one_is_alone_and_its_death_frees_the_way(tmp_path: Path) -> None:
    first = [holder(tmp_path) for _ in range(3)]
    try:
        for process in first:
            go_on(process)
        words = [said(process) for process in first]
        assert sorted(words) == ["alone", "another prune is under way", "another prune is under way"]
        first[words.index("alone")].kill()
        first[words.index("alone")].wait(10)
        later = holder(tmp_path)
        first.append(later)
        go_on(later)
        assert said(later) == "alone"
        go_on(later)
        assert later.wait(10) == 0
    finally:
        for process in first:
            process.kill()
            process.communicate()
