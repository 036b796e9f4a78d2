"""What the contract is tried on: a platform with a vm to play with, and somebody outside who plays along."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import pytest

from vmsnap_tui.model.plan import Delete, Restore, Take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vmsnap_tui.model.change import Change
    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import Plan, Request, Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.protocol import Platform


class Outside(Protocol):
    """Somebody else who changes the same vm, not by the platform under test."""

    def take(self, name: str) -> None:
        """Take a snapshot."""
        ...

    def delete(self, name: str) -> None:
        """Delete a snapshot that has no children."""
        ...

    def remove_vm(self) -> None:
        """Delete the vm for good."""
        ...


@dataclass
class Subject:
    """`vm` has no snapshots yet, `other` is one that stays. `read_only` makes the same site, read-only."""

    platform: Platform
    vm: VmRef
    other: VmRef
    outside: Outside
    read_only: Callable[[], Platform]
    reports: list[Progress] = field(default_factory=list)

    @property
    def snapshots(self) -> dict[str, Snapshot]:
        """The vm's snapshots by name."""
        snapshots = self.platform.snapshots([self.vm])[self.vm]
        found = {snapshot.name: snapshot for snapshot in snapshots}
        assert len(found) == len(snapshots)
        return found

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of the vm's disks."""
        return self.platform.survey([self.vm]).holdings[self.vm].layers

    @property
    def tree(self) -> dict[str, str | None]:
        """Name to the parent's name."""
        snapshots = self.snapshots
        names = {snapshot.id: name for name, snapshot in snapshots.items()}
        return {
            name: None if snapshot.parent is None else names[snapshot.parent] for name, snapshot in snapshots.items()
        }

    @property
    def current(self) -> str | None:
        """The name of the current snapshot."""
        found = [name for name, snapshot in self.snapshots.items() if snapshot.current]
        assert len(found) <= 1
        return found[0] if found else None

    def plan(self, request: Request) -> Plan:
        """Fresh facts, and what the request would do."""
        return self.platform.facts(self.vm).plan(request)

    def run(self, step: Step, stop: Event | None = None) -> str:
        """Do a step."""
        return self.platform.run(step, self.reports.append, stop or Event())

    def do(self, request: Request) -> Plan:
        """Plan it, expect no refusal, do all of it."""
        plan = self.plan(request)
        assert plan.steps
        assert not plan.refusals
        for step in plan.steps:
            assert self.run(step)
        return plan

    def do_if_able(self, request: Request) -> Plan:
        """The same, but a platform that says why it can't is left in peace."""
        plan = self.plan(request)
        if plan.refusals:
            pytest.skip("; ".join(f"{refusal.code}: {refusal.why}" for refusal in plan.refusals))
        return self.do(request)

    def take(self, *names: str) -> None:
        """Take snapshots, one after the other."""
        for name in names:
            self.do(Take(self.vm, name))

    def restore(self, name: str) -> Plan:
        """Go back to one."""
        return self.do(Restore(self.snapshots[name].ref))

    def delete(self, name: str) -> Plan:
        """Delete one, if the platform is able to."""
        return self.do_if_able(Delete(self.snapshots[name].ref))

    @contextmanager
    def watched(self) -> Iterator[SimpleQueue[Change]]:
        """Inside, changes arrive in the queue; at the end the watch must go within two seconds."""
        queue: SimpleQueue[Change] = SimpleQueue()
        stop = Event()
        thread = Thread(target=self.platform.watch, args=(queue.put, stop), daemon=True)
        self.platform.look_at(frozenset({self.vm}))
        thread.start()
        try:
            yield queue
        finally:
            stop.set()
            thread.join(2)
        assert not thread.is_alive()


def await_change(queue: SimpleQueue[Change], fits: Callable[[Change], bool], seconds: float) -> bool:
    """Whether a change that fits arrives in time."""
    deadline = monotonic() + seconds
    while (left := deadline - monotonic()) > 0:
        try:
            if fits(queue.get(timeout=left)):
                return True
        except Empty:
            return False
    return False
