"""What is on a site: vms and their snapshots, with few calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import libvirt

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef
    from vmsnap_tui.platforms.libvirt.connection import Connection


def read_vm(connection: Connection, ref: VmRef) -> Vm:
    """One vm, with everything fresh. Raises Missing."""
    raise NotImplementedError


def read_snapshots(domain: libvirt.virDomain, vm: VmRef) -> tuple[Snapshot, ...]:
    """All snapshots of a domain. Raises Missing."""
    raise NotImplementedError
