"""From libvirt's XML and codes to the model. Pure: text and numbers in, model values out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Disk, Vm, VmRef, VmState
    from vmsnap_tui.platforms.libvirt.notes import Notes
    from vmsnap_tui.platforms.libvirt.xml import Element


def vm_state(code: int | None, reason: int | None = None) -> VmState:
    """What a `virDomainState` and its reason mean."""
    raise NotImplementedError


def disks(domain: Element, *, is_nfs: Callable[[str], bool] = bool) -> tuple[Disk, ...]:
    """The disks of a `<domain>`, cdroms and floppies too."""
    raise NotImplementedError


def vm_from_xml(text: str, ref: VmRef, name: str, *, state: VmState) -> Vm:
    """A vm from its domain XML. Broken XML gives a vm with unknown values."""
    raise NotImplementedError


def snapshot_from_xml(text: str, vm: VmRef, name: str, *, current: bool, notes: Notes) -> Snapshot:
    """A snapshot from its XML. Broken XML gives one that is not ready and says why."""
    raise NotImplementedError
