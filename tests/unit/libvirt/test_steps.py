"""The steps on libvirt's own test driver, and the orders that they give to libvirt."""

from __future__ import annotations

import itertools
from importlib import import_module
from threading import Event
from typing import TYPE_CHECKING, Any

import libvirt
import pytest

from vmsnap_tui.model.errors import Cancelled, Conflict, Missing, Unreachable, Unsupported
from vmsnap_tui.model.plan import After, Delete, Edit, Plan, Power, Restore, Scope, Step, Take
from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.libvirt import notes, steps
from vmsnap_tui.platforms.libvirt.connection import Connection
from vmsnap_tui.platforms.libvirt.gather import gather
from vmsnap_tui.platforms.libvirt.inventory import read_snapshots
from vmsnap_tui.platforms.libvirt.steps.progress import MemoryProgress, merge_progress
from vmsnap_tui.platforms.libvirt.steps.take import snapshot_xml
from vmsnap_tui.platforms.libvirt.xml import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vmsnap_tui.model.plan import Request
    from vmsnap_tui.model.progress import Progress

_NUMBERS = itertools.count()
_DOMAIN = """<domain type='test'><name>{name}</name><memory>65536</memory><os><type>hvm</type></os>
<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/vm/{name}.qcow2'/>
<target dev='vda' bus='virtio'/></disk></devices></domain>"""


class Bench:
    """A domain of its own on the test driver."""

    def __init__(self) -> None:
        self.connection = Connection("test:///default")
        self.domain: Any = self.connection.open().defineXML(_DOMAIN.format(name=f"bench-{next(_NUMBERS)}"))
        self.domain.create()
        self.vm = VmRef("test", self.domain.UUIDString())
        self.reports: list[Progress] = []

    def plan(self, request: Request) -> Plan:
        return gather(self.connection, self.vm).plan(request)

    def do(self, request: Request, stop: Event | None = None) -> str:
        plan = self.plan(request)
        assert not plan.refusals
        return [self.run(step, stop) for step in plan.steps][-1]

    def run(self, step: Step, stop: Event | None = None) -> str:
        return steps.run(self.connection, step, self.reports.append, stop or Event())

    def take(self, name: str, description: str = "") -> SnapRef:
        self.do(Take(self.vm, name, description))
        return SnapRef(self.vm, name)

    @property
    def snapshots(self) -> dict[str, Snapshot]:
        return {snapshot.name: snapshot for snapshot in read_snapshots(self.domain, self.vm)}


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    for snapshot in made.domain.listAllSnapshots():
        snapshot.delete(0)
    if made.domain.isActive():
        made.domain.destroy()
    made.domain.undefine()
    made.connection.close()


def test_take_and_what_it_is_worth(bench: Bench) -> None:
    bench.take("one", "before <the> change\nsecond line")
    bench.domain.destroy()
    bench.take("two")
    found = bench.snapshots
    assert found["one"].consistency is Consistency.MEMORY
    assert found["one"].description == "before <the> change\nsecond line"
    assert found["two"].consistency is Consistency.CLEAN
    assert (found["two"].parent, found["two"].current) == ("one", True)


@pytest.mark.parametrize("name", ["<b>&'\"", "🦊", "n" * 200, "two words", "[red]"])
def test_names_arrive_as_they_are(bench: Bench, name: str) -> None:
    bench.take(name)
    assert list(bench.snapshots) == [name]


def test_nothing_is_taken_twice(bench: Bench) -> None:
    [step] = bench.plan(Take(bench.vm, "one")).steps
    bench.run(step)
    with pytest.raises(Conflict, match="already"):
        bench.run(step)
    assert list(bench.snapshots) == ["one"]


def test_a_vm_that_was_switched_off_since(bench: Bench) -> None:
    [step] = bench.plan(Take(bench.vm, "one")).steps
    bench.domain.destroy()
    with pytest.raises(Conflict, match="stopped"):
        bench.run(step)
    assert not bench.snapshots


def test_stopped_before_it_began(bench: Bench) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Cancelled):
        bench.do(Take(bench.vm, "one"), stop)
    assert not bench.snapshots


def test_a_vm_that_vanished_since() -> None:
    bench = Bench()
    [step] = bench.plan(Take(bench.vm, "one")).steps
    bench.domain.destroy()
    bench.domain.undefine()
    with pytest.raises(Missing):
        bench.run(step)
    bench.connection.close()


def test_a_snapshot_that_vanished_since(bench: Bench) -> None:
    one = bench.take("one")
    plans = [bench.plan(request) for request in (Restore(one), Delete(one), Edit(one, description="x"))]
    bench.domain.snapshotLookupByName("one").delete(0)
    for plan in plans:
        with pytest.raises(Missing):
            bench.run(plan.steps[0])


def test_a_lost_site_says_that_it_may_have_been_done(bench: Bench) -> None:
    [step] = bench.plan(Take(bench.vm, "one")).steps

    class Breaking(Connection):
        def snapshot(self, domain: libvirt.virDomain, name: str) -> libvirt.virDomainSnapshot:
            raise Unreachable("client socket is closed")

    breaking = Breaking("test:///default")
    breaking.open()
    restore = Step("restore", step.vm, "", {"name": "one", "end": "off", "memory": False, "external": False})
    with pytest.raises(Unreachable, match="may have been done all the same"):
        steps.run(breaking, restore, bench.reports.append, Event())
    breaking.close()


def test_an_unknown_step(bench: Bench) -> None:
    with pytest.raises(Unsupported):
        bench.run(Step("explode", bench.vm, ""))


@pytest.mark.parametrize(
    ("after", "active", "state"),
    [
        (After.AS_TAKEN, True, libvirt.VIR_DOMAIN_RUNNING),
        (After.RUNNING, True, libvirt.VIR_DOMAIN_RUNNING),
        (After.PAUSED, True, libvirt.VIR_DOMAIN_PAUSED),
        (After.OFF, False, libvirt.VIR_DOMAIN_SHUTOFF),
    ],
)
def test_how_a_restore_ends(bench: Bench, after: After, active: bool, state: int) -> None:
    one = bench.take("one")
    bench.take("two")
    bench.do(Restore(one, after))
    assert (bool(bench.domain.isActive()), bench.domain.state()[0]) == (active, state)
    assert bench.snapshots["one"].current


def test_a_restore_keeps_what_was_noted_since(bench: Bench) -> None:
    one = bench.take("one")
    created = int(bench.snapshots["one"].created.timestamp())
    kept = notes.Note("one", created, protected=True)
    notes.record(bench.domain, kept)
    bench.do(Restore(one))
    assert notes.read(bench.domain) == {kept.key: kept}


def test_notes_come_back_once_the_site_does(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection broke when the vm was back already, and all that was noted since was gone with the old one."""
    module = import_module("vmsnap_tui.platforms.libvirt.steps.restore")
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    one = bench.take("one")
    kept = notes.Note("one", int(bench.snapshots["one"].created.timestamp()), protected=True)
    notes.record(bench.domain, kept)
    revert, read, silent = module._revert, notes.read, 0

    def breaks(*rest: object) -> None:
        nonlocal silent
        revert(*rest)
        silent = 2
        error = libvirt.libvirtError("End of file while reading data: Input/output error")
        error.err = (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_RPC, str(error), 2, "", "", "", 0, 0)
        raise error

    def comes_back(domain: libvirt.virDomain) -> notes.Notes:
        nonlocal silent
        if silent:
            silent -= 1
            raise Unreachable("the connection broke")
        return read(domain)

    monkeypatch.setattr(module, "_revert", breaks)
    monkeypatch.setattr(notes, "read", comes_back)
    with pytest.raises((libvirt.libvirtError, Unreachable)):
        bench.do(Restore(one))
    assert read(bench.domain) == {kept.key: kept}


@pytest.mark.parametrize("ask", [Delete, Restore])
def test_another_one_of_the_same_name_is_not_what_was_planned(bench: Bench, ask: Callable[[SnapRef], Request]) -> None:
    """A nightly job took it anew since: libvirt knows it by nothing but its name."""
    one = bench.take("one")
    plan = bench.plan(ask(one))
    text = bench.domain.snapshotLookupByName("one").getXMLDesc()
    created = int(bench.snapshots["one"].created.timestamp())
    later = text.replace(f"<creationTime>{created}<", f"<creationTime>{created + 5}<")
    bench.domain.snapshotCreateXML(later, libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE)
    assert bench.plan(ask(one)) != plan
    with pytest.raises(Conflict, match="another snapshot is called “one” by now"):
        bench.run(plan.steps[-1])
    assert int(bench.snapshots["one"].created.timestamp()) == created + 5


def test_a_safety_snapshot_comes_first(bench: Bench) -> None:
    one = bench.take("one")
    bench.take("two")
    bench.do(Restore(one, safety="before"))
    assert bench.snapshots["before"].parent == "two"
    assert bench.snapshots["one"].current


def test_somebody_else_was_quicker(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for happens between the look and the call, which is refused then."""
    destroy, shutdown, create = libvirt.virDomain.destroy, libvirt.virDomain.shutdown, libvirt.virDomain.create

    def after(first: Callable[[Any], int], then: Callable[[Any], int]) -> Callable[[Any], int]:
        def both(domain: libvirt.virDomain) -> int:
            first(domain)
            return then(domain)

        return both

    monkeypatch.setattr(libvirt.virDomain, "shutdown", after(destroy, shutdown))
    monkeypatch.setattr(libvirt.virDomain, "create", after(create, create))
    assert bench.do(Power(bench.vm, on=False)) == "the vm is off"
    assert bench.do(Power(bench.vm, on=True)) == "the vm runs"


def test_one_that_was_asked_may_refuse_to_be_asked_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("vmsnap_tui.platforms.libvirt.steps.power")
    monkeypatch.setattr(module, "_ASK_AGAIN", 0.0)
    monkeypatch.setattr(module, "_PAUSE", 0.001)
    asked = []

    def shutdown(domain: libvirt.virDomain) -> int:
        asked.append(domain)
        if len(asked) == 3:
            domain.destroy()
        if len(asked) > 1:
            raise libvirt.libvirtError("the agent is gone")
        return 0

    monkeypatch.setattr(libvirt.virDomain, "shutdown", shutdown)
    assert bench.do(Power(bench.vm, on=False)) == "the vm is off"
    assert len(asked) == 3


def test_deleting_with_children_and_forgetting_what_was_noted(bench: Bench) -> None:
    one = bench.take("one")
    two = bench.take("two")
    bench.take("three")
    notes.record(bench.domain, notes.Note("three", int(bench.snapshots["three"].created.timestamp())))
    bench.do(Delete(two, Scope.CHILDREN))
    assert sorted(bench.snapshots) == ["one", "two"]
    assert not notes.read(bench.domain)
    bench.do(Delete(one))
    assert bench.snapshots["two"].parent is None
    bench.do(Delete(two, Scope.TREE))
    assert not bench.snapshots


@pytest.mark.parametrize("text", ["new", "", "a\nb", "<x> & 🦊"])
def test_describing_anew_changes_nothing_else(bench: Bench, text: str) -> None:
    one = bench.take("one", "old")
    bench.take("two")
    before = bench.snapshots
    bench.do(Edit(one, description=text))
    after = bench.snapshots
    assert after["one"].description == text
    assert after["two"] == before["two"]
    assert (after["one"].created, after["one"].parent) == (before["one"].created, before["one"].parent)
    assert after["one"].disks == before["one"].disks


def test_describing_the_current_one_leaves_it_current(bench: Bench) -> None:
    bench.take("one")
    two = bench.take("two")
    bench.do(Edit(two, description="new"))
    assert [name for name, snapshot in bench.snapshots.items() if snapshot.current] == ["two"]


# -- what libvirt is told


def test_the_order_names_every_disk() -> None:
    root = parse(
        snapshot_xml(
            {
                "name": "a<b>",
                "description": "x\x1b[31m\ny",
                "memory": "/vm/m.mem",
                "disks": {"vda": "/vm/o", "vdb": "no", "vdc": "internal"},
            }
        )
    )
    assert root.findtext("name") == "a<b>"
    assert root.findtext("description") == "x␛[31m\ny"
    memory = root.find("memory")
    assert memory is not None
    assert dict(memory.items()) == {"snapshot": "external", "file": "/vm/m.mem"}
    assert [(disk.get("name"), disk.get("snapshot")) for disk in root.iterfind("disks/disk")] == [
        ("vda", "external"),
        ("vdb", "no"),
        ("vdc", "internal"),
    ]
    assert [source.get("file") for source in root.iterfind("disks/disk/source")] == ["/vm/o"]


# -- what is seen from beside


class Watched:
    """Answers as libvirt does while something is at work; `done` is set with the last answer."""

    def __init__(self, done: Event, answers: list[Any]) -> None:
        self._done = done
        self._answers = answers
        self.aborts = 0

    def _next(self) -> Any:
        answer = self._answers.pop(0)
        if not self._answers:
            self._done.set()
        return answer

    def jobInfo(self) -> Any:  # noqa: N802 - libvirt's name
        return self._next()

    def blockJobInfo(self, _disk: str) -> Any:  # noqa: N802
        return self._next()

    def abortJob(self) -> None:  # noqa: N802
        self.aborts += 1
        self._next()


def test_memory_progress_counts_what_remains() -> None:
    done, reports = Event(), list[Any]()
    busy = libvirt.VIR_DOMAIN_JOB_UNBOUNDED
    answers = [[busy, 1, 0, 0, 0, 0], [busy, 2, 0, 100, 10, 80], [busy, 3, 0, 100, 20, 30], [3, 4, 0, 100, 100, 0]]
    MemoryProgress(reports.append, Event()).look(Watched(done, answers), done)
    assert [(progress.done, progress.total) for progress in reports] == [(20, 100), (70, 100)]


def test_a_wish_to_stop_reaches_libvirt() -> None:
    done, stop = Event(), Event()
    stop.set()
    watched = Watched(done, [None])
    progress = MemoryProgress(lambda _: None, stop)
    progress.cancel(watched, done)
    assert progress.aborted
    assert watched.aborts == 1


def test_no_wish_to_stop_no_abort() -> None:
    done = Event()
    done.set()
    watched = Watched(done, [None])
    progress = MemoryProgress(lambda _: None, Event())
    progress.cancel(watched, done)
    assert not progress.aborted
    assert not watched.aborts


def test_merging_sums_the_disks_and_invents_nothing() -> None:
    done, reports = Event(), list[Any]()
    answers = [{}, {"cur": 0, "end": 1}, {"cur": 10, "end": 100}, {"cur": 5, "end": 50}, {}, {}]
    merge_progress(["vda", "vdb"], reports.append)(Watched(done, answers), done)
    assert [(progress.done, progress.total) for progress in reports] == [(15, 150)]
