"""What the planner wants to know of a domain's XML, and of the record that libvirt keeps of a snapshot. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.platforms.libvirt.facts import Definition, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vmsnap_tui.platforms.libvirt.xml import Element


def definition(domain: Element) -> Definition:
    """What bears on restoring."""
    sources: dict[str, str] = {}
    others: list[str] = []
    media: list[str] = []
    for disk in domain.iterfind("devices/disk"):
        name, place = _target(disk), _file(disk)
        if disk.get("type") != "file":
            others.append(name)
        elif place and _is_fixed(disk) and disk.find("readonly") is None:
            sources[name] = place
        elif place:
            media.append(place)
    return Definition(sources, tuple(others), tuple(media), frozenset(_hardware(domain)))


def record(snapshot: Element) -> Record:
    """What a snapshot's record holds beyond the model."""
    domain, memory = snapshot.find("domain"), snapshot.find("memory")
    return Record(
        definition=Definition() if domain is None else definition(domain),
        overlays=_external(snapshot, "disks"),
        replaced=_external(snapshot, "revertDisks"),
        memory="" if memory is None else memory.get("file") or "",
    )


def odd_disks(domain: Element) -> Mapping[str, str]:
    """Disks that no snapshot is taken of, and why."""
    found = {}
    for disk in domain.iterfind("devices/disk"):
        if disk.get("device") == "lun":
            found[_target(disk)] = "is a SCSI device passed through"
        elif disk.find("transient") is not None:
            found[_target(disk)] = "is transient: what is written to it is dropped anyway"
    return found


def unsavable(domain: Element) -> str:
    """Why the domain's memory cannot be saved, "" where nothing stands against it."""
    for device in (*domain.iterfind("devices/hostdev"), *domain.iterfind("devices/interface[@type='hostdev']")):
        # USB devices are let go, and a teamed network card is unplugged for the time.
        if device.get("type") != "usb" and device.find("teaming[@type='transient']") is None:
            return "a device of the host is passed through to the guest"
    return ""


def nvram_format(domain: Element) -> str:
    """The format of the file with the UEFI variables, "" where there is none."""
    nvram = domain.find("os/nvram")
    return "" if nvram is None else nvram.get("format") or "raw"


def _target(disk: Element) -> str:
    target = disk.find("target")
    return "" if target is None else target.get("dev") or ""


def _file(disk: Element) -> str:
    source = disk.find("source")
    return "" if source is None else source.get("file") or ""


def _is_fixed(disk: Element) -> bool:
    return disk.get("device", "disk") not in {"cdrom", "floppy"}


def _external(snapshot: Element, part: str) -> Mapping[str, str]:
    return {
        disk.get("name") or "": place
        for disk in snapshot.iterfind(f"{part}/disk[@snapshot='external']")
        if (place := _file(disk))
    }


def _hardware(domain: Element) -> Iterator[str]:
    memory = domain.find("memory")
    if memory is not None:
        yield f"{memory.text} {memory.get('unit', 'KiB')} of memory"
    yield f"{domain.findtext('vcpu') or '1'} CPUs"
    for disk in domain.iterfind("devices/disk"):
        if _is_fixed(disk):
            yield f"disk {_target(disk)}"
    for card in domain.iterfind("devices/interface/mac"):
        yield f"network card {card.get('address')}"
    for device in domain.iterfind("devices/hostdev"):
        yield f"host device ({device.get('type')})"
    if domain.find("devices/tpm") is not None:
        yield "TPM"
