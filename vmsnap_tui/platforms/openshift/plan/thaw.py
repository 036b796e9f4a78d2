"""Thawing a guest that was left frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.platforms.openshift.facts import Right
from vmsnap_tui.platforms.openshift.plan.rules import not_allowed, read_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Thaw
    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts


def plan_thaw(request: Thaw, facts: OpenShiftFacts) -> Plan:
    """One call. A snapshot that is being taken does not stand against it: to thaw is always right."""
    cautions = (f"It is thawed in the midst of something ({facts.busy}).",) if facts.busy else ()
    step = Step("thaw", request.vm, "thaw the file systems of the guest")
    refusals = tuple(_refusals(facts))
    return Plan(request, "Thaw the file systems", facts.vm.name, (step,), cautions=cautions, refusals=refusals)


def _refusals(facts: OpenShiftFacts) -> Iterator[Refusal]:
    yield from read_only(facts)
    if not facts.running:
        yield Refusal("not-running", "the vm is off: nothing is frozen")
    elif facts.freeze.state is FreezeState.THAWED:
        yield Refusal("not-frozen", "the guest is not frozen")
    elif facts.vm.agent in {AgentState.ABSENT, AgentState.DISCONNECTED}:
        yield Refusal("no-agent", "no guest agent is connected", "start qemu-guest-agent in the guest")
    elif facts.vm.state is VmState.PAUSED:
        yield Refusal("paused", "the guest is paused and cannot answer", "resume it first")
    yield from not_allowed(facts, Right.THAW)
