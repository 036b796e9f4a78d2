"""What of a domain's XML is compared."""

from __future__ import annotations

import pytest

from vmsnap_tui.model.errors import Unsupported
from vmsnap_tui.platforms.libvirt.comparable import definition_of

RUNNING = """
<domain type='kvm' id='7'>
  <name>web</name>
  <metadata><vmsnap:snapshots xmlns:vmsnap='https://vmsnap.org/xmlns/1'/></metadata>
  <memory unit='KiB'>1024</memory>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/images/web.mon' index='4'/>
      <backingStore type='file'><source file='/images/web.qcow2'/></backingStore>
      <target dev='vda' bus='virtio'/>
      <alias name='virtio-disk0'/>
    </disk>
    <disk type='file' device='cdrom'><source file='/iso/debian.iso' index='1'/><target dev='sda'/></disk>
    <interface type='network'><source network='lab'/><target dev='vnet3'/><alias name='net0'/></interface>
    <interface type='network'><source network='lab'/><target dev='tap-web'/></interface>
    <channel type='unix'>
      <source mode='bind' path='/var/lib/libvirt/qemu/channel/target/domain-7-web/org.qemu.guest_agent.0'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
    </channel>
    <serial type='pty'><source path='/dev/pts/3'/></serial>
    <console type='pty' tty='/dev/pts/3'><source path='/dev/pts/3'/></console>
    <controller type='pci' index='0'/><controller type='usb' index='1'/><controller type='usb' index='0'/>
    <graphics type='vnc' port='5901' autoport='yes'/>
  </devices>
  <seclabel type='dynamic' model='apparmor'><label>libvirt-1</label></seclabel>
</domain>"""

OFF = """
<domain type='kvm'>
    <name>web</name>
  <memory unit='KiB'>1024</memory>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='/images/web.qcow2'/><target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'><source file='/iso/debian.iso'/><target dev='sda'/></disk>
    <interface type='network'><source network='lab'/><target/></interface>
    <interface type='network'><source network='lab'/><target dev='tap-web'/></interface>
    <channel type='unix'><source mode='bind'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <serial type='pty'><source/></serial>
    <console type='pty'><source/></console>
    <controller type='usb' index='0'/><controller type='usb' index='1'/><controller type='pci' index='0'/>
    <graphics type='vnc' autoport='yes'/>
  </devices>
</domain>"""


def test_what_libvirt_fills_in_makes_no_difference() -> None:
    assert definition_of(RUNNING).text == definition_of(OFF).text


@pytest.mark.parametrize(
    ("old", "new"),
    [("1024", "2048"), ("tap-web", "tap-db"), ("debian.iso", "grub.iso"), ("'virtio'/>", "'sata'/>"), ("lab", "prod")],
)
def test_what_somebody_changed_does(old: str, new: str) -> None:
    assert definition_of(OFF.replace(old, new)).text != definition_of(OFF).text


def test_of_a_snapshot_that_counts_which_the_vm_would_start_with() -> None:
    both = (
        f"<domainsnapshot>{RUNNING}{OFF.replace('1024', '4096').replace('domain', 'inactiveDomain')}</domainsnapshot>"
    )
    assert "4096" in definition_of(both).text
    assert definition_of(both).text.startswith("<domain type=")
    assert definition_of(f"<domainsnapshot>{RUNNING}</domainsnapshot>").text == definition_of(OFF).text
    with pytest.raises(Unsupported, match="keeps no definition"):
        definition_of("<domainsnapshot><name>bare</name></domainsnapshot>")
    with pytest.raises(Unsupported, match="cannot be read"):
        definition_of("<domain>")
