"""A file for libvirt's test driver, with as many domains and snapshots as one asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from pathlib import Path

_TEST = "http://libvirt.org/schemas/domain/test/1.0"
_FIRST_TAKEN = 1_767_000_000
_USUAL = f"""<devices>
  <controller type="usb" model="qemu-xhci" ports="15"/>
  <controller type="pci" index="0" model="pcie-root"/>
  {"".join(f'<controller type="pci" index="{index}" model="pcie-root-port"/>' for index in range(1, 15))}
  <controller type="virtio-serial" index="0"/>
  <channel type="unix">
    <source mode="bind"/><target type="virtio" name="org.qemu.guest_agent.0" state="connected"/>
  </channel>
  <channel type="spicevmc"><target type="virtio" name="com.redhat.spice.0"/></channel>
  <input type="tablet" bus="usb"/>
  <graphics type="spice" autoport="yes"><listen type="address"/></graphics>
  <sound model="ich9"/>
  <video><model type="virtio" heads="1" primary="yes"/></video>
  <redirdev bus="usb" type="spicevmc"/>
  <redirdev bus="usb" type="spicevmc"/>
  <watchdog model="itco" action="reset"/>
  <memballoon model="virtio"/>
  <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
</devices>"""
"""What virt-install gives every guest of today besides disks and a card."""
_BRANCH_EVERY = 10  # snapshots in a row, before the next one hangs under the one before the last


def write(path: Path, *, domains: int, snapshots: int) -> str:
    """Write the file, and say how to connect to it. Names are vm-00000 and so on, all domains running."""
    ET.register_namespace("test", _TEST)
    root = ET.Element("node")
    for number in range(domains):
        domain = _domain(number)
        if snapshots:
            for index in range(snapshots):
                domain.append(_snapshot(number, index, is_last=index == snapshots - 1))
            # In files of their own, since libvirt reads none that is larger than 10 MB.
            part = path.with_name(f"{path.stem}-{number}.xml")
            part.write_bytes(ET.tostring(domain))
            domain = ET.Element("domain", file=str(part))
        root.append(domain)
    path.write_bytes(ET.tostring(root))
    return f"test://{path}"


def _domain(number: int) -> ET.Element:
    name = f"vm-{number:05}"
    root = ET.Element("domain", type="test")
    ET.SubElement(root, "name").text = name
    ET.SubElement(root, "uuid").text = f"00000000-0000-4000-8000-{number:012x}"
    ET.SubElement(root, "memory", unit="MiB").text = "1024"
    ET.SubElement(root, "vcpu").text = "2"
    ET.SubElement(ET.SubElement(root, "os"), "type", arch="x86_64").text = "hvm"
    devices = ET.SubElement(root, "devices")
    for target in ("vda", "vdb"):
        disk = ET.SubElement(devices, "disk", type="file", device="disk")
        ET.SubElement(disk, "driver", name="qemu", type="qcow2")
        ET.SubElement(disk, "source", file=f"/var/lib/libvirt/images/{name}-{target}.qcow2")
        ET.SubElement(disk, "target", dev=target, bus="virtio")
    nic = ET.SubElement(devices, "interface", type="network")
    ET.SubElement(nic, "mac", address=f"52:54:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}")
    ET.SubElement(nic, "source", network="default")
    devices.extend(ET.fromstring(_USUAL))
    return root


def _snapshot(number: int, index: int, *, is_last: bool) -> ET.Element:
    root = ET.Element(f"{{{_TEST}}}domainsnapshot")
    ET.SubElement(root, "name").text = f"nightly-{index:05}"
    ET.SubElement(root, "description").text = f"before update {index}"
    ET.SubElement(root, "state").text = "running"
    ET.SubElement(root, "creationTime").text = str(_FIRST_TAKEN + 3600 * index)
    if index:
        back = 2 if index > 1 and index % _BRANCH_EVERY == 0 else 1
        ET.SubElement(ET.SubElement(root, "parent"), "name").text = f"nightly-{index - back:05}"
    ET.SubElement(root, "memory", snapshot="internal")
    disks = ET.SubElement(root, "disks")
    for target in ("vda", "vdb"):
        ET.SubElement(disks, "disk", name=target, snapshot="internal")
    root.append(_domain(number))
    ET.SubElement(root, "active").text = str(int(is_last))
    return root
