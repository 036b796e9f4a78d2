"""KubeVirt: vms, and what runs of them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations

from msgspec import field

from vmsnap_tui.platforms.openshift.records.basic import Condition, Meta, Named, Record, Resources


class Cpu(Record, frozen=True):
    """How many there are: the product of these."""

    cores: int = 0
    sockets: int = 0
    threads: int = 0


class Memory(Record, frozen=True):
    """As a quantity ("4Gi")."""

    guest: str = ""


class Efi(Record, frozen=True):
    """UEFI. `persistent` means that its variables are kept on a claim."""

    persistent: bool | None = None


class Bios(Record, frozen=True):
    """There is nothing to say of it but that it is asked for."""


class Bootloader(Record, frozen=True):
    """One of the two, or none where it is left to the cluster."""

    efi: Efi | None = None
    bios: Bios | None = None


class Firmware(Record, frozen=True):
    """How it boots."""

    bootloader: Bootloader | None = None


class Tpm(Record, frozen=True):
    """A TPM. `persistent` means that its state is kept on a claim."""

    enabled: bool | None = None
    persistent: bool | None = None


class DiskTarget(Record, frozen=True):
    """How the guest sees a disk."""

    readonly: bool | None = None


class DiskDevice(Record, frozen=True):
    """A disk of the guest, by the name of its volume."""

    name: str = ""
    disk: DiskTarget | None = None
    lun: DiskTarget | None = None
    cdrom: DiskTarget | None = None
    shareable: bool | None = None


class Interface(Record, frozen=True):
    """A network card."""

    name: str = ""
    mac_address: str = ""


class Devices(Record, frozen=True):
    """Of the guest."""

    disks: tuple[DiskDevice, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    tpm: Tpm | None = None


class Domain(Record, frozen=True):
    """The guest's hardware."""

    cpu: Cpu | None = None
    memory: Memory | None = None
    resources: Resources = Resources()
    firmware: Firmware | None = None
    devices: Devices = Devices()


class DataVolumeSource(Record, frozen=True):
    """A volume that is a DataVolume, and the claim of its name."""

    name: str = ""


class ClaimSource(Record, frozen=True):
    """A volume that is a claim."""

    claim_name: str = ""
    read_only: bool = False


class ImageSource(Record, frozen=True):
    """A volume that is a container image: it lives and dies with the guest."""

    image: str = ""


class Volume(Record, frozen=True):
    """A volume of a vm. None of the sources: one that holds nothing worth keeping (cloud-init, secrets, …)."""

    name: str = ""
    data_volume: DataVolumeSource | None = None
    persistent_volume_claim: ClaimSource | None = None
    memory_dump: ClaimSource | None = None
    container_disk: ImageSource | None = None

    @property
    def claim(self) -> str:
        """The name of its claim, "" for none."""
        if self.data_volume is not None:
            return self.data_volume.name
        source = self.persistent_volume_claim or self.memory_dump
        return "" if source is None else source.claim_name


class GuestSpec(Record, frozen=True):
    """What a guest is made of."""

    domain: Domain = Domain()
    volumes: tuple[Volume, ...] = ()


class Template(Record, frozen=True):
    """Of the guest, inside a vm."""

    spec: GuestSpec = GuestSpec()


class DataVolumeTemplate(Record, frozen=True):
    """A DataVolume that the vm makes by itself."""

    metadata: Meta = Meta()


class MachineSpec(Record, frozen=True):
    """As somebody wants it. `running` is the older word for a run strategy."""

    running: bool | None = None
    run_strategy: str = ""
    instancetype: Named | None = None
    preference: Named | None = None
    template: Template = Template()
    data_volume_templates: tuple[DataVolumeTemplate, ...] = ()


class VolumeAbility(Record, frozen=True):
    """Whether a volume can be part of a snapshot, and why not."""

    name: str = ""
    enabled: bool = False
    reason: str = ""


class MachineStatus(Record, frozen=True):
    """As it is. `snapshot_in_progress` and `restore_in_progress` are names."""

    printable_status: str = ""
    created: bool = False
    ready: bool = False
    snapshot_in_progress: str = ""
    restore_in_progress: str = ""
    volume_snapshot_statuses: tuple[VolumeAbility, ...] = ()
    conditions: tuple[Condition, ...] = ()


class VirtualMachine(Record, frozen=True):
    """`kubevirt.io/v1`."""

    metadata: Meta = Meta()
    spec: MachineSpec = MachineSpec()
    status: MachineStatus = MachineStatus()


class Migration(Record, frozen=True):
    """The last live migration."""

    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    completed: bool = False
    failed: bool = False


class GuestOs(Record, frozen=True):
    """As the agent tells it."""

    pretty_name: str = ""


class InstanceStatus(Record, frozen=True):
    """What runs. `fs_freeze_status` is "frozen", "thawed" or "" where nothing was told."""

    phase: str = ""
    node_name: str = ""
    fs_freeze_status: str = ""
    conditions: tuple[Condition, ...] = ()
    migration_state: Migration | None = None
    guest_os_info: GuestOs = field(name="guestOSInfo", default=GuestOs())
    virtual_machine_revision_name: str = ""


class VirtualMachineInstance(Record, frozen=True):
    """`kubevirt.io/v1`: there is one as long as anything of the guest is left."""

    metadata: Meta = Meta()
    spec: GuestSpec = GuestSpec()
    status: InstanceStatus = InstanceStatus()
