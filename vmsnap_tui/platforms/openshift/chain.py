"""What really holds the data of a vm's disks: claims, and the volume snapshots along the line that leads to "now"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift.convert import capacity_of, disks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Disk
    from vmsnap_tui.platforms.openshift.snapshots import Things


def layers(things: Things, snapshots: Sequence[Snapshot]) -> tuple[Layer, ...]:
    """Disk by disk: what "now" is from, newest first, then the snapshots of other branches.

    What a volume snapshot takes is known to the storage alone.
    """
    uids = {f"{each.metadata.namespace}/{each.metadata.name}": each.metadata.uid for each in things.snapshots}
    line = list(_upwards(snapshots))
    on_line = {snapshot.id for snapshot in line}
    beside = [snapshot for snapshot in snapshots if snapshot.id not in on_line]
    found: list[Layer] = []
    for disk in disks_of(things.machine, things.claims):
        found.append(_active(disk, things))
        for snapshot in (*line, *beside):
            for part in snapshot.disks:
                if part.disk == disk.id and part.included:
                    place = part.place or f"vmsnapshot-{uids[snapshot.id]}-volume-{part.disk}"
                    aside = snapshot.id not in on_line
                    layer = Layer(disk.id, LayerKind.VOLUME_SNAPSHOT, place, snapshots=(snapshot.id,), aside=aside)
                    found.append(layer)
    return tuple(found)


def _active(disk: Disk, things: Things) -> Layer:
    volume = next(each for each in things.machine.spec.template.spec.volumes if clean(each.name) == disk.id)
    if not volume.claim:
        return Layer(disk.id, LayerKind.IMAGE, disk.source)
    claim = things.claims.get(volume.claim)
    if claim is None:
        return Layer(disk.id, LayerKind.MISSING, disk.source, error="there is no such claim")
    place = f"{volume.claim} ({claim.spec.volume_name})" if claim.spec.volume_name else volume.claim
    error = "" if claim.status.phase in {"Bound", ""} else f"the claim is {claim.status.phase}"
    return Layer(disk.id, LayerKind.ACTIVE, clean(place), "raw", capacity_of(claim), error=clean(error))


def _upwards(snapshots: Sequence[Snapshot]) -> Iterator[Snapshot]:
    """The current snapshot and those above it."""
    by_id = {snapshot.id: snapshot for snapshot in snapshots}
    at = next((snapshot for snapshot in snapshots if snapshot.current), None)
    while at is not None:
        yield at
        del by_id[at.id]
        at = by_id.get(at.parent or "")
