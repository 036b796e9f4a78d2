"""Whatever the history, pruning takes nothing that a kept snapshot needs.

A host's files are played here as libvirt 11.3 treats them: overlays on overlays, merged downwards or removed, other
branches put right. What each file holds is worked out by reading through it, and held against what was there when the
snapshot was taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec import structs

from tests.unit.libvirt.planner_facts import HARDWARE, VM, disk, facts
from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.plan import Delete, LossKind
from vmsnap_tui.model.retention import Policy, judged
from vmsnap_tui.model.snapshot import SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.libvirt.facts import Definition, LibvirtFacts, Record

START = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass
class File:
    """An image: what was written to it, and what it stands on."""

    below: str = ""
    written: tuple[int, ...] = ()


@dataclass
class Taken:
    """A snapshot as libvirt has it. `place` is the file that it froze, `overlay` what was put on top."""

    snapshot: Snapshot
    place: str
    overlay: str
    replaced: str = ""
    held: tuple[int, ...] = ()


@dataclass
class Host:
    """The files of one disk of one vm."""

    files: dict[str, File] = field(default_factory=lambda: {"/vm/web.qcow2": File()})
    top: str = "/vm/web.qcow2"
    current: str | None = None
    taken: dict[str, Taken] = field(default_factory=dict)
    clock: int = 0

    def reads(self, place: str) -> tuple[int, ...]:
        """What is seen through a file. Raises KeyError where one that it stands on is gone."""
        file = self.files[place]
        return (*(self.reads(file.below) if file.below else ()), *file.written)

    def take(self, *, running: bool) -> None:
        self.clock += 1
        self.files[self.top].written += (self.clock,)
        name = f"s{self.clock}"
        snapshot = Snapshot(
            SnapRef(VM, name), name, START + timedelta(hours=7 * self.clock), self.current,
            state=VmState.RUNNING if running else VmState.OFF, kind=SnapshotKind.EXTERNAL,
            disks=(SnapshotDisk("vda", SnapshotKind.EXTERNAL),),
        )  # fmt: skip
        overlay = f"/vm/web.{name}"
        self.taken[name] = Taken(snapshot, self.top, overlay, held=self.reads(self.top))
        self.files[overlay] = File(self.top)
        self.top, self.current = overlay, name

    def restore(self, name: str) -> None:
        """A fresh overlay on what it froze; the one that was written to goes, unless a snapshot has frozen it."""
        self.clock += 1
        old = self.top
        if old not in {each.place for each in self.taken.values()}:
            del self.files[old]
        target = self.taken[name]
        target.replaced = f"/vm/web.{self.clock}"
        self.files[target.replaced] = File(target.place)
        self.top, self.current = target.replaced, name

    def protect(self, name: str) -> None:
        it = self.taken[name]
        it.snapshot = structs.replace(it.snapshot, protected=True)

    def facts(self) -> LibvirtFacts:
        known = facts(
            [each.snapshot for each in self.taken.values()],
            current=self.current or "",
            state=VmState.OFF,
            disks=(disk("vda"),),
        )
        return replace(
            known,
            definition=Definition({"vda": self.top}, hardware=HARDWARE),
            chain=tuple(self._chain()),
            records={
                name: Record(
                    Definition({"vda": each.place}, hardware=HARDWARE),
                    {"vda": each.overlay},
                    {"vda": each.replaced} if each.replaced else {},
                )
                for name, each in self.taken.items()
            },
        )

    def _chain(self) -> list[Layer]:
        places, at = [], self.top
        while at:
            places.append(at)
            at = self.files[at].below
        kinds = [LayerKind.ACTIVE, *[LayerKind.OVERLAY] * (len(places) - 2), LayerKind.BASE][: len(places)]
        return [Layer("vda", kind, place) for kind, place in zip(kinds, places, strict=True)]

    def delete(self, name: str) -> None:
        """As libvirt does it, tried on the real one: a leaf beside the chain is removed, all else merged downwards."""
        gone = self.taken.pop(name)
        children = [each for each in self.taken.values() if each.snapshot.parent == name]
        if children or name == self.current:
            over = children[0].place if children else self.top
            self.files[gone.place].written += self.files.pop(over).written
            for file in self.files.values():
                file.below = gone.place if file.below == over else file.below
            for each in self.taken.values():
                each.place = gone.place if each.place == over else each.place
            self.top = gone.place if self.top == over else self.top
        elif gone.snapshot.parent is not None:
            del self.files[gone.place]
        for child in children:
            child.snapshot = structs.replace(child.snapshot, parent=gone.snapshot.parent)
        if name == self.current:
            self.current = gone.snapshot.parent


def prune(host: Host, policy: Policy) -> tuple[set[str], set[str]]:
    """As the engine does it: each by a plan of its own on what is there then. What is kept, and what had to stay."""
    verdicts = judged([each.snapshot for each in host.taken.values()], policy, lambda at: at)
    stayed = set()
    for verdict in reversed(verdicts):
        if verdict.is_kept:
            continue
        name = verdict.snapshot.id
        plan = host.facts().plan(Delete(verdict.snapshot.ref))
        if plan.refusals:
            stayed.add(name)
            continue
        assert [loss.what for loss in plan.losses if loss.kind is LossKind.SNAPSHOT] == [name]
        assert [step.params["name"] for step in plan.steps] == [name]
        host.delete(name)
    return {each.snapshot.id for each in verdicts if each.is_kept}, stayed


counts = some.integers(0, 3)
policies = some.builds(Policy, last=counts, daily=counts, weekly=counts)
acts = some.lists(
    some.tuples(some.sampled_from(["take", "take", "run", "restore", "protect"]), some.integers(0, 20)), max_size=18
)


@given(acts, policies)
@settings(max_examples=400)
def test_whatever_the_history(history: list[tuple[str, int]], policy: Policy) -> None:
    host = Host()
    for act, number in history:
        names = sorted(host.taken)
        if act in {"take", "run"}:
            host.take(running=act == "run")
        elif names and act == "restore":
            host.restore(names[number % len(names)])
        elif names:
            host.protect(names[number % len(names)])
    now = host.reads(host.top)
    kept, stayed = prune(host, policy)
    assert set(host.taken) == kept | stayed
    assert all(host.taken[name].held == host.reads(host.taken[name].place) for name in kept | stayed)
    assert host.reads(host.top) == now  # and the vm goes on with all that it had


def test_a_line_is_pruned_and_forks_that_cannot_be_are_left() -> None:
    host = Host()
    for _ in range(5):
        host.take(running=False)
    assert prune(host, Policy(last=2)) == ({"s4", "s5"}, set())
    host.restore("s4")
    host.take(running=False)
    kept, stayed = prune(host, Policy(last=1))
    assert (kept, stayed) == ({"s7"}, {"s4"})
