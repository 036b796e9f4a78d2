"""Sites, the vms on them and their disks.

What comes by the ten thousand is a Struct: made many times faster than a dataclass, and smaller.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping


class PlatformKind(Enum):
    """Which platform a site is of."""

    LIBVIRT = "libvirt"
    OPENSHIFT = "openshift"
    OPENSTACK = "openstack"
    DEMO = "demo"


class VmState(Enum):
    """What a vm is doing, or was doing when a snapshot was taken."""

    RUNNING = "running"
    PAUSED = "paused"
    OFF = "off"
    SUSPENDED = "suspended"  # guest sleeps (ACPI S3)
    CRASHED = "crashed"
    CHANGING = "changing"  # starting, stopping, migrating
    UNKNOWN = "unknown"

    @property
    def is_active(self) -> bool:
        """Whether there is a guest with memory that can be lost."""
        return self in {VmState.RUNNING, VmState.PAUSED, VmState.SUSPENDED, VmState.CHANGING}


class AgentState(Enum):
    """Whether the guest agent answers."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"  # a channel is there, nobody answers on it
    ABSENT = "absent"  # no channel is configured
    UNKNOWN = "unknown"


class Firmware(Enum):
    """How the vm boots, where it bears on snapshots."""

    BIOS = "bios"
    UEFI = "uefi"
    UNKNOWN = "unknown"


class Backend(Enum):
    """What a disk's data lies on."""

    FILE = "file"
    NFS = "nfs"
    BLOCK = "block"  # a device of the host, LVM included
    NETWORK = "network"  # RBD, iSCSI, NBD, …: `Disk.protocol` says which
    VOLUME = "volume"  # a volume of a pool, a claim or a cloud volume
    EPHEMERAL = "ephemeral"  # lives and dies with the vm
    UNKNOWN = "unknown"


class VmRef(Struct, frozen=True, order=True, gc=False):
    """What names a vm for good: the site's name and the platform's own id (a UUID where there is one)."""

    site: str
    id: str


@dataclass(frozen=True, slots=True)
class Site:
    """A place where vms live, reached by one connection. `address` is a URI, a context or a cloud's name."""

    name: str
    kind: PlatformKind
    address: str
    read_only: bool = False
    jobs: int = 4  # how many jobs may run on it at a time
    chain_limit: int = 20  # layers of a disk above which its chain counts as too long
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SiteInfo:
    """What a site said of itself when it was opened.

    `details` are label and value, for the eye; `cautions` are things that somebody should put right.
    """

    product: str
    version: str
    details: tuple[tuple[str, str], ...] = ()
    cautions: tuple[str, ...] = ()


class Disk(Struct, frozen=True, gc=False):
    """One storage volume of a vm. `id` is what the platform calls it in the vm (vda, a claim, a volume id).

    `capacity` is what the guest sees, `allocation` what is really used, both in bytes and None where not known.
    `why_not` says why it cannot be part of a snapshot, where the platform tells.
    """

    id: str
    source: str = ""
    format: str = ""
    backend: Backend = Backend.UNKNOWN
    protocol: str = ""
    capacity: int | None = None
    allocation: int | None = None
    writable: bool = True
    shared: bool = False
    included: bool = True  # False where the vm's own definition leaves the disk out of snapshots
    why_not: str = ""


class Vm(Struct, frozen=True, gc=False):
    """One virtual machine. `memory` is in bytes; `group` is its folder in the inventory (namespace, project)."""

    ref: VmRef
    name: str
    state: VmState = VmState.UNKNOWN
    agent: AgentState = AgentState.UNKNOWN
    title: str = ""
    description: str = ""
    group: str = ""
    memory: int | None = None
    vcpus: int | None = None
    disks: tuple[Disk, ...] = ()
    firmware: Firmware = Firmware.UNKNOWN
    tpm: bool = False
    autostart: bool | None = None
    persistent: bool = True
    saved: bool = False  # memory lies in a managed save
    tags: tuple[str, ...] = ()
