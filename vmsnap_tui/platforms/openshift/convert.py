"""From the cluster's objects to the model. Pure: what is not understood is never turned into something plausible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.model.vm import AgentState, Backend, Disk, Firmware, Vm, VmRef, VmState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from vmsnap_tui.platforms.openshift.mirror import Key
    from vmsnap_tui.platforms.openshift.records import (
        Claim,
        Condition,
        Domain,
        VirtualMachine,
        VirtualMachineInstance,
        Volume,
    )

_STATES = {
    "Running": VmState.RUNNING,
    "Paused": VmState.PAUSED,
    "Stopped": VmState.OFF,
    "CrashLoopBackOff": VmState.CRASHED,
}
_CHANGING = {
    "Provisioning",
    "Starting",
    "Stopping",
    "Terminating",
    "Migrating",
    "WaitingForVolumeBinding",
    "WaitingForReceiver",
    # It is told to run, and the cluster goes on trying.
    "ErrorUnschedulable",
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrorPvcNotFound",
    "DataVolumeError",
}
_FINAL = {"Succeeded", "Failed"}
"""Phases of an instance in which no guest is left."""
_UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18} | {
    f"{unit}i": 1 << 10 * power for power, unit in enumerate("KMGTPE", 1)
}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)([A-Za-z]{0,2})")


def quantity(text: object) -> int | None:
    """A quantity of Kubernetes ("10Gi") in bytes, None where there is none."""
    match = _QUANTITY.fullmatch(str(text or ""))
    if match is None or match[2] not in _UNITS:
        return None
    return round(float(match[1]) * _UNITS[match[2]])


def key_of_ref(ref: VmRef) -> Key:
    """Namespace and name of a vm."""
    namespace, _, name = ref.id.partition("/")
    return namespace, name


def ref_of(site: str, key: Key) -> VmRef:
    """What names a vm: KubeVirt's own key."""
    return VmRef(site, f"{key[0]}/{key[1]}")


def is_true(conditions: Iterable[Condition], type_: str) -> bool:
    """Whether a condition holds."""
    return any(each.type == type_ and each.status == "True" for each in conditions)


def has_guest(instance: VirtualMachineInstance | None) -> bool:
    """Whether a guest may be there; an instance may outlive it."""
    return instance is not None and instance.status.phase not in _FINAL


def is_migrating(instance: VirtualMachineInstance | None) -> bool:
    """Whether a live migration is under way."""
    migration = None if instance is None else instance.status.migration_state
    return migration is not None and not migration.completed and not migration.failed


def run_strategy(machine: VirtualMachine) -> str:
    """The run strategy, by its newer name where the older word is used."""
    if machine.spec.run_strategy or machine.spec.running is None:
        return machine.spec.run_strategy
    return "Always" if machine.spec.running else "Halted"


def state_of(machine: VirtualMachine, instance: VirtualMachineInstance | None) -> VmState:
    """What a vm is doing. One whose instance is not gone yet is not off."""
    printed = machine.status.printable_status
    if printed in _CHANGING:
        return VmState.CHANGING
    state = _STATES.get(printed, VmState.UNKNOWN)
    if state is VmState.RUNNING and instance is not None and is_true(instance.status.conditions, "Paused"):
        return VmState.PAUSED
    if state is VmState.OFF and has_guest(instance):
        return VmState.CHANGING
    if not printed and instance is None and run_strategy(machine) == "Halted" and not machine.status.created:
        return VmState.OFF
    return state


def agent_of(machine: VirtualMachine, instance: VirtualMachineInstance | None) -> AgentState:
    """Whether the guest agent answers. The vm repeats what its instance says."""
    conditions = machine.status.conditions if instance is None else instance.status.conditions
    if is_true(conditions, "AgentConnected"):
        return AgentState.CONNECTED
    # There is always a channel for it.
    return AgentState.DISCONNECTED if has_guest(instance) else AgentState.UNKNOWN


def freeze_of(instance: VirtualMachineInstance | None, since: datetime | None = None) -> Freeze:
    """The state of the guest's file systems, as KubeVirt tells it."""
    if instance is not None and instance.status.fs_freeze_status == "frozen":
        return Freeze(FreezeState.FROZEN, since)
    if instance is None or not is_true(instance.status.conditions, "AgentConnected"):
        return Freeze(FreezeState.UNAVAILABLE, since, "no guest agent is connected")
    return Freeze(FreezeState.THAWED, since)


def has_backend_state(machine: VirtualMachine) -> bool:
    """Whether TPM or UEFI keep their state on a claim of their own."""
    domain = machine.spec.template.spec.domain
    tpm, boot = domain.devices.tpm, domain.firmware.bootloader if domain.firmware else None
    return bool((tpm and tpm.persistent) or (boot and boot.efi and boot.efi.persistent))


def vm_of(
    machine: VirtualMachine, instance: VirtualMachineInstance | None, claims: Mapping[str, Claim], site: str
) -> Vm:
    """A vm from its VirtualMachine, what runs of it, and its claims as far as they are known."""
    meta, notes = machine.metadata, machine.metadata.annotations
    # What runs has been completed from instance type and preference; the vm itself leaves that open.
    domain = machine.spec.template.spec.domain if instance is None else instance.spec.domain
    strategy = run_strategy(machine)
    tpm = domain.devices.tpm
    return Vm(
        ref_of(site, (meta.namespace, meta.name)),
        clean(meta.name),
        state_of(machine, instance),
        agent_of(machine, instance),
        description=clean_lines(notes.description),
        group=clean(meta.namespace),
        memory=_memory(domain),
        vcpus=_vcpus(domain),
        disks=tuple(disks_of(machine, claims)),
        firmware=_firmware(domain),
        tpm=tpm is not None and tpm.enabled is not False,
        autostart=strategy in {"Always", "RerunOnFailure"} if strategy else None,
        tags=tuple(_tags(machine, instance, strategy)),
    )


def disks_of(machine: VirtualMachine, claims: Mapping[str, Claim]) -> Iterator[Disk]:
    """The volumes that hold something: claims, and images that live and die with the guest."""
    spec = machine.spec.template.spec
    abilities = {each.name: each for each in machine.status.volume_snapshot_statuses}
    devices = {device.name: device for device in spec.domain.devices.disks}
    for volume in spec.volumes:
        ability, device = abilities.get(volume.name), devices.get(volume.name)
        target = None if device is None else device.disk or device.lun or device.cdrom
        writable = not (device and device.cdrom) and not (target and target.readonly) and not _is_read_only(volume)
        why_not = "" if ability is None or ability.enabled else clean(ability.reason or "it cannot be snapshotted")
        if volume.claim:
            claim = claims.get(volume.claim)
            yield Disk(
                clean(volume.name),
                clean(volume.claim),
                "raw",
                Backend.VOLUME,
                clean(claim.spec.storage_class_name) if claim else "",
                capacity=capacity_of(claim) if claim else None,
                writable=writable,
                shared=bool(device and device.shareable),
                included=not why_not,
                why_not=why_not,
            )
        elif volume.container_disk is not None:
            image = clean(volume.container_disk.image)
            yield Disk(
                clean(volume.name), image, backend=Backend.EPHEMERAL, writable=writable, included=False, why_not=why_not
            )


def capacity_of(claim: Claim) -> int | None:
    """What a claim holds, in bytes: what there is, else what was asked for."""
    return quantity(claim.status.capacity.storage) or quantity(claim.spec.resources.requests.storage)


def _is_read_only(volume: Volume) -> bool:
    source = volume.persistent_volume_claim
    return source is not None and source.read_only


def _memory(domain: Domain) -> int | None:
    guest = domain.memory.guest if domain.memory else ""
    return quantity(guest) or quantity(domain.resources.requests.memory)


def _vcpus(domain: Domain) -> int | None:
    cpu = domain.cpu
    if cpu is None or not (cpu.cores or cpu.sockets or cpu.threads):
        return None
    return max(cpu.cores, 1) * max(cpu.sockets, 1) * max(cpu.threads, 1)


def _firmware(domain: Domain) -> Firmware:
    boot = domain.firmware.bootloader if domain.firmware else None
    if boot is not None and boot.efi is not None:
        return Firmware.UEFI
    return Firmware.BIOS if boot is not None and boot.bios is not None else Firmware.UNKNOWN


def _tags(machine: VirtualMachine, instance: VirtualMachineInstance | None, strategy: str) -> Iterator[str]:
    status = machine.status
    if instance is not None and instance.status.node_name:
        yield clean(f"node:{instance.status.node_name}")
    if strategy:
        yield clean(f"run:{strategy}")
    if machine.spec.instancetype is not None:
        yield clean(f"instancetype:{machine.spec.instancetype.name}")
    if status.printable_status not in _STATES and status.printable_status:
        yield clean(f"status:{status.printable_status}")
    if is_migrating(instance):
        yield "migrating"
    if status.snapshot_in_progress:
        yield clean(f"snapshot:{status.snapshot_in_progress}")
    if status.restore_in_progress:
        yield clean(f"restore:{status.restore_in_progress}")
    if machine.metadata.deleted is not None:
        yield "deleting"
