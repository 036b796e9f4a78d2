"""KubeVirt: snapshots of whole vms, and restores."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations

from msgspec import field

from vmsnap_tui.platforms.openshift.records.basic import Condition, Meta, Named, Problem, Record
from vmsnap_tui.platforms.openshift.records.machine import MachineSpec
from vmsnap_tui.platforms.openshift.records.storage import ClaimSpec


class Indication(Record, frozen=True):
    """How a snapshot came about, and the cluster's own words on it."""

    indication: str = ""
    message: str = ""


class SnapshotVolumes(Record, frozen=True):
    """By the names of the vm's volumes. Told once the snapshot has succeeded."""

    included_volumes: tuple[str, ...] = ()
    excluded_volumes: tuple[str, ...] = ()


class SnapshotSpec(Record, frozen=True):
    """`failure_deadline` is a duration of Go ("5m0s"), "" for the default of five minutes."""

    source: Named = Named()
    deletion_policy: str = ""
    failure_deadline: str = ""


class SnapshotStatus(Record, frozen=True):
    """`indications` are names alone; clusters from 1.8 on say more in `source_indications`."""

    phase: str = ""
    ready_to_use: bool | None = None
    creation_time: datetime | None = None
    source_uid: str = field(name="sourceUID", default="")
    content: str = field(name="virtualMachineSnapshotContentName", default="")
    error: Problem | None = None
    indications: tuple[str, ...] = ()
    source_indications: tuple[Indication, ...] = ()
    snapshot_volumes: SnapshotVolumes | None = None
    conditions: tuple[Condition, ...] = ()


class VmSnapshot(Record, frozen=True):
    """VirtualMachineSnapshot of `snapshot.kubevirt.io/v1beta1`."""

    metadata: Meta = Meta()
    spec: SnapshotSpec = SnapshotSpec()
    status: SnapshotStatus = SnapshotStatus()

    @property
    def content(self) -> str:
        """The name of its content, there or not."""
        return self.status.content or f"vmsnapshot-content-{self.metadata.uid}"


class BackedClaim(Record, frozen=True):
    """The claim as it was."""

    metadata: Meta = Meta()
    spec: ClaimSpec = ClaimSpec()


class VolumeBackup(Record, frozen=True):
    """One volume of a snapshot."""

    volume_name: str = ""
    claim: BackedClaim = field(name="persistentVolumeClaim", default=BackedClaim())
    volume_snapshot_name: str = ""


class ContentMachine(Record, frozen=True):
    """The vm as it was when the snapshot was taken."""

    metadata: Meta = Meta()
    spec: MachineSpec = MachineSpec()


class ContentSource(Record, frozen=True):
    """Where it is from."""

    virtual_machine: ContentMachine = ContentMachine()


class ContentSpec(Record, frozen=True):
    """What was kept."""

    virtual_machine_snapshot_name: str = ""
    source: ContentSource = ContentSource()
    volume_backups: tuple[VolumeBackup, ...] = ()


class VolumeProgress(Record, frozen=True):
    """How far the snapshot of one volume is."""

    volume_snapshot_name: str = ""
    creation_time: datetime | None = None
    ready_to_use: bool | None = None
    error: Problem | None = None


class ContentStatus(Record, frozen=True):
    """How far it is."""

    ready_to_use: bool | None = None
    creation_time: datetime | None = None
    error: Problem | None = None
    volume_snapshot_status: tuple[VolumeProgress, ...] = ()


class SnapshotContent(Record, frozen=True):
    """VirtualMachineSnapshotContent of `snapshot.kubevirt.io/v1beta1`."""

    metadata: Meta = Meta()
    spec: ContentSpec = ContentSpec()
    status: ContentStatus = ContentStatus()


class RestoreSpec(Record, frozen=True):
    """What was asked for."""

    target: Named = Named()
    virtual_machine_snapshot_name: str = ""
    target_readiness_policy: str = ""
    volume_restore_policy: str = ""
    volume_ownership_policy: str = ""


class VolumeRestore(Record, frozen=True):
    """A claim that a restore makes."""

    volume_name: str = ""
    claim: str = field(name="persistentVolumeClaim", default="")
    volume_snapshot_name: str = ""
    data_volume_name: str = ""


class RestoreStatus(Record, frozen=True):
    """There is no phase: `complete`, and the conditions."""

    complete: bool = False
    restore_time: datetime | None = None
    restores: tuple[VolumeRestore, ...] = ()
    deleted_data_volumes: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


class VmRestore(Record, frozen=True):
    """VirtualMachineRestore of `snapshot.kubevirt.io/v1beta1`."""

    metadata: Meta = Meta()
    spec: RestoreSpec = RestoreSpec()
    status: RestoreStatus = RestoreStatus()

    @property
    def epoch(self) -> str:
        """What the annotation of a vm says that was restored by it."""
        return f"{self.metadata.name}-{self.metadata.uid}"
