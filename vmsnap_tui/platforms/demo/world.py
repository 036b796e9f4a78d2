"""The world of one demo site: its vms and their snapshots, changed by steps and, for tests, from outside."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from threading import RLock
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import Conflict, Missing, Unreachable
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.platforms.demo.record import compose, stable_id
from vmsnap_tui.platforms.demo.shape import WAYS, Shape, way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from queue import SimpleQueue

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef

_FIRST_PAGE, _PAGE = 50, 200
_THAWED = Freeze(FreezeState.THAWED)


class Fault(Enum):
    """What goes wrong with a vm once a step is at work. No plan sees it coming."""

    AGENT_TIMEOUT = "agent timeout"  # the agent takes the freeze and never answers
    DISK_FULL = "disk full"  # writing much stops midway
    QUOTA = "quota"  # the site takes no further snapshot


@dataclass(slots=True)
class Machine:
    """A vm with what belongs to it. Held under the world's lock."""

    vm: Vm
    agent: AgentState = AgentState.CONNECTED  # while the guest is up
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    freeze: Freeze = _THAWED
    changed: bool = True  # since its current snapshot
    busy: str = ""  # what is at work on it
    free: int | None = None  # bytes where its snapshots go
    faults: frozenset[Fault] = frozenset()
    then: dict[str, Vm] = field(default_factory=dict)  # what it was, by the ids of snapshots of another time

    @property
    def current(self) -> Snapshot | None:
        """The snapshot that "now" goes on from."""
        return next((snapshot for snapshot in self.snapshots.values() if snapshot.current), None)

    def stand(self, shape: Shape, state: VmState) -> None:
        """The vm is in `state` from now on, and its agent and its lamp with it."""
        agent = self.agent
        if agent is AgentState.CONNECTED and not state.is_active:
            agent = AgentState.DISCONNECTED
        self.vm = replace(self.vm, state=state, agent=agent)
        self.changed = self.changed or state.is_active
        if shape is Shape.OPENSTACK:
            self.freeze = Freeze(FreezeState.HIDDEN)
        elif state is VmState.RUNNING and agent is AgentState.CONNECTED:
            self.freeze = _THAWED
        else:
            self.freeze = Freeze(FreezeState.UNAVAILABLE)


class World:
    """All that there is on one demo site. Safe to use from any thread; what it hands out never changes."""

    def __init__(self, shape: Shape, now: datetime) -> None:
        self.shape = shape
        self._machines: dict[VmRef, Machine] = {}
        self._lock = RLock()
        self._listeners: list[SimpleQueue[Change]] = []
        self._error: Unreachable | None = None
        self.start = now.replace(microsecond=0)
        self._started = time.monotonic()

    def now(self) -> datetime:
        """The time on this site: it began where it was told to and goes on from there."""
        return self.start + timedelta(seconds=time.monotonic() - self._started)

    # reading

    def check(self) -> None:
        """Raise Unreachable while the connection is lost."""
        if self._error:
            raise self._error

    def pages(self) -> Iterator[tuple[Vm, ...]]:
        """All vms, a small page first."""
        with self._lock:
            self.check()
            vms = [machine.vm for machine in self._machines.values()]
        start, end = 0, _FIRST_PAGE
        while start < len(vms):
            self.check()
            yield tuple(vms[start:end])
            start, end = end, end + _PAGE

    def look(self, ref: VmRef) -> Machine:
        """A copy of a vm's record, to read at leisure. Raises Missing, Unreachable."""
        with self._lock:
            machine = self._machine(ref)
            return dataclasses.replace(machine, snapshots=dict(machine.snapshots))

    def snapshots(self, refs: Iterable[VmRef]) -> dict[VmRef, tuple[Snapshot, ...]]:
        """The snapshots of these vms; one that is gone is left out. Raises Unreachable."""
        with self._lock:
            self.check()
            found = {ref: self._machines[ref] for ref in refs if ref in self._machines}
            return {ref: tuple(machine.snapshots.values()) for ref, machine in found.items()}

    def snapshot(self, ref: VmRef, snapshot_id: str) -> Snapshot:
        """One snapshot. Raises Missing, Unreachable."""
        with self._lock:
            return self._snapshot(self._machine(ref), snapshot_id)

    def find(self, name: str) -> VmRef:
        """The first vm of that name. Raises Missing."""
        with self._lock:
            for ref, machine in self._machines.items():
                if machine.vm.name == name:
                    return ref
        raise Missing(f"no vm named {name}")

    def _machine(self, ref: VmRef) -> Machine:
        self.check()
        try:
            return self._machines[ref]
        except KeyError:
            raise Missing(f"no vm with id {ref.id}", "it was removed; refresh") from None

    # being told of changes

    def listen(self, queue: SimpleQueue[Change]) -> None:
        """Put every change into `queue` from now on."""
        with self._lock:
            self._listeners.append(queue)

    def unlisten(self, queue: SimpleQueue[Change]) -> None:
        """Stop that."""
        with self._lock:
            self._listeners.remove(queue)

    def tell(self, change: Change) -> None:
        """Let all listeners know."""
        with self._lock:
            for queue in self._listeners:
                queue.put(change)

    # changing: what steps do, each in one go

    def add(self, machine: Machine) -> None:
        """A vm appears."""
        with self._lock:
            self._machines[machine.vm.ref] = machine
            self.tell(Change(ChangeKind.VM, machine.vm.ref))

    def begin(self, ref: VmRef, what: str) -> None:
        """Claim a vm for a step. Raises Conflict where something else is at work on it."""
        with self._lock:
            machine = self._machine(ref)
            if machine.busy:
                raise Conflict(f"{machine.vm.name} is busy: {machine.busy}", "wait until that is done")
            machine.busy = what

    def end(self, ref: VmRef) -> None:
        """Release it. It may be gone by now."""
        with self._lock:
            if machine := self._machines.get(ref):
                machine.busy = ""

    def keep(self, ref: VmRef, make: Callable[[Machine], Snapshot]) -> Snapshot:
        """Add the snapshot that `make` composes; it is the current one. Raises Conflict where it exists."""
        with self._lock:
            machine = self._machine(ref)
            snapshot = make(machine)
            if any(old.name == snapshot.name for old in machine.snapshots.values()):
                raise Conflict(f"{machine.vm.name} has a snapshot named {snapshot.name} already", "choose another name")
            self._move(machine, None)
            machine.snapshots[snapshot.id] = snapshot
            machine.then[snapshot.id] = machine.vm
            machine.changed = machine.vm.state.is_active
            if machine.free is not None:
                machine.free -= min(machine.free, snapshot.size or 0)
            self.tell(Change(ChangeKind.SNAPSHOTS, ref))
            return snapshot

    def go_back(self, ref: VmRef, snapshot_id: str, state: VmState) -> None:
        """The vm stands at a snapshot. Raises Missing."""
        with self._lock:
            machine = self._machine(ref)
            self._snapshot(machine, snapshot_id)
            self._move(machine, snapshot_id)
            machine.changed = False
            machine.stand(self.shape, state)
            self.tell(Change(ChangeKind.VM, ref))
            self.tell(Change(ChangeKind.SNAPSHOTS, ref))

    def launch(self, ref: VmRef, snapshot_id: str, name: str) -> Vm:
        """Another vm starts from a snapshot, and has none of its own. Raises Missing, Conflict."""
        with self._lock:
            machine = self._machine(ref)
            source = self._snapshot(machine, snapshot_id)
            if any(other.vm.name == name for other in self._machines.values()):
                raise Conflict(f"there is a vm named {name} already", "choose another name")
            vm = replace(machine.vm, ref=replace(ref, id=stable_id(ref.id, snapshot_id, name)), name=name, title="")
            new = Machine(vm, machine.agent)
            new.stand(self.shape, VmState.RUNNING)
            self.add(new)
            machine.snapshots[snapshot_id] = replace(source, forks=(*source.forks, name))
            self.tell(Change(ChangeKind.SNAPSHOTS, ref))
            return new.vm

    def drop(self, ref: VmRef, snapshot_id: str) -> None:
        """A snapshot goes, its children hang under its parent. Raises Missing."""
        with self._lock:
            machine = self._machine(ref)
            gone = self._snapshot(machine, snapshot_id)
            del machine.snapshots[snapshot_id]
            machine.then.pop(snapshot_id, None)
            parent = gone.parent if gone.parent in machine.snapshots else None
            for key, snapshot in machine.snapshots.items():
                if snapshot.parent == snapshot_id:
                    machine.snapshots[key] = replace(snapshot, parent=parent)
            if gone.current and parent is not None:
                self._move(machine, parent)
            if machine.free is not None:
                machine.free += gone.size or 0
            self.tell(Change(ChangeKind.SNAPSHOTS, ref))

    def edit(
        self,
        ref: VmRef,
        snapshot_id: str,
        name: str | None,
        description: str | None,
        protected: bool | None = None,
        baseline: str | None = None,
    ) -> Snapshot:
        """Rename, describe or protect a snapshot. Raises Missing, Conflict."""
        with self._lock:
            machine = self._machine(ref)
            old = self._snapshot(machine, snapshot_id)
            new = old
            if description is not None:
                new = replace(new, description=clean_lines(description))
            if protected is not None:
                new = replace(new, protected=protected)
            if baseline is not None:
                new = replace(new, baseline=baseline)
            if name is not None and name != old.name:
                if any(other.name == name for other in machine.snapshots.values()):
                    raise Conflict(f"a snapshot named {name} exists already", "choose another name")
                new_id = name if self.shape is Shape.LIBVIRT else old.id
                new = replace(new, name=clean(name), ref=replace(old.ref, id=new_id))
            # rebuilt in order: with libvirt the name is the id, so the children point to the new one
            machine.snapshots = {
                new.id if key == old.id else key: new
                if key == old.id
                else replace(each, parent=new.id)
                if each.parent == old.id
                else each
                for key, each in machine.snapshots.items()
            }
            if old.id in machine.then:
                machine.then[new.id] = machine.then.pop(old.id)
            self.tell(Change(ChangeKind.SNAPSHOTS, ref))
            return new

    def set_freeze(self, ref: VmRef, freeze: Freeze) -> None:
        """The guest's file systems change. Without effect on a vm that is gone; works while the line is down."""
        with self._lock:
            if machine := self._machines.get(ref):
                machine.freeze = freeze
                self.tell(Change(ChangeKind.FREEZE, ref, freeze))

    def set_state(self, ref: VmRef, state: VmState) -> None:
        """The vm starts, stops, …. Raises Missing."""
        with self._lock:
            machine = self._machine(ref)
            machine.stand(self.shape, state)
            self.tell(Change(ChangeKind.VM, ref))

    @staticmethod
    def _snapshot(machine: Machine, snapshot_id: str) -> Snapshot:
        try:
            return machine.snapshots[snapshot_id]
        except KeyError:
            raise Missing(f"{machine.vm.name} has no snapshot {snapshot_id}", "it was removed; refresh") from None

    @staticmethod
    def _move(machine: Machine, snapshot_id: str | None) -> None:
        """Make a snapshot the current one."""
        if (old := machine.current) and old.id != snapshot_id:
            machine.snapshots[old.id] = replace(old, current=False)
        if snapshot_id is not None:
            machine.snapshots[snapshot_id] = replace(machine.snapshots[snapshot_id], current=True)

    # hooks: what others do to the site, for tests and shows

    def outside_take(self, ref: VmRef, name: str, description: str = "", method: str = "") -> Snapshot:
        """Somebody else takes a snapshot, by the last way of the shape if none is named."""
        chosen = way(self.shape, method) if method else WAYS[self.shape][-1]

        def make(machine: Machine) -> Snapshot:
            parent = machine.current.id if machine.current else None
            return compose(
                self.shape, machine.vm, chosen, name=name, created=self.now(), parent=parent, description=description
            )

        return self.keep(ref, make)

    def outside_delete(self, ref: VmRef, snapshot_id: str) -> None:
        """Somebody else deletes a snapshot."""
        self.drop(ref, snapshot_id)

    def vanish(self, ref: VmRef) -> None:
        """Somebody else deletes a vm."""
        with self._lock:
            if self._machines.pop(ref, None):
                self.tell(Change(ChangeKind.GONE, ref))

    def put(self, vm: Vm) -> None:
        """Somebody else changes a vm's own values, or makes a vm."""
        with self._lock:
            if machine := self._machines.get(vm.ref):
                machine.vm = vm
                self.tell(Change(ChangeKind.VM, vm.ref))
            else:
                self.add(Machine(vm))

    def occupy(self, ref: VmRef, what: str) -> None:
        """Somebody else is at work on a vm ("" for no more)."""
        with self._lock:
            self._machine(ref).busy = what
            self.tell(Change(ChangeKind.VM, ref))

    def script(self, ref: VmRef, faults: Iterable[Fault]) -> None:
        """From now on this goes wrong with the vm."""
        with self._lock:
            self._machine(ref).faults = frozenset(faults)

    def lose(self, words: str = "the connection was reset by the peer") -> None:
        """The connection breaks and stays so."""
        with self._lock:
            if not self._error:
                self._error = Unreachable(words, "the demo site comes back when it is told to")
                self.tell(Change(ChangeKind.LOST, error=self._error))

    def regain(self) -> None:
        """The connection stands again."""
        with self._lock:
            if self._error:
                self._error = None
                self.tell(Change(ChangeKind.BACK))
