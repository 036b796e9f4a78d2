"""A platform of a few lines, which a test can hold up, break and look into."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace as replaced

from vmsnap_tui.model import together
from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.compare import Definition
from vmsnap_tui.model.errors import Cancelled, Missing
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.plan import Edit, Method, Plan, Refusal, Request, Restore, Step, Take, Thaw, WayBack
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.snapshot import SnapRef, Snapshot
from vmsnap_tui.model.survey import Survey
from vmsnap_tui.model.vm import PlatformKind, Site, SiteInfo, Vm, VmRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from vmsnap_tui.model.advice import Advice
    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import JsonValue
    from vmsnap_tui.platforms.protocol import Platform

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def site(name: str = "s", *, jobs: int = 2, read_only: bool = False) -> Site:
    return Site(name, PlatformKind.DEMO, f"fake:{name}", jobs=jobs, read_only=read_only)


def vm(number: int = 1, *, on: str = "s", title: str = "") -> Vm:
    return Vm(VmRef(on, f"id-{number}"), f"vm-{number}", title=title)


def snapshot(ref: VmRef, name: str, *, description: str = "") -> Snapshot:
    return Snapshot(SnapRef(ref, name), name, WHEN, description=description)


class Gate:
    """Holds a thread up: `entered` once one is there, until `open` is set."""

    def __init__(self) -> None:
        self.entered = Event()
        self.open = Event()

    def __call__(self) -> None:
        self.entered.set()
        self.open.wait(30)


@dataclass
class World:
    """What the fake platform reads and changes.

    `hooks` are called in the platform's thread: at the name of a method before it reads, at "name.read" after that.
    """

    vms: dict[VmRef, Vm] = field(default_factory=dict)
    snapshots: dict[VmRef, tuple[Snapshot, ...]] = field(default_factory=dict)
    survey: Survey = field(default_factory=Survey)
    frozen: set[VmRef] = field(default_factory=set)
    hooks: dict[str, Callable[[], None]] = field(default_factory=dict)
    calls: list[tuple[str, object]] = field(default_factory=list)
    steps: int = 1
    freezes: bool = False
    thaws: bool = True
    page: int = 2
    emit: Callable[[Change], None] | None = None
    at_work: list[VmRef] = field(default_factory=list)
    most_at_work: int = 0
    lock: Lock = field(default_factory=Lock)

    def with_vms(self, count: int, *, on: str = "s") -> World:
        for number in range(count):
            one = vm(number, on=on)
            self.vms[one.ref] = one
            self.snapshots[one.ref] = ()
        return self

    def gate(self, place: str) -> Gate:
        gate = Gate()
        self.hooks[place] = gate
        return gate

    def open_all(self) -> None:
        for hook in self.hooks.values():
            if isinstance(hook, Gate):
                hook.open.set()

    def fail(self, place: str, error: Exception) -> None:
        def hook() -> None:
            raise error

        self.hooks[place] = hook

    def heal(self, place: str) -> None:
        del self.hooks[place]

    def at(self, place: str, what: object = None) -> None:
        self.calls.append((place, what))
        if hook := self.hooks.get(place):
            hook()

    def count(self, place: str) -> int:
        return sum(called == place for called, _ in self.calls)

    def tell(self, kind: ChangeKind, ref: VmRef | None = None) -> None:
        assert self.emit is not None
        self.emit(Change(kind, ref))

    def create(self, one: Site) -> Platform:
        return FakePlatform(one, self)


@dataclass(frozen=True)
class FakeFacts:
    """Facts whose plans have as many steps as the world says."""

    vm: Vm
    snapshots: Sequence[Snapshot]
    chain: Sequence[Layer]
    freeze: Freeze
    steps: int
    freezes: bool

    def called(self, name: str) -> str:
        return name

    def methods(self) -> tuple[Method, ...]:
        return ()

    def advice(self) -> tuple[Advice, ...]:
        return ()

    def ways_back(self, snapshot: SnapRef) -> tuple[WayBack, ...]:
        del snapshot
        return ()

    def plan(self, request: Request) -> Plan:
        plan = Plan(request, f"{type(request).__name__} of {self.vm.name}", self.vm.name)
        if isinstance(request, Thaw):
            if self.freeze.state is not FreezeState.FROZEN:
                return replace(plan, refusals=(Refusal("not-frozen", "the guest is not frozen"),))
            return replace(plan, steps=(Step("thaw", request.vm, "Thaw the guest"),))
        if isinstance(request, Take) and any(known.name == request.name for known in self.snapshots):
            return replace(plan, refusals=(Refusal("name-taken", "there is one of that name", "take another"),))
        if isinstance(request, Restore):
            return replace(plan, steps=(Step("restore", request.vm, "Restore", {"name": request.snapshot.id}),))
        if isinstance(request, Edit):
            marks: dict[str, JsonValue] = {"protected": request.protected, "baseline": request.baseline}
            return replace(plan, steps=(Step("edit", request.vm, "Edit", {"name": request.snapshot.id} | marks),))
        steps = tuple(
            Step("take", request.vm, f"Step {number}", {"name": f"{request.name}{'+' * number}"}, self.freezes)
            for number in range(self.steps)
            if isinstance(request, Take)
        )
        return replace(plan, steps=steps, cautions=tuple(f"after {known.name}" for known in self.snapshots))


class FakePlatform:
    """The protocol, on a `World`."""

    def __init__(self, one: Site, world: World) -> None:
        self.site = one
        self.world = world

    def open(self) -> SiteInfo:
        self.world.at("open")
        return SiteInfo("fake", "1")

    def close(self) -> None:
        self.world.at("close")

    def vms(self) -> Iterator[Sequence[Vm]]:
        self.world.at("vms")
        found = [one for one in self.world.vms.values() if one.ref.site == self.site.name]
        self.world.at("vms.read")
        for start in range(0, len(found), self.world.page):
            yield found[start : start + self.world.page]
            self.world.at("vms.page", start)

    def vm(self, ref: VmRef) -> Vm:
        self.world.at("vm", ref)
        found = self._known(ref)
        self.world.at("vm.read", ref)
        return found

    def snapshots(self, vms: Sequence[VmRef]) -> Mapping[VmRef, tuple[Snapshot, ...]]:
        self.world.at("snapshots", tuple(vms))
        found = {ref: self.world.snapshots[ref] for ref in vms if ref in self.world.vms}
        self.world.at("snapshots.read", tuple(vms))
        return found

    def survey(self, vms: Sequence[VmRef] | None) -> Survey:
        self.world.at("survey", vms)
        return self.world.survey

    def source(self, vm: VmRef, snapshot: SnapRef | None = None) -> tuple[str, str]:
        return f"{self._known(vm).name} {snapshot}", "text"

    def definition(self, vm: VmRef, snapshot: SnapRef | None = None) -> Definition:
        return Definition(*self.source(vm, snapshot))

    def facts(self, vm: VmRef) -> FakeFacts:
        self.world.at("facts", vm)
        found = self._known(vm)
        state = FreezeState.FROZEN if vm in self.world.frozen else FreezeState.THAWED
        return FakeFacts(found, self.world.snapshots[vm], (), Freeze(state, WHEN), self.world.steps, self.world.freezes)

    def run(
        self, step: Step, report: Callable[[Progress], None], stop: Event, gate: together.Gate = together.ALONE
    ) -> str:
        world, ref = self.world, step.vm
        world.calls.append(("run", step))
        with world.lock:
            world.at_work.append(ref)
            world.most_at_work = max(world.most_at_work, len(world.at_work))
            assert world.at_work.count(ref) == 1, "two jobs on one vm"
        try:
            return self._run(step, report, stop, gate)
        finally:
            with world.lock:
                world.at_work.remove(ref)

    def _run(self, step: Step, report: Callable[[Progress], None], stop: Event, gate: together.Gate) -> str:
        world, ref = self.world, step.vm
        if step.action == "thaw":
            world.at("thaw", ref)
            world.frozen.discard(ref)
            report(Progress("thawing", freeze=Freeze(FreezeState.THAWED, WHEN)))
            return "thawed"
        name = str(step.params["name"])
        if step.action == "restore":
            world.at("restore", ref)
            return "restored"
        if step.action == "edit":
            world.at("edit", ref)
            marks: Any = {key: value for key in ("protected", "baseline") if (value := step.params[key]) is not None}
            world.snapshots[ref] = tuple(
                replaced(each, **marks) if each.id == name else each for each in world.snapshots[ref]
            )
            return "edited"
        gate.ready()
        if step.freezes:
            world.frozen.add(ref)
            report(Progress("freezing", freeze=Freeze(FreezeState.FROZEN, WHEN)))
        gate.still()
        report(Progress("saving", 50, 100))
        world.at("run.midway", stop)
        if stop.is_set():
            self._thaw(step, report)
            raise Cancelled(f"{name} was stopped")
        gate.cut()
        self._thaw(step, report)
        group = gate.over(together.Hold.HELD if step.freezes else together.Hold.LOOSE)
        world.snapshots[ref] = (*world.snapshots[ref], replaced(snapshot(ref, name), group=group))
        report(Progress("saving", 100, 100))
        return f"{name} taken"

    def _thaw(self, step: Step, report: Callable[[Progress], None]) -> None:
        if not self.world.thaws:
            report(Progress("thawing", freeze=Freeze(FreezeState.FAILED, WHEN, "the agent does not answer")))
        elif step.freezes:
            self.world.frozen.discard(step.vm)
            report(Progress("thawed", freeze=Freeze(FreezeState.THAWED, WHEN)))

    def watch(self, emit: Callable[[Change], None], stop: Event) -> None:
        self.world.at("watch")
        self.world.emit = emit
        stop.wait(60)

    def look_at(self, vms: frozenset[VmRef]) -> None:
        self.world.calls.append(("look_at", vms))

    def _known(self, ref: VmRef) -> Vm:
        found = self.world.vms.get(ref)
        if found is None:
            raise Missing(f"there is no vm {ref.id}")
        return found
