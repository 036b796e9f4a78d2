"""Every state has a sign of its own, one cell wide, and there is one for terminals without Unicode."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import LossKind
from vmsnap_tui.model.snapshot import Consistency, SnapshotKind
from vmsnap_tui.model.vm import AgentState, PlatformKind, VmState
from vmsnap_tui.present import marks
from vmsnap_tui.present.legend import LEGEND
from vmsnap_tui.present.marks import ANSI, Flag, Mark, Marked, entry_mark, job_mark, mark, meaning, site_mark

if TYPE_CHECKING:
    from enum import Enum

FAMILIES: tuple[type[Enum], ...] = (
    VmState,
    AgentState,
    Consistency,
    SnapshotKind,
    FreezeState,
    PlatformKind,
    LossKind,
    Flag,
    JobState,
    SiteStatus,
)


def shown(state: Enum) -> Mark:
    if isinstance(state, JobState):
        return job_mark(state.value)
    if isinstance(state, SiteStatus):
        return site_mark(state.value)
    assert isinstance(state, Marked)
    return mark(state)


@pytest.mark.parametrize("family", FAMILIES)
def test_all_members_are_told_apart_without_colour(family: type[Enum]) -> None:
    found = [shown(state) for state in family]
    assert len({each.glyph for each in found}) == len(found)
    assert len({each.word for each in found}) == len(found)


@pytest.mark.parametrize("state", [state for family in FAMILIES for state in family])
def test_glyph_takes_one_cell_everywhere(state: Enum) -> None:
    glyph = shown(state).glyph
    assert cell_len(glyph) == 1
    assert unicodedata.east_asian_width(glyph) not in "WF"
    # These are the ones among the signs in use here that terminals may draw as emoji, two cells wide.
    assert glyph not in "▪▫▶◀◻◼◽◾☀☁☎☑☔☕✂✅✈✉✏✒✔✖✝✡✨✳✴❄❇❌❎❓❗❣❤➕➖➗➡⚠⚡⭐⭕"
    assert shown(state).style in ANSI


def test_marker_of_now_is_no_snapshots_marker() -> None:
    assert marks.NOW.glyph not in {mark(worth).glyph for worth in Consistency}


def test_what_is_not_known_is_shown_as_unknown() -> None:
    assert job_mark("evaporated") == Mark("?", "evaporated", "foreground-muted")
    assert site_mark("evaporated").glyph == "?"
    assert entry_mark("step", "frozen").glyph == "?"


def test_lines_of_the_journal() -> None:
    assert entry_mark("freeze", "frozen") == mark(FreezeState.FROZEN)
    assert entry_mark("job", "failed") == job_mark("failed")
    assert {entry_mark("job", state).glyph for state in ("asked", "begun", "done", "cut off")}.isdisjoint("?")


def test_each_consistency_says_what_it_means() -> None:
    assert len({meaning(worth) for worth in Consistency}) == len(Consistency)


def test_legend_explains_what_a_graph_may_show() -> None:
    explained = {sign for _, entries in LEGEND for sign, _ in entries}
    assert {mark(worth) for worth in Consistency} | {mark(flag) for flag in Flag} | {marks.NOW} <= explained


PROBE = """
import json
from vmsnap_tui.present import graph, marks
values = [each.glyph for each in marks._MARKS.values()]
print(json.dumps([marks.PLAIN, values, [graph._SOLID, graph._FORK, graph._ACROSS, graph._CUT]]))
"""


def probe(**environment: str) -> tuple[bool, str]:
    """Whether only ASCII is shown with this environment, and all signs."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON", "VMSNAP"))}
    run = subprocess.run(
        [sys.executable, "-c", PROBE], env=kept | environment, capture_output=True, text=True, check=True
    )
    plain, *signs = json.loads(run.stdout)
    return plain, "".join(sign for group in signs for sign in group)


@pytest.mark.parametrize(
    "environment",
    [{"VMSNAP_ASCII": "1"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}],
)
def test_ascii_alone_where_the_locale_has_no_more(environment: dict[str, str]) -> None:
    plain, signs = probe(**environment)
    assert plain
    assert signs.isascii()
    assert " " not in signs


def test_signs_where_the_locale_is_utf8() -> None:
    plain, signs = probe(LC_ALL="C.UTF-8")
    assert not plain
    assert "│" in signs
