"""Which VolumeSnapshotClass KubeVirt takes for which storage class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmsnap_tui.platforms.openshift.kinds import SNAPSHOT_CLASSES, STORAGE_CLASSES
from vmsnap_tui.platforms.openshift.parts import told

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openshift.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Chosen:
    """The VolumeSnapshotClass of a storage class, or those that fit where KubeVirt can't choose."""

    name: str = ""
    driver: str = ""
    rivals: tuple[str, ...] = ()


def classes_of(cluster: Cluster) -> dict[str, Chosen]:
    """For each storage class, as KubeVirt chooses it. Where none may be read, the cluster's."""
    ours: dict[str, Chosen] = {}
    snapshot_classes = told(cluster, SNAPSHOT_CLASSES, None)
    for storage in told(cluster, STORAGE_CLASSES, None):
        fitting = [each for each in snapshot_classes if each.driver == storage.provisioner]
        marked = [each for each in fitting if each.metadata.annotations.default_class]
        chosen = marked or (fitting if len(fitting) == 1 else [])
        name = chosen[0].metadata.name if chosen else ""
        rivals = () if chosen else tuple(each.metadata.name for each in fitting)
        ours[storage.metadata.name] = Chosen(name, storage.provisioner, rivals)
    return ours
