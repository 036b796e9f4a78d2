"""A site of any size that keeps nothing: what is asked for is made up anew each time, always the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from vmsnap_tui.model.compare import Definition
from vmsnap_tui.model.errors import Unsupported
from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.survey import Holdings, Survey
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.model.vm import AgentState, Backend, Disk, PlatformKind, Site, SiteInfo, Vm, VmRef, VmState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from threading import Event

    from vmsnap_tui.model.change import Change
    from vmsnap_tui.model.plan import Facts, Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.together import Gate

SITE = Site("bench", PlatformKind.LIBVIRT, "bench:///scale")
_PAGE = 200
_BRANCH_EVERY = 10  # snapshots in a row, before the next one hangs under the one before the last
_FIRST_TAKEN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ScalePlatform:
    """`count` vms with `snapshots` each, the first one with `tall`."""

    count: int
    snapshots_each: int
    tall: int

    @property
    def site(self) -> Site:
        """The only one."""
        return SITE

    def open(self) -> SiteInfo:
        """There at once."""
        return SiteInfo("bench", "1")

    def close(self) -> None:
        """Nothing to let go of."""

    def vms(self) -> Iterator[Sequence[Vm]]:
        """All vms."""
        for start in range(0, self.count, _PAGE):
            yield [_vm(number) for number in range(start, min(start + _PAGE, self.count))]

    def vm(self, ref: VmRef) -> Vm:
        """One vm."""
        return _vm(int(ref.id[-12:]))

    def snapshots(self, vms: Sequence[VmRef]) -> Mapping[VmRef, tuple[Snapshot, ...]]:
        """Snapshots in a row with a branch now and then."""
        return {ref: _snapshots(ref, self.snapshots_each if int(ref.id[-12:]) else self.tall) for ref in vms}

    def survey(self, vms: Sequence[VmRef] | None) -> Survey:
        """An overlay on a base for each."""
        kinds = ((LayerKind.ACTIVE, ".overlay"), (LayerKind.BASE, ".qcow2"))
        return Survey(
            {
                ref: Holdings(
                    self.vm(ref),
                    layers=tuple(
                        Layer("vda", kind, f"/var/lib/libvirt/images/{ref.id}{end}", "qcow2", 20 << 30, 3 << 30)
                        for kind, end in kinds
                    ),
                )
                for ref in vms or ()
            }
        )

    def source(self, vm: VmRef, snapshot: SnapRef | None = None) -> tuple[str, str]:
        """A little XML."""
        return f"<domain>\n  <uuid>{(snapshot or vm).id}</uuid>\n</domain>\n", "xml"

    def definition(self, vm: VmRef, snapshot: SnapRef | None = None) -> Definition:
        """As little of it."""
        return Definition(*self.source(vm, snapshot))

    def facts(self, vm: VmRef) -> Facts:
        """Nothing is planned here."""
        _refuse(vm.id)

    def run(self, step: Step, report: Callable[[Progress], None], stop: Event, gate: Gate = ALONE) -> str:
        """Nothing is done here."""
        del report, stop, gate
        _refuse(step.label)

    def watch(self, emit: Callable[[Change], None], stop: Event) -> None:
        """Nothing ever changes."""
        del emit
        stop.wait()

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """All are looked at alike."""


def ref_of(number: int) -> VmRef:
    """The vm of this number."""
    return VmRef(SITE.name, f"00000000-0000-4000-8000-{number:012}")


def _refuse(what: str) -> NoReturn:
    raise Unsupported(f"{what}: this site is for looking only")


def _vm(number: int) -> Vm:
    name = f"vm-{number:05}"
    stem = f"/var/lib/libvirt/images/{name}"
    disks = tuple(
        Disk(target, f"{stem}-{target}.qcow2", "qcow2", Backend.FILE, "", 20 << 30, number << 20)
        for target in ("vda", "vdb")
    )
    state, agent = (VmState.RUNNING, AgentState.CONNECTED) if number % 4 else (VmState.OFF, AgentState.DISCONNECTED)
    return Vm(ref_of(number), name, state, agent, memory=1 << 30, vcpus=2, disks=disks)


def _snapshots(ref: VmRef, count: int) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(
            SnapRef(ref, _name(index)),
            _name(index),
            _FIRST_TAKEN + timedelta(hours=index),
            _name(index - (2 if index > 1 and index % _BRANCH_EVERY == 0 else 1)) if index else None,
            state=VmState.RUNNING,
            kind=SnapshotKind.EXTERNAL,
            consistency=Consistency.FILESYSTEM,
            description=f"before update {index}",
            disks=_disks(ref),
            current=index == count - 1,
        )
        for index in range(count)
    )


def _name(index: int) -> str:
    """A string of its own each time, as from parsing."""
    return f"nightly-{index:05}"


@lru_cache(maxsize=100)
def _disks(ref: VmRef) -> tuple[SnapshotDisk, ...]:
    """The same for all snapshots of a vm, as libvirt's records mostly are."""
    stem = f"/var/lib/libvirt/images/{ref.id}"
    return tuple(SnapshotDisk(disk, SnapshotKind.EXTERNAL, f"{stem}.{disk}") for disk in ("vda", "vdb"))
