"""A libvirt site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.errors import Missing
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.model.vm import SiteInfo
from vmsnap_tui.platforms.libvirt import inventory, steps
from vmsnap_tui.platforms.libvirt.connection import Connection
from vmsnap_tui.platforms.libvirt.convert import never_nfs
from vmsnap_tui.platforms.libvirt.errors import typed_errors
from vmsnap_tui.platforms.libvirt.gather import gather
from vmsnap_tui.platforms.libvirt.mounts import Mounts
from vmsnap_tui.platforms.libvirt.watch import Watch

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
    from vmsnap_tui.model.vm import Site, Vm, VmRef

_RESTORES_EXTERNAL = 9_009_000


def version_text(number: int) -> str:
    """libvirt's way to write 11.3.0 is 11003000."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


class LibvirtPlatform:
    """One connection, shared by reads, steps and the watch."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._connection = Connection(site.address, read_only=site.read_only)
        self._is_nfs = Mounts().is_nfs if self._connection.is_local else never_nfs
        self._watch = Watch(self._connection, site.name)

    @property
    def site(self) -> Site:
        """The site as configured."""
        return self._site

    def open(self) -> SiteInfo:
        """Connect, and ask who is there."""
        conn = self._connection.open()
        with typed_errors():
            libvirtd, driver, hypervisor = conn.getLibVersion(), conn.getType(), conn.getVersion()
            host = conn.getHostname()
        cautions = []
        if driver == "QEMU" and libvirtd < _RESTORES_EXTERNAL:
            cautions.append("libvirt before 9.9 cannot restore or delete external snapshots: update it")
        if driver not in {"QEMU", "TEST"}:
            cautions.append(f"snapshots of {driver} vms were not tried with this program")
        details = (
            ("host", host),
            ("hypervisor", f"{driver} {version_text(hypervisor)}"),
            ("address", self._site.address),
            ("access", "read only" if self._site.read_only else "read and write"),
        )
        return SiteInfo("libvirt", version_text(libvirtd), details, tuple(cautions))

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def vms(self) -> Iterator[Sequence[Vm]]:
        """All vms, by name, the first page a small one."""
        return inventory.read_vms(self._connection, self._site.name, self._is_nfs)

    def vm(self, ref: VmRef) -> Vm:
        """One vm."""
        return inventory.read_vm(self._connection, ref, self._is_nfs)

    def snapshots(self, vms: Sequence[VmRef]) -> Mapping[VmRef, tuple[Snapshot, ...]]:
        """All snapshots of these vms."""
        found = {}
        for ref in vms:
            try:
                found[ref], seen = inventory.read_snapshots_and_print(self._connection.handle(ref.id), ref)
            except Missing:
                continue
            self._watch.saw(ref.id, seen)
        return found

    def survey(self, vms: Sequence[VmRef] | None) -> Survey:
        """What holds the data of these vms, or of all."""
        # Only who looks at chains pays for it.
        from vmsnap_tui.platforms.libvirt.survey import survey

        return survey(self._connection, self._site, vms, self._is_nfs)

    def source(self, vm: VmRef, snapshot: SnapRef | None = None) -> tuple[str, str]:
        """The XML of a vm or of a snapshot, without its secrets."""
        domain = self._connection.domain(vm.id)
        if snapshot is None:
            with typed_errors():
                return domain.XMLDesc(), "xml"
        record = self._connection.snapshot(domain, snapshot.id)
        with typed_errors():
            return record.getXMLDesc(), "xml"

    def definition(self, vm: VmRef, snapshot: SnapRef | None = None) -> Definition:
        """The domain's XML that counts from its next start on."""
        from vmsnap_tui.platforms.libvirt.comparable import definition_of

        domain = self._connection.domain(vm.id)
        with typed_errors():
            if snapshot is None:
                return definition_of(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
            return definition_of(self._connection.snapshot(domain, snapshot.id).getXMLDesc())

    def facts(self, vm: VmRef) -> Facts:
        """Fresh facts for the planner."""
        return gather(self._connection, vm, self._is_nfs)

    def run(self, step: Step, report: Callable[[Progress], None], stop: Event, gate: Gate = ALONE) -> str:
        """Do one step."""
        return steps.run(self._connection, step, report, stop, gate)

    def watch(self, emit: Callable[[Change], None], stop: Event) -> None:
        """Report changes until `stop` is set."""
        self._watch.run(emit, stop)

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """Look at these vms' snapshots most often."""
        self._watch.look_at(vms)
