"""What a change of an object means for vms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.platforms.openshift.convert import freeze_of, ref_of
from vmsnap_tui.platforms.openshift.kinds import CLAIMS, INSTANCES, MACHINES, VM_SNAPSHOTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.openshift.inventory import Inventory
    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.mirror import Key
    from vmsnap_tui.platforms.openshift.records import VirtualMachine, VirtualMachineInstance


class Teller:
    """Tells of vms what was seen of objects."""

    def __init__(self, inventory: Inventory, site: str, emit: Callable[[Change], None]) -> None:
        self._inventory = inventory
        self._mirror = inventory.mirror
        self._site = site
        self._emit = emit
        self._sized: set[VmRef] = set()

    def changed(self, kind: Kind[Any], before: Any, now: Any) -> None:  # noqa: ANN401 - any object
        """An object is new (`before` is None) or another."""
        for key in self._vms(kind, now):
            if kind is MACHINES:
                self._tell(ChangeKind.VM, key)
                if before is not None and _history(before) != _history(now):
                    self._tell(ChangeKind.SNAPSHOTS, key)
            elif kind in {INSTANCES, CLAIMS}:
                self._tell(ChangeKind.VM, key)
                if kind is INSTANCES:
                    self._tell_freeze(key, before, now)
            else:
                self._tell(ChangeKind.SNAPSHOTS, key)

    def gone(self, kind: Kind[Any], last: Any) -> None:  # noqa: ANN401 - any object
        """An object is gone."""
        if kind is MACHINES:
            self._tell(ChangeKind.GONE, (last.metadata.namespace, last.metadata.name))
            return
        if kind is VM_SNAPSHOTS:
            self._inventory.lost(last.metadata.uid)
        for key in self._vms(kind, last):
            if kind is INSTANCES:
                self._tell_freeze(key, last, None)
            self._tell(ChangeKind.VM if kind in {INSTANCES, CLAIMS} else ChangeKind.SNAPSHOTS, key)

    def tell_frozen(self) -> None:
        """The guests that were found frozen; since when is not known."""
        for instance in self._mirror.all(INSTANCES):
            freeze = freeze_of(instance)
            if freeze.state is FreezeState.FROZEN:
                ref = ref_of(self._site, (instance.metadata.namespace, instance.metadata.name))
                self._emit(Change(ChangeKind.FREEZE, ref, freeze))

    def tell_sizes(self, vms: frozenset[VmRef]) -> None:
        """The sizes of their claims are known now: vms that were listed before that are to be read again, once."""
        for ref in vms - self._sized:
            self._sized.add(ref)
            self._emit(Change(ChangeKind.VM, ref))

    def _vms(self, kind: Kind[Any], record: Any) -> tuple[Key, ...]:  # noqa: ANN401 - any object
        """Those that are there: snapshots outlive their vms."""
        vms = self._mirror.vms_of(kind, record)
        if kind is MACHINES or not self._inventory.is_known(MACHINES):
            return vms
        return tuple(key for key in vms if self._mirror.get(MACHINES, key) is not None)

    def _tell(self, kind: ChangeKind, key: Key) -> None:
        self._emit(Change(kind, ref_of(self._site, key)))

    def _tell_freeze(self, key: Key, before: VirtualMachineInstance | None, now: VirtualMachineInstance | None) -> None:
        if freeze_of(before).state is not freeze_of(now).state:
            freeze = freeze_of(now, datetime.now(UTC))
            self._emit(Change(ChangeKind.FREEZE, ref_of(self._site, key), freeze))


def _history(machine: VirtualMachine) -> tuple[str, ...]:
    """What places snapshots."""
    volumes = machine.spec.template.spec.volumes
    names = (volume.claim for volume in volumes)
    return machine.metadata.uid, machine.metadata.annotations.last_restore, *names
