"""The demo as a platform: everything happens in memory, nothing is real."""

from __future__ import annotations

from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Denied, Missing, Unreachable
from vmsnap_tui.model.findings import surveyed
from vmsnap_tui.model.survey import Holdings
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.model.vm import SiteInfo
from vmsnap_tui.platforms.demo.facts import DemoFacts
from vmsnap_tui.platforms.demo.layers import layers
from vmsnap_tui.platforms.demo.seeds import build
from vmsnap_tui.platforms.demo.shape import Shape
from vmsnap_tui.platforms.demo.source import definition, source
from vmsnap_tui.platforms.demo.steps import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from threading import Event

    from vmsnap_tui.model.change import Change
    from vmsnap_tui.model.compare import Definition
    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.snapshot import SnapRef, Snapshot
    from vmsnap_tui.model.survey import Survey
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.model.vm import Site, Vm, VmRef
    from vmsnap_tui.platforms.demo.world import World

_NOTICE = 0.2  # seconds until the watch sees that it is told to stop


class DemoPlatform:
    """One demo site.

    `Site.options`: `shape` (libvirt, openshift, openstack), `now` (ISO time at which its world begins, else the
    real one), `speed` (how many times faster than believable), `vms` and `snapshots` (that many each, instead of
    the world that is worth looking at).
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._building = Lock()
        self._world: World | None = None
        self._speed = 1.0

    @property
    def site(self) -> Site:
        """The site as configured."""
        return self._site

    @property
    def world(self) -> World:
        """What there is on the site, made when it is first needed. Raises Unreachable where an option is wrong."""
        with self._building:
            if self._world is None:
                self._world = self._build()
            return self._world

    def _build(self) -> World:
        options = self._site.options
        try:
            self._speed = float(options.get("speed", "1"))
            shape = Shape(options.get("shape", Shape.LIBVIRT.value))
            now = datetime.fromisoformat(options["now"]) if "now" in options else datetime.now(UTC)
            vms, snapshots = int(options.get("vms", "0")), int(options.get("snapshots", "0"))
        except ValueError as error:
            raise Unreachable(f"a demo option is wrong: {error}", "look at the site's options") from error
        if now.tzinfo is None:
            now = now.replace(tzinfo=UTC)
        return build(self._site.name, shape, now.astimezone(UTC), vms, snapshots)

    def open(self) -> SiteInfo:
        """Always there, unless its world was told to be lost."""
        self.world.check()
        return SiteInfo(
            product=f"Demo in the shape of {self.world.shape.value}",
            version="1",
            details=(("demo", "everything here is made up and in memory"),),
        )

    def close(self) -> None:
        """There is nothing to let go."""

    def vms(self) -> Iterator[Sequence[Vm]]:
        """All vms, in pages."""
        return self.world.pages()

    def vm(self, ref: VmRef) -> Vm:
        """One vm."""
        return self.world.look(ref).vm

    def snapshots(self, vms: Sequence[VmRef]) -> Mapping[VmRef, tuple[Snapshot, ...]]:
        """All snapshots of these vms."""
        return self.world.snapshots(vms)

    def survey(self, vms: Sequence[VmRef] | None) -> Survey:
        """What holds the data of these vms, or of all."""
        refs = [vm.ref for page in self.world.pages() for vm in page] if vms is None else vms
        return surveyed(filter(None, map(self._holdings, refs)), self._site.chain_limit)

    def _holdings(self, ref: VmRef) -> Holdings | None:
        try:
            machine = self.world.look(ref)
        except Missing:
            return None
        snapshots = tuple(machine.snapshots.values())
        return Holdings(machine.vm, snapshots, layers(self.world.shape, machine.vm, snapshots))

    def source(self, vm: VmRef, snapshot: SnapRef | None = None) -> tuple[str, str]:
        """The text that the platform would show."""
        machine = self.world.look(vm)
        if snapshot is None:
            return source(self.world.shape, machine.vm, None)
        return source(self.world.shape, machine.vm, self.world.snapshot(vm, snapshot.id))

    def definition(self, vm: VmRef, snapshot: SnapRef | None = None) -> Definition:
        """The text that the platform would keep of it."""
        machine = self.world.look(vm)
        if snapshot is None:
            return definition(self.world.shape, machine.vm, None)
        kept = self.world.snapshot(vm, snapshot.id)
        return definition(self.world.shape, machine.then.get(snapshot.id, machine.vm), kept)

    def facts(self, vm: VmRef) -> DemoFacts:
        """Fresh facts."""
        machine = self.world.look(vm)
        return DemoFacts(
            shape=self.world.shape,
            vm=machine.vm,
            snapshots=tuple(machine.snapshots.values()),
            freeze=machine.freeze,
            changed=machine.changed,
            busy=machine.busy,
            free=machine.free,
            read_only=self._site.read_only,
        )

    def run(self, step: Step, report: Callable[[Progress], None], stop: Event, gate: Gate = ALONE) -> str:
        """Do one step."""
        if self._site.read_only:
            raise Denied("the site is read-only", "open it without read-only to change anything")
        return run(self.world, self._speed, step, report, stop, gate)

    def watch(self, emit: Callable[[Change], None], stop: Event) -> None:
        """Report changes until `stop` is set."""
        queue: SimpleQueue[Change] = SimpleQueue()
        self.world.listen(queue)
        try:
            while not stop.is_set():
                try:
                    emit(queue.get(timeout=_NOTICE))
                except Empty:
                    continue
        finally:
            self.world.unlisten(queue)

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """All changes are told anyway."""
