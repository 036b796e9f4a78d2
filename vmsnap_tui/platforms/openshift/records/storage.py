"""Claims, volume snapshots and the classes of both."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations

from msgspec import field

from vmsnap_tui.platforms.openshift.records.basic import Meta, Named, Problem, Record, Reference, Requests, Resources


class ClaimSpec(Record, frozen=True):
    """`data_source` is what it was filled from."""

    storage_class_name: str = ""
    volume_mode: str = ""
    volume_name: str = ""
    access_modes: tuple[str, ...] = ()
    resources: Resources = Resources()
    data_source: Named | None = None


class ClaimStatus(Record, frozen=True):
    """`capacity` holds what there really is."""

    phase: str = ""
    capacity: Requests = Requests()


class Claim(Record, frozen=True):
    """PersistentVolumeClaim of `v1`."""

    metadata: Meta = Meta()
    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()


class VolumeSnapshotSource(Record, frozen=True):
    """One of the two."""

    claim: str = field(name="persistentVolumeClaimName", default="")
    volume_snapshot_content_name: str = ""


class VolumeSnapshotSpec(Record, frozen=True):
    """What was asked for."""

    source: VolumeSnapshotSource = VolumeSnapshotSource()
    volume_snapshot_class_name: str = ""


class VolumeSnapshotStatus(Record, frozen=True):
    """`restore_size` is a quantity: what a claim needs that is made from it."""

    bound_volume_snapshot_content_name: str = ""
    creation_time: datetime | None = None
    ready_to_use: bool | None = None
    restore_size: str | int | None = None
    error: Problem | None = None
    volume_group_snapshot_name: str = ""


class VolumeSnapshot(Record, frozen=True):
    """`snapshot.storage.k8s.io/v1`."""

    metadata: Meta = Meta()
    spec: VolumeSnapshotSpec = VolumeSnapshotSpec()
    status: VolumeSnapshotStatus = VolumeSnapshotStatus()

    @property
    def is_part(self) -> bool:
        """Whether a snapshot of a whole vm made it."""
        kinds = {owner.kind for owner in self.metadata.owners}
        return bool(self.metadata.labels.source_vm) or "VirtualMachineSnapshotContent" in kinds


class HandleSource(Record, frozen=True):
    """One of the two."""

    volume_handle: str = ""
    snapshot_handle: str = ""


class VolumeContentSpec(Record, frozen=True):
    """What was asked for."""

    driver: str = ""
    deletion_policy: str = ""
    volume_snapshot_class_name: str = ""
    source: HandleSource = HandleSource()
    volume_snapshot_ref: Reference = Reference()


class VolumeContentStatus(Record, frozen=True):
    """`restore_size` is in bytes, and the creation time (not read) in nanoseconds: unlike a VolumeSnapshot's."""

    snapshot_handle: str = ""
    ready_to_use: bool | None = None
    restore_size: int | None = None
    error: Problem | None = None


class VolumeSnapshotContent(Record, frozen=True):
    """`snapshot.storage.k8s.io/v1`. It belongs to no namespace."""

    metadata: Meta = Meta()
    spec: VolumeContentSpec = VolumeContentSpec()
    status: VolumeContentStatus = VolumeContentStatus()


class SnapshotClass(Record, frozen=True):
    """VolumeSnapshotClass of `snapshot.storage.k8s.io/v1`."""

    metadata: Meta = Meta()
    driver: str = ""
    deletion_policy: str = ""


class StorageClass(Record, frozen=True):
    """`storage.k8s.io/v1`."""

    metadata: Meta = Meta()
    provisioner: str = ""
