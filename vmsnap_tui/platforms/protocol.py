"""What the engine knows of a platform.

All methods are synchronous and may block; `engine/site.py` calls them from its threads. Reads may run side by side
with a step and with the watch, so an implementation keeps its connection safe for that. All raise the errors of
`vmsnap_tui.model.errors` and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vmsnap_tui.model.together import ALONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from threading import Event

    from vmsnap_tui.model.change import Change
    from vmsnap_tui.model.compare import Definition
    from vmsnap_tui.model.plan import Facts, Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.snapshot import SnapRef, Snapshot
    from vmsnap_tui.model.survey import Survey
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.model.vm import Site, SiteInfo, Vm, VmRef


class Platform(Protocol):
    """One site of one platform."""

    @property
    def site(self) -> Site:
        """The site as configured."""
        ...

    def open(self) -> SiteInfo:
        """Reach the site. May be called again after a loss. Raises Unreachable or Denied."""
        ...

    def close(self) -> None:
        """Let the connection go. Never raises."""
        ...

    def vms(self) -> Iterator[Sequence[Vm]]:
        """All vms, in pages, so that the first rows paint before the last page is in.

        Sizes and protocols of disks may be left out where asking for them costs a call for each vm; `vm` has them.
        """
        ...

    def vm(self, ref: VmRef) -> Vm:
        """One vm. Raises Missing."""
        ...

    def snapshots(self, vms: Sequence[VmRef]) -> Mapping[VmRef, tuple[Snapshot, ...]]:
        """All snapshots of these vms, in no particular order. A vm that is gone is left out."""
        ...

    def survey(self, vms: Sequence[VmRef] | None) -> Survey:
        """What really holds the data of these vms, or of all of the site, and what is wrong with it.

        What belongs to no vm, such as files that nothing uses, is looked for only where all are asked for.
        """
        ...

    def source(self, vm: VmRef, snapshot: SnapRef | None = None) -> tuple[str, str]:
        """The platform's own text (XML, YAML, JSON) of a vm or of a snapshot, and its language. Raises Missing."""
        ...

    def definition(self, vm: VmRef, snapshot: SnapRef | None = None) -> Definition:
        """What a vm was made of when a snapshot was taken, or is now, without what the platform changes by itself.

        Raises Missing, and Unsupported where a snapshot keeps no definition.
        """
        ...

    def facts(self, vm: VmRef) -> Facts:
        """Fresh facts, all that the planner needs. Raises Missing."""
        ...

    def run(self, step: Step, report: Callable[[Progress], None], stop: Event, gate: Gate = ALONE) -> str:
        """Do one step and say in one line what came of it.

        `report` may be called from the calling thread or another. When `stop` is set the platform ends the step as
        soon as it safely can and raises Cancelled, or finishes it where it cannot be stopped. No way out leaves a
        guest frozen. `gate` is where a step that takes a part of a group snapshot waits for the others.
        """
        ...

    def watch(self, emit: Callable[[Change], None], stop: Event) -> None:
        """Report changes until `stop` is set, reconnecting by itself.

        A broken connection is emitted as LOST, its return as BACK; neither ends the watch.
        """
        ...

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """Tell which vms are on the screen, so that outside changes to them are found soonest. Never blocks."""
        ...
