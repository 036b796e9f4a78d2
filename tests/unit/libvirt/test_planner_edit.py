"""Editing and thawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.libvirt.planner_facts import VM, facts, snap
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.plan import Edit, Thaw
from vmsnap_tui.model.snapshot import SnapRef
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.platforms.libvirt.facts import Host

if TYPE_CHECKING:
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

OUTER = facts((snap("a", description="old"), snap("b", "a")), current="b")
INNER = facts((snap("i", kind="internal"),), current="i")
TEST = facts((snap("i", kind="internal"),), current="i", host=Host("TEST"))


def edit(snapshot: str, name: str | None = None, description: str | None = None) -> Edit:
    return Edit(SnapRef(VM, snapshot), name, description)


EDITS = (
    (OUTER, edit("a", description="new"), ""),
    (OUTER, edit("a", "c"), ""),
    (OUTER, edit("a", "c", "new"), ""),
    (OUTER, edit("a", "a", "old"), "nothing-to-do"),
    (OUTER, edit("a"), "nothing-to-do"),
    (OUTER, edit("a", "b"), "name-taken"),
    (OUTER, edit("a", "x/y"), "name-invalid"),
    (OUTER, edit("a", ""), "name-empty"),
    (OUTER, edit("zzz", "c"), "no-snapshot"),
    (INNER, edit("i", "c"), "rename-internal"),
    (INNER, edit("i", description="new"), ""),
    (TEST, edit("i", description="new"), ""),
    (TEST, edit("i", "c"), "rename-internal"),
    (facts((snap("a"),), current="a", read_only=True), edit("a", description="new"), "read-only"),
    (facts((snap("a"),), current="a", busy="a job"), edit("a", description="new"), "busy"),
    (facts((snap("a", ready=False),), current="a"), edit("a", description="new"), "not-ready"),
)


@pytest.mark.parametrize(("made", "request_", "code"), EDITS)
def test_edit(made: LibvirtFacts, request_: Edit, code: str) -> None:
    plan = made.plan(request_)
    codes = {refusal.code for refusal in plan.refusals}
    assert (code in codes) if code else not codes
    assert not plan.is_destructive


def test_what_is_not_asked_for_is_not_in_the_step() -> None:
    [step] = OUTER.plan(edit("a", description="new")).steps
    assert step.params == {"name": "a", "description": "new"}
    [step] = OUTER.plan(edit("a", "c", "old")).steps
    assert step.params == {"name": "a", "new_name": "c"}


FROZEN = Freeze(FreezeState.FROZEN)
THAWS = (
    (facts(freeze=FROZEN), ""),
    (facts(freeze=FROZEN, busy="a job"), ""),
    (facts(freeze=Freeze(FreezeState.FAILED, why="late")), ""),
    (facts(), "not-frozen"),
    (facts(freeze=FROZEN, read_only=True), "read-only"),
    (facts(state=VmState.OFF), "not-running"),
    (facts(agent=AgentState.ABSENT), "no-agent"),
    (facts(agent=AgentState.DISCONNECTED), "no-agent"),
    (facts(state=VmState.PAUSED, freeze=Freeze(FreezeState.UNAVAILABLE)), "paused"),
)


@pytest.mark.parametrize(("made", "code"), THAWS)
def test_thaw(made: LibvirtFacts, code: str) -> None:
    plan = made.plan(Thaw(VM))
    codes = {refusal.code for refusal in plan.refusals}
    assert (code in codes) if code else not codes
    assert [step.action for step in plan.steps] == ["thaw"]
