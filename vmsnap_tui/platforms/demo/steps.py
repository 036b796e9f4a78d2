"""Doing one step: believable durations, progress in bytes, the freeze lamp, scripted failures, and a way to stop.

All waiting is done on events, so that a stop is noticed at once. Nothing changes before a step has come to its end,
so that one which was stopped or failed leaves the world as it was.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Cancelled, Denied, Failed, Unsupported
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.snapshot import Consistency, SnapshotKind
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.together import ALONE, Hold
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.platforms.demo.plan_take import to_write
from vmsnap_tui.platforms.demo.record import can_join, compose
from vmsnap_tui.platforms.demo.shape import Freezing, way
from vmsnap_tui.platforms.demo.world import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vmsnap_tui.model.plan import JsonValue, Step
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.model.vm import Vm
    from vmsnap_tui.platforms.demo.shape import Way
    from vmsnap_tui.platforms.demo.world import Machine, World

_TICK = 0.1  # seconds between two reports, on the clock of the one who looks
_SAMPLES = 5  # reports of a copy, at least
_COPY = 300 * 2**20  # bytes a second
_OVERLAY = 192 * 2**10  # bytes of an overlay that nothing was written to yet
_FULL_AT = 0.62  # how far writing comes before the disk is full


def run(
    world: World, speed: float, step: Step, report: Callable[[Progress], None], stop: Event, gate: Gate = ALONE
) -> str:
    """Do one step. Raises Missing, Conflict, Failed, Denied, Cancelled, Unreachable."""
    acts = {
        "take": _take,
        "restore": _restore,
        "delete": _delete,
        "edit": _edit,
        "thaw": _thaw,
        "power": _power,
        "launch": _launch,
    }
    if step.action not in acts:
        raise Unsupported(f"the demo has no step {step.action}")
    world.begin(step.vm, step.label)
    try:
        return acts[step.action](_Act(world, speed, step, report, stop if step.cancellable else Event(), gate))
    finally:
        world.end(step.vm)


class _Act:
    """A step at work."""

    def __init__(
        self,
        world: World,
        speed: float,
        step: Step,
        report: Callable[[Progress], None],
        stop: Event,
        gate: Gate,
    ) -> None:
        self.world = world
        self.speed = speed
        self.step = step
        self.report = report
        self.stop = stop
        self.gate = gate

    @property
    def machine(self) -> Machine:
        """The vm as it is now. Raises Missing, Unreachable."""
        return self.world.look(self.step.vm)

    def text(self, key: str) -> str:
        """A parameter that is a text."""
        value = self.step.params[key]
        if not isinstance(value, str):
            raise Unsupported(f"{key} has to be a text")
        return value

    def wait(self, seconds: float) -> None:
        """Let time go by. Raises Cancelled, and what looking at the vm raises."""
        if self.stop.wait(seconds / self.speed):
            raise Cancelled("stopped", "nothing was changed")
        self.world.look(self.step.vm)

    def phase(self, name: str, seconds: float) -> None:
        """A phase without a number."""
        self.report(Progress(name))
        self.wait(seconds)

    def copy(self, name: str, size: int) -> None:
        """A phase that moves `size` bytes."""
        seconds = size / _COPY
        ticks = max(_SAMPLES, int(seconds / self.speed / _TICK))
        full = Fault.DISK_FULL in self.machine.faults
        for tick in range(ticks):
            self.report(Progress(name, size * tick // ticks, size))
            if full and tick >= ticks * _FULL_AT:
                raise Failed(
                    "No space left on device", "make room where snapshots go, then try again; nothing was lost"
                )
            self.wait(seconds / ticks)
        self.report(Progress(name, size, size))

    def lamp(self, state: FreezeState, why: str = "") -> None:
        """The guest's file systems change their state, and the lamp with them."""
        freeze = Freeze(state, self.world.now(), why)
        self.world.set_freeze(self.step.vm, freeze)
        self.report(Progress(state.value, freeze=freeze))

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The guest is frozen inside, and thawed whatever happens there."""
        self.lamp(FreezeState.FREEZING)
        try:
            if Fault.AGENT_TIMEOUT in self.machine.faults:
                self.wait(5.0)
                self.lamp(FreezeState.FAILED, "the guest agent took the command and did not answer within 5 s")
                raise Failed("guest agent timed out during guest-fsfreeze-freeze", "look at the load of the guest")
            self.wait(0.6)
            self.lamp(FreezeState.FROZEN)
            yield
        finally:
            self.lamp(FreezeState.THAWING)
            Event().wait(0.2 / self.speed)  # nobody stops a thaw
            self.lamp(FreezeState.THAWED)


def _take(act: _Act) -> str:
    machine = act.machine
    chosen = way(act.world.shape, act.text("method"))
    disks = _chosen(act.step.params["disks"])
    if Fault.QUOTA in machine.faults:
        raise Denied("Maximum number of snapshots allowed (10) exceeded", "delete old ones, or ask for more quota")
    size = to_write(chosen, machine.vm, [disk for disk in machine.vm.disks if disk.id in disks])
    consistency: Consistency | None = None
    act.gate.ready()
    parts = sum(can_join(chosen, disk) for disk in machine.vm.disks if disk.id in disks)
    hold = _hold(machine.vm, chosen, parts)
    if chosen.freezes(machine.vm):
        consistency = _cut_frozen(act, 2.4 if chosen.copies else 0.8)
        hold = Hold.HELD if consistency is Consistency.FILESYSTEM else hold
    else:
        if chosen.freezing is Freezing.HIDDEN and machine.vm.agent is AgentState.CONNECTED:
            act.lamp(FreezeState.HIDDEN)
        elif chosen.freezing is Freezing.DEMANDED:
            raise Failed("the guest agent is not connected", "start it, or take the snapshot without a freeze")
        act.gate.still()
        act.gate.cut()
    group = act.gate.over(hold)
    if size:
        act.copy("memory" if chosen.memory and machine.vm.state.is_active else "copying", size)
    elif consistency is None:
        act.phase("cutting disks", 0.4)

    def make(now: Machine) -> Snapshot:
        return compose(
            act.world.shape,
            now.vm,
            chosen,
            name=act.text("name"),
            created=act.world.now(),
            parent=now.current.id if now.current else None,
            description=act.text("description"),
            disks=disks,
            consistency=consistency,
            size=size or parts * _OVERLAY,
            group=group,
        )

    snapshot = act.world.keep(act.step.vm, make)
    return f"{snapshot.name} taken, {snapshot.consistency.value} consistent"


def _cut_frozen(act: _Act, seconds: float) -> Consistency:
    """Cut the disks of a frozen guest: what that is worth. In a group one that cannot be frozen is cut all the same."""
    try:
        with act.frozen():
            end = time.monotonic() + act.gate.limit
            act.gate.still()
            act.phase("cutting disks", min(seconds, max(0.0, end - time.monotonic()) * act.speed))
            if time.monotonic() < end:
                act.gate.cut()
                return Consistency.FILESYSTEM
    except Failed:
        if not act.step.params.get("together"):
            raise
        act.gate.still()
    act.gate.cut()
    return Consistency.CRASH


def _hold(vm: Vm, way: Way, parts: int) -> Hold:
    """What keeps a guest that is not frozen from writing."""
    if vm.state is not VmState.RUNNING:
        return Hold.HELD
    return Hold.TORN if parts > 1 and not way.memory and way.kind is not SnapshotKind.EXTERNAL else Hold.LOOSE


def _restore(act: _Act) -> str:
    target = _target(act)
    state = VmState(act.text("state"))
    act.phase("putting disks back", 1.2)
    if target.memory and state is not VmState.OFF:
        act.copy("loading memory", (act.machine.vm.memory or 0) * 6 // 10)
    elif target.kind in {SnapshotKind.VM, SnapshotKind.IMAGE}:
        act.copy("copying back", target.size or 0)
    act.world.go_back(act.step.vm, target.id, state)
    return f"at {target.name}, {state.value}"


def _launch(act: _Act) -> str:
    target = _target(act)
    act.copy("copying", target.size or 0)
    act.phase("starting", 2.0)
    vm = act.world.launch(act.step.vm, target.id, clean(act.text("name")))
    return f"{vm.name} runs"


def _delete(act: _Act) -> str:
    target = _target(act)
    if act.step.params["metadata_only"]:
        act.phase("forgetting", 0.2)
    elif target.kind is SnapshotKind.EXTERNAL and target.size:
        act.copy("merging", target.size)
    else:
        act.phase("deleting", 0.8)
    act.world.drop(act.step.vm, target.id)
    return f"{target.name} deleted"


def _edit(act: _Act) -> str:
    target = _target(act)
    name, description = act.step.params.get("name"), act.step.params.get("description")
    act.phase("writing", 0.2)
    new = act.world.edit(
        act.step.vm,
        target.id,
        clean(name) if isinstance(name, str) else None,
        description if isinstance(description, str) else None,
        protected if isinstance(protected := act.step.params.get("protected"), bool) else None,
        clean(baseline) if isinstance(baseline := act.step.params.get("baseline"), str) else None,
    )
    return f"{new.name} written anew"


def _thaw(act: _Act) -> str:
    act.lamp(FreezeState.THAWING)
    act.wait(0.3)
    act.lamp(FreezeState.THAWED)
    return "file systems thawed"


def _power(act: _Act) -> str:
    state = VmState.RUNNING if act.step.params["on"] else VmState.OFF
    act.phase("shutting down" if state is VmState.OFF else "starting", 2.0)
    act.world.set_state(act.step.vm, state)
    return state.value


def _target(act: _Act) -> Snapshot:
    return act.world.snapshot(act.step.vm, act.text("snapshot"))


def _chosen(value: JsonValue) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Unsupported("disks have to be a list")
    return tuple(disk for disk in value if isinstance(disk, str))
