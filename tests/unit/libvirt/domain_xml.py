"""Domain and snapshot XML as libvirt writes it."""

RUNNING = """<domain type='kvm' id='7'>
  <name>db01</name>
  <uuid>11111111-2222-4333-8444-555555555555</uuid>
  <title>Orders &lt;primary&gt;</title>
  <description>first line
second line</description>
  <metadata>
    <vmsnap:snapshots xmlns:vmsnap="https://vmsnap.org/xmlns/1">
      <snapshot name="quiet" created="1795450000" consistency="filesystem"/>
      <snapshot name="kept &lt;1&gt;" created="1795450001" protected="yes"/>
      <snapshot name="nameless" created="soon"/>
    </vmsnap:snapshots>
    <other:snapshots xmlns:other="urn:other"><snapshot name="alien" created="1"/></other:snapshots>
  </metadata>
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='KiB'>2097152</currentMemory>
  <vcpu placement='static' current='2'>8</vcpu>
  <os firmware='efi'>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.ms.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.ms.fd'>/var/lib/libvirt/qemu/nvram/db01_VARS.fd</nvram>
  </os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/srv/vm/db01.snap2' index='3'/>
      <backingStore type='file' index='2'>
        <format type='qcow2'/>
        <source file='/srv/vm/db01.qcow2'/>
        <backingStore type='file' index='1'>
          <format type='raw'/>
          <source file='/srv/vm/golden.img'/>
          <backingStore/>
        </backingStore>
      </backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/mnt/nas/db01-data.img'/>
      <target dev='vdb' bus='virtio'/>
      <shareable/>
    </disk>
    <disk type='block' device='disk' snapshot='no'>
      <driver name='qemu' type='raw' cache='none'/>
      <source dev='/dev/vg0/db01-log'/>
      <target dev='vdc' bus='virtio'/>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw'/>
      <auth username='libvirt'><secret type='ceph' uuid='99999999-2222-4333-8444-555555555555'/></auth>
      <source protocol='rbd' name='vms/db01-archive'><host name='mon1' port='6789'/></source>
      <target dev='vdd' bus='virtio'/>
    </disk>
    <disk type='volume' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source pool='fast' volume='db01-tmp'/>
      <target dev='vde' bus='virtio'/>
      <transient/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <disk type='shiny' device='disk'>
      <source thing='x'/>
      <target dev='vdz' bus='virtio'/>
    </disk>
    <channel type='unix'>
      <target type='virtio' name='com.redhat.spice.0' state='disconnected'/>
    </channel>
    <channel type='unix'>
      <source mode='bind' path='/run/libvirt/qemu/channel/7-db01/org.qemu.guest_agent.0'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
    </channel>
    <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
  </devices>
</domain>
"""

BIOS = """<domain type='qemu'>
  <name>tiny</name>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
  </devices>
</domain>
"""

_DEVICES = """  <domain type='kvm'>
    <name>db01</name>
    <description>of the vm, not of the snapshot</description>
    <memory unit='KiB'>4194304</memory>
    <devices>
      <disk type='file' device='disk'>
        <source file='/srv/vm/db01.qcow2'/>
        <target dev='vda' bus='virtio'/>
      </disk>
      <disk type='file' device='cdrom'>
        <target dev='sda' bus='sata'/>
        <readonly/>
      </disk>
      <disk type='block' device='disk'>
        <source dev='/dev/vg0/log'/>
        <target dev='vdc' bus='virtio'/>
      </disk>
    </devices>
  </domain>
  <inactiveDomain type='kvm'>
    <name>db01</name>
  </inactiveDomain>
  <cookie>
    <cpu mode='custom'/>
  </cookie>
"""

INTERNAL = "    <disk name='vda' snapshot='internal'/>\n"
EXTERNAL = (
    "    <disk name='vda' snapshot='external' type='file'>\n"
    "      <driver type='qcow2'/>\n"
    "      <source file='/srv/vm/db01.s1'/>\n"
    "    </disk>\n"
)
NO_CDROM = "    <disk name='sda' snapshot='no'/>\n"
NO_LOG = "    <disk name='vdc' snapshot='no'/>\n"


def snapshot(
    *,
    name: str = "s1",
    description: str | None = None,
    state: str = "running",
    parent: str | None = None,
    created: int = 1795450000,
    memory: str | None = "<memory snapshot='no'/>",
    disks: str | None = INTERNAL,
    after_disks: str = "",
) -> str:
    """A snapshot's XML in the layout of libvirt. Texts are given as they stand in XML."""
    said = "" if description is None else f"  <description>{description}</description>\n"
    below = "" if parent is None else f"  <parent>\n    <name>{parent}</name>\n  </parent>\n"
    kept = "" if memory is None else f"  {memory}\n"
    listed = "" if disks is None else f"  <disks>\n{disks}  </disks>\n"
    return (
        f"<domainsnapshot>\n  <name>{name}</name>\n{said}  <state>{state}</state>\n{below}"
        f"  <creationTime>{created}</creationTime>\n{kept}{listed}{after_disks}{_DEVICES}</domainsnapshot>\n"
    )
