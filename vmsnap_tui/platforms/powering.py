"""Starting a vm, and having its guest shut down: planned the same on all platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vmsnap_tui.model.plan import Power
    from vmsnap_tui.model.vm import Vm


def plan_power(request: Power, vm: Vm, standing: Iterable[Refusal]) -> Plan:
    """One call, and waiting until it is so. `standing` is what the platform has against any change now."""
    step = Step(
        "power",
        request.vm,
        "start the vm" if request.on else "have the guest shut down",
        {"on": request.on},
        cancellable=not request.on,
    )
    title = "Start" if request.on else "Shut down"
    return Plan(request, title, vm.name, (step,), refusals=(*standing, *_refusals(request, vm)))


def _refusals(request: Power, vm: Vm) -> tuple[Refusal, ...]:
    """What stands against it on every platform: it is so already, or the vm is on its way."""
    if vm.state is VmState.CHANGING:
        return (Refusal("changing", "the vm is starting, stopping or migrating", "wait until that is done"),)
    if request.on is (vm.state is VmState.RUNNING) and vm.state in {VmState.RUNNING, VmState.OFF}:
        return (Refusal("nothing-to-do", f"it is {vm.state.value} already"),)
    if request.on and vm.state is not VmState.OFF:
        return (Refusal("not-off", f"the vm is {vm.state.value}, not off", "resume it, or switch it off first"),)
    if not request.on and vm.state is VmState.PAUSED:
        return (Refusal("paused", "the guest is paused and cannot shut down", "resume it first"),)
    return ()
