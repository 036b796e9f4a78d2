"""The kinds of objects that are read and written, and where the API has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vmsnap_tui.platforms.openshift import records
from vmsnap_tui.platforms.openshift.records import beside

T = TypeVar("T")

KUBEVIRT, SNAPSHOTS, STORAGE = "kubevirt.io", "snapshot.kubevirt.io", "snapshot.storage.k8s.io"
CLONES, EXPORTS, SUBRESOURCES = "clone.kubevirt.io", "export.kubevirt.io", "subresources.kubevirt.io"
CDI, PROJECTS = "cdi.kubevirt.io", "project.openshift.io"


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of object: API group ("" for the core), resource, and what it is decoded to.

    `versions` are those that are understood, best first; the first one that the cluster serves is spoken. `selector`
    is the label selector that lists and watches are bounded by.
    """

    group: str
    plural: str
    type: type[T]
    versions: tuple[str, ...] = ("v1",)
    namespaced: bool = True
    selector: str = ""


_BETA = ("v1beta1", "v1alpha1")

MACHINES = Kind(KUBEVIRT, "virtualmachines", records.VirtualMachine)
INSTANCES = Kind(KUBEVIRT, "virtualmachineinstances", records.VirtualMachineInstance)
VM_SNAPSHOTS = Kind(SNAPSHOTS, "virtualmachinesnapshots", records.VmSnapshot, _BETA)
CONTENTS = Kind(SNAPSHOTS, "virtualmachinesnapshotcontents", records.SnapshotContent, _BETA)
RESTORES = Kind(SNAPSHOTS, "virtualmachinerestores", records.VmRestore, _BETA)
# The snapshots of volumes that belong to a vm's snapshot are left out by the server: there are many of them.
VOLUME_SNAPSHOTS = Kind(
    STORAGE, "volumesnapshots", records.VolumeSnapshot, selector="!snapshot.kubevirt.io/source-vm-name"
)
VOLUME_CONTENTS = Kind(STORAGE, "volumesnapshotcontents", records.VolumeSnapshotContent, namespaced=False)
SNAPSHOT_CLASSES = Kind(STORAGE, "volumesnapshotclasses", records.SnapshotClass, namespaced=False)
STORAGE_CLASSES = Kind("storage.k8s.io", "storageclasses", records.StorageClass, namespaced=False)
CLAIMS = Kind("", "persistentvolumeclaims", records.Claim)
DATA_VOLUMES = Kind(CDI, "datavolumes", records.Bare, ("v1beta1",))
VM_CLONES = Kind(CLONES, "virtualmachineclones", beside.VmClone, _BETA)
VM_EXPORTS = Kind(EXPORTS, "virtualmachineexports", beside.VmExport, ("v1beta1", "v1"))
NAMESPACES = Kind("", "namespaces", records.Bare, namespaced=False)
PROJECT_LIST = Kind(PROJECTS, "projects", records.Bare, namespaced=False)

WATCHED: tuple[Kind[Any], ...] = (MACHINES, INSTANCES, CLAIMS, VM_SNAPSHOTS, RESTORES, VOLUME_SNAPSHOTS)
"""What is known as a whole, and kept so by a watch."""
