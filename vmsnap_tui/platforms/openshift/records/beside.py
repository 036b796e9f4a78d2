"""KubeVirt: what is made of a snapshot beside its vm."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations

from vmsnap_tui.platforms.openshift.records.basic import Condition, Meta, Named, Record


class CloneSpec(Record, frozen=True):
    """What of, and what it is to be called."""

    source: Named = Named()
    target: Named = Named()


class CloneStatus(Record, frozen=True):
    """`phase` ends as Succeeded or Failed."""

    phase: str = ""
    conditions: tuple[Condition, ...] = ()
    target_name: str = ""


class VmClone(Record, frozen=True):
    """VirtualMachineClone of `clone.kubevirt.io/v1beta1`."""

    metadata: Meta = Meta()
    spec: CloneSpec = CloneSpec()
    status: CloneStatus = CloneStatus()


class ExportFormat(Record, frozen=True):
    """One way to download a volume."""

    format: str = ""
    url: str = ""


class ExportVolume(Record, frozen=True):
    """A volume that can be downloaded."""

    name: str = ""
    formats: tuple[ExportFormat, ...] = ()


class ExportLink(Record, frozen=True):
    """What can be reached from one side."""

    volumes: tuple[ExportVolume, ...] = ()


class ExportLinks(Record, frozen=True):
    """From inside the cluster, and from outside where there is a way in."""

    internal: ExportLink | None = None
    external: ExportLink | None = None


class ExportSpec(Record, frozen=True):
    """What of."""

    source: Named = Named()


class ExportStatus(Record, frozen=True):
    """`phase` is Pending, Ready, Terminated or Skipped."""

    phase: str = ""
    links: ExportLinks | None = None
    token_secret_ref: str = ""
    ttl_expiration_time: datetime | None = None
    conditions: tuple[Condition, ...] = ()


class VmExport(Record, frozen=True):
    """VirtualMachineExport of `export.kubevirt.io/v1beta1`."""

    metadata: Meta = Meta()
    spec: ExportSpec = ExportSpec()
    status: ExportStatus = ExportStatus()
