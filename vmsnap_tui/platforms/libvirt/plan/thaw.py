"""Thawing a guest that was left frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.model.vm import AgentState, VmState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Thaw
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts


def plan_thaw(request: Thaw, facts: LibvirtFacts) -> Plan:
    """One call to the agent. It goes ahead also where the agent does not answer now: nothing is lost by trying."""
    silent = facts.freeze.state is FreezeState.FAILED
    return Plan(
        request=request,
        title="Thaw the file systems",
        vm_name=facts.vm.name,
        steps=(Step("thaw", request.vm, "thaw the file systems of the guest"),),
        cautions=("The guest agent does not answer now: whether the guest is frozen is not known.",) if silent else (),
        refusals=tuple(_refusals(facts)),
    )


def _refusals(facts: LibvirtFacts) -> Iterator[Refusal]:
    # Another job on the vm does not stand against it: to thaw is always right.
    if facts.read_only:
        yield Refusal("read-only", "the site is open for reading only", "open it without read_only")
    if not facts.active:
        yield Refusal("not-running", "the vm is off: nothing is frozen")
    elif facts.freeze.state is FreezeState.THAWED:
        yield Refusal("not-frozen", "the guest is not frozen")
    elif facts.vm.agent in {AgentState.ABSENT, AgentState.DISCONNECTED}:
        yield Refusal("no-agent", "no guest agent is connected", "start qemu-guest-agent in the guest")
    elif facts.vm.state is VmState.PAUSED:
        yield Refusal("paused", "the guest is paused and cannot answer", "resume it first")
