"""From libvirt's domain XML and codes to the model. Pure: text and numbers in, model values out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.model.vm import AgentState, Backend, Disk, Firmware, Vm, VmRef, VmState
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, number, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vmsnap_tui.platforms.libvirt.xml import Element

AGENT_CHANNEL = "org.qemu.guest_agent.0"

_STATES = {
    libvirt.VIR_DOMAIN_RUNNING: VmState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: VmState.RUNNING,  # it waits for a resource; Xen tells it apart
    libvirt.VIR_DOMAIN_PAUSED: VmState.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: VmState.CHANGING,
    libvirt.VIR_DOMAIN_SHUTOFF: VmState.OFF,
    libvirt.VIR_DOMAIN_CRASHED: VmState.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: VmState.SUSPENDED,
}
_BACKENDS = {
    "file": Backend.FILE,
    "dir": Backend.FILE,
    "block": Backend.BLOCK,
    "nvme": Backend.BLOCK,
    "vhostvdpa": Backend.BLOCK,
    "network": Backend.NETWORK,
    "volume": Backend.VOLUME,
}
_UNITS = {
    **dict.fromkeys(("b", "bytes"), 1),
    **{f"{letter}b".lower(): 1000**power for power, letter in enumerate("KMGT", 1)},
    **{f"{letter}ib".lower(): 1024**power for power, letter in enumerate("KMGT", 1)},
    **{letter.lower(): 1024**power for power, letter in enumerate("KMGT", 1)},
}
_CHANNEL_STATES = {"connected": AgentState.CONNECTED, "disconnected": AgentState.DISCONNECTED}


def vm_state(code: int | None, reason: int | None = None) -> VmState:
    """What a `virDomainState` and its reason mean."""
    if code == libvirt.VIR_DOMAIN_PAUSED and reason == libvirt.VIR_DOMAIN_PAUSED_STARTING_UP:
        return VmState.CHANGING
    return VmState.UNKNOWN if code is None else _STATES.get(code, VmState.UNKNOWN)


def never_nfs(_path: str) -> bool:
    """Where the host's mounts cannot be seen."""
    return False


def vm_from_xml(
    text: str,
    ref: VmRef,
    name: str,
    *,
    state: VmState = VmState.UNKNOWN,
    autostart: bool | None = None,
    persistent: bool = True,
    saved: bool = False,
    is_nfs: Callable[[str], bool] = never_nfs,
    sizes: Mapping[str, tuple[int | None, int | None]] | None = None,
) -> Vm:
    """A vm from its domain XML. Broken XML gives one of which the name and the states alone are known.

    `sizes` are capacity and allocation in bytes by the disk's target or source.
    """
    try:
        root = parse(text)
    except BrokenXml:
        return Vm(ref, clean(name), state, autostart=autostart, persistent=persistent, saved=saved)
    return Vm(
        ref,
        clean(name),
        state,
        agent=agent_state(root, state),
        title=clean(root.findtext("title") or ""),
        description=clean_lines(root.findtext("description") or ""),
        memory=_size(root.find("memory")),
        vcpus=_vcpus(root),
        disks=tuple(disks_of(root, is_nfs=is_nfs, sizes=sizes)),
        firmware=firmware(root),
        tpm=root.find("devices/tpm") is not None,
        autostart=autostart,
        persistent=persistent,
        saved=saved,
    )


def agent_state(domain: Element, state: VmState) -> AgentState:
    """Whether the guest agent answers, from the channel's state in the live XML."""
    for target in domain.iterfind("devices/channel/target"):
        if target.get("name") == AGENT_CHANNEL:
            if not state.is_active and state is not VmState.UNKNOWN:
                return AgentState.DISCONNECTED
            return _CHANNEL_STATES.get(target.get("state") or "", AgentState.UNKNOWN)
    return AgentState.ABSENT


def firmware(domain: Element) -> Firmware:
    """How a domain boots. `<loader type='pflash'>` is how UEFI is written by hand."""
    os = domain.find("os")
    if os is None:
        return Firmware.UNKNOWN
    loader = os.find("loader")
    if os.get("firmware") == "efi" or (loader is not None and loader.get("type") == "pflash"):
        return Firmware.UEFI
    return Firmware.BIOS if os.findtext("type") == "hvm" else Firmware.UNKNOWN


def disks_of(
    domain: Element,
    *,
    is_nfs: Callable[[str], bool] = never_nfs,
    sizes: Mapping[str, tuple[int | None, int | None]] | None = None,
) -> list[Disk]:
    """The disks of a `<domain>`, cdroms and floppies too, by their targets (vda, …)."""
    found = []
    for element in domain.iterfind("devices/disk"):
        target = element.find("target")
        name = "" if target is None else target.get("dev") or ""
        source, protocol = disk_source(element)
        backend = _BACKENDS.get(element.get("type") or "", Backend.UNKNOWN)
        if backend is Backend.FILE and source and is_nfs(source):
            backend = Backend.NFS
        driver = element.find("driver")
        writable = element.find("readonly") is None and element.get("device") != "cdrom"
        capacity, allocation = (sizes or {}).get(name) or (sizes or {}).get(source) or (None, None)
        mode = element.get("snapshot")
        found.append(
            Disk(
                clean(name),
                source=clean(source),
                format=clean("" if driver is None else driver.get("type") or ""),
                backend=backend,
                protocol=clean(protocol),
                capacity=capacity,
                allocation=allocation,
                writable=writable,
                shared=element.find("shareable") is not None,
                # libvirt leaves out what cannot be written to, unless it is told otherwise.
                included=mode != "no" if mode else writable,
            )
        )
    return found


def disk_source(disk: Element) -> tuple[str, str]:
    """Where a `<disk>`'s (or a `<backingStore>`'s) data lies, as raw as libvirt has it, and the network protocol."""
    source = disk.find("source")
    if source is None:
        return "", ""
    if source.get("protocol"):
        return source.get("name") or "", source.get("protocol") or ""
    if source.get("pool"):
        return f"{source.get('pool')}/{source.get('volume')}", ""
    return source.get("file") or source.get("dev") or source.get("dir") or source.get("path") or "", ""


def _size(element: Element | None) -> int | None:
    if element is None:
        return None
    value, unit = number(element.text), _UNITS.get((element.get("unit") or "KiB").lower())
    return None if value is None or unit is None else value * unit


def _vcpus(domain: Element) -> int | None:
    element = domain.find("vcpu")
    return None if element is None else number(element.get("current") or element.text)
