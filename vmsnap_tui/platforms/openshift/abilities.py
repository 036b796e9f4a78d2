"""What the APIs of a cluster offer for snapshots and restores, read once from what it tells of their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Unreachable, VmsnapError
from vmsnap_tui.platforms.openshift.facts import Abilities
from vmsnap_tui.platforms.openshift.kinds import RESTORES, VM_CLONES, VM_EXPORTS, VM_SNAPSHOTS, VOLUME_SNAPSHOTS

if TYPE_CHECKING:
    from typing import Any

    from vmsnap_tui.platforms.openshift.cluster import Cluster
    from vmsnap_tui.platforms.openshift.kinds import Kind


def abilities_of(cluster: Cluster) -> Abilities:
    """Raises Unreachable. A cluster that does not tell of its fields is taken to have none but the oldest."""
    serving = cluster.serving
    restores, clones = _fields(cluster, RESTORES), _fields(cluster, VM_CLONES)
    return Abilities(
        vm_snapshots=serving.has(VM_SNAPSHOTS),
        volume_snapshots=serving.has(VOLUME_SNAPSHOTS),
        in_place=b'"volumeRestorePolicy"' in restores,
        readiness=b'"targetReadinessPolicy"' in restores,
        prefix=b'"volumeNamePolicy"' in clones,
        clone=serving.version(VM_CLONES),
        export=serving.version(VM_EXPORTS),
    )


def _fields(cluster: Cluster, kind: Kind[Any]) -> bytes:
    """The schema of a kind's API as JSON, b"" where it is not to be had."""
    version = cluster.serving.version(kind)
    if not version:
        return b""
    try:
        return cluster.ask("GET", f"/openapi/v3/apis/{kind.group}/{version}")
    except Unreachable:
        raise
    except VmsnapError:
        return b""
