"""What the demo's planner knows of one vm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmsnap_tui.model.stack import read_now
from vmsnap_tui.platforms.demo.layers import layers
from vmsnap_tui.platforms.demo.methods import methods
from vmsnap_tui.platforms.demo.planner import plan
from vmsnap_tui.platforms.demo.ways import ways_back

if TYPE_CHECKING:
    from vmsnap_tui.model.advice import Advice
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import Method, Plan, Request, WayBack
    from vmsnap_tui.model.snapshot import SnapRef, Snapshot
    from vmsnap_tui.model.vm import Vm
    from vmsnap_tui.platforms.demo.shape import Shape


@dataclass(frozen=True, slots=True)
class DemoFacts:
    """Implements `model.plan.Facts`. `free` is in bytes, None where the platform does not tell."""

    shape: Shape
    vm: Vm
    snapshots: tuple[Snapshot, ...]
    freeze: Freeze
    changed: bool = True
    busy: str = ""
    free: int | None = None
    read_only: bool = False

    @property
    def chain(self) -> tuple[Layer, ...]:
        """The layers of all disks, newest first."""
        return read_now(layers(self.shape, self.vm, self.snapshots))

    @property
    def current(self) -> Snapshot | None:
        """The snapshot that "now" goes on from."""
        return next((snapshot for snapshot in self.snapshots if snapshot.current), None)

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """One snapshot by id."""
        return next((snapshot for snapshot in self.snapshots if snapshot.id == snapshot_id), None)

    def called(self, name: str) -> str:
        """Each vm has names of its own."""
        return name

    def methods(self) -> tuple[Method, ...]:
        """All ways of the shape."""
        return methods(self)

    def advice(self) -> tuple[Advice, ...]:
        """What would make better snapshots possible."""
        from vmsnap_tui.platforms.demo.advice import advice

        return tuple(advice(self))

    def ways_back(self, snapshot: SnapRef) -> tuple[WayBack, ...]:
        """Those of the shape."""
        target = self.snapshot(snapshot.id)
        return () if target is None else ways_back(target, self)

    def plan(self, request: Request) -> Plan:
        """What `request` would do here."""
        return plan(request, self)
