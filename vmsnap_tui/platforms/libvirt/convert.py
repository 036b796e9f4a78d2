"""From libvirt's domain XML and codes to the model. Pure: text and numbers in, model values out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.model.vm import AgentState, Backend, Disk, Firmware, Vm, VmRef, VmState
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, number, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vmsnap_tui.platforms.libvirt.xml import Element

_DEEP = 20  # layers below the newest
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


def has_deep_chain(text: str) -> bool:
    """Whether a domain's live XML has a disk of so many layers that its block statistics must not be asked for.

    Tried with libvirt 11.3: from some 28 layers on it cannot parse what QEMU answers ("nesting too deep"), and from
    then on every command to that QEMU fails with the same words until libvirtd is restarted.
    """
    return any(disk.count("<backingStore type=") > _DEEP for disk in text.split("<disk ")[1:])


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

    `sizes` are capacity and allocation in bytes by the disk's target.
    """
    try:
        parts = {part.tag: part for part in parse(text)}  # one pass: looking each up costs more than parsing
    except BrokenXml:
        return Vm(ref, clean(name), state, autostart=autostart, persistent=persistent, saved=saved)
    title, description, devices = parts.get("title"), parts.get("description"), parts.get("devices")
    return Vm(
        ref,
        clean(name),
        state,
        agent=agent_state(devices, state),
        title="" if title is None else clean(title.text or ""),
        description="" if description is None else clean_lines(description.text or ""),
        memory=_size(parts.get("memory")),
        vcpus=_vcpus(parts.get("vcpu")),
        disks=tuple(disks_of(devices, is_nfs=is_nfs, sizes=sizes)),
        firmware=firmware(parts.get("os")),
        tpm=devices is not None and next(devices.iterchildren("tpm"), None) is not None,
        autostart=autostart,
        persistent=persistent,
        saved=saved,
    )


def agent_state(devices: Element | None, state: VmState) -> AgentState:
    """Whether the guest agent answers, from the channel's state in the live XML."""
    for channel in () if devices is None else devices.iterchildren("channel"):
        target = channel.find("target")
        if target is not None and target.get("name") == AGENT_CHANNEL:
            if not state.is_active and state is not VmState.UNKNOWN:
                return AgentState.DISCONNECTED
            return _CHANNEL_STATES.get(target.get("state") or "", AgentState.UNKNOWN)
    return AgentState.ABSENT if devices is not None else AgentState.UNKNOWN


def firmware(os: Element | None) -> Firmware:
    """How a domain boots. `<loader type='pflash'>` is how UEFI is written by hand."""
    if os is None:
        return Firmware.UNKNOWN
    parts = {part.tag: part for part in os}
    loader, kind = parts.get("loader"), parts.get("type")
    if os.get("firmware") == "efi" or (loader is not None and loader.get("type") == "pflash"):
        return Firmware.UEFI
    return Firmware.BIOS if kind is not None and kind.text == "hvm" else Firmware.UNKNOWN


def disks_of(
    devices: Element | None,
    *,
    is_nfs: Callable[[str], bool] = never_nfs,
    sizes: Mapping[str, tuple[int | None, int | None]] | None = None,
) -> Iterator[Disk]:
    """The disks in a domain's `<devices>`, cdroms and floppies too, by their targets (vda, …)."""
    for element in () if devices is None else devices.iterchildren("disk"):
        parts = {part.tag: part for part in element}
        target, driver = parts.get("target"), parts.get("driver")
        name = "" if target is None else target.get("dev") or ""
        source, protocol = place_of(parts.get("source"))
        backend = _BACKENDS.get(element.get("type") or "", Backend.UNKNOWN)
        if backend is Backend.FILE and source and is_nfs(source):
            backend = Backend.NFS
        writable = "readonly" not in parts and element.get("device") != "cdrom"
        capacity, allocation = sizes.get(name, (None, None)) if sizes else (None, None)
        mode = element.get("snapshot")
        yield Disk(
            clean(name),
            clean(source),
            "" if driver is None else clean(driver.get("type") or ""),
            backend,
            clean(protocol),
            capacity,
            allocation,
            writable,
            "shareable" in parts,
            # libvirt leaves out what cannot be written to, unless it is told otherwise.
            mode != "no" if mode else writable,
        )


def disk_source(disk: Element) -> tuple[str, str]:
    """Where a `<disk>`'s (or a `<backingStore>`'s) data lies, as raw as libvirt has it, and the network protocol."""
    return place_of(disk.find("source"))


def place_of(source: Element | None) -> tuple[str, str]:
    """The same from the `<source>`."""
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


def _vcpus(element: Element | None) -> int | None:
    return None if element is None else number(element.get("current") or element.text)
