"""Removing claims that a vm has let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.openshift.kinds import CLAIMS, DATA_VOLUMES, MACHINES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.platforms.openshift.steps.work import Work


def remove_claims(work: Work, names: Sequence[str]) -> str:
    """Remove those that no vm has any more, and say which, and which not. Never raises: what it follows is done."""
    if not names:
        return ""
    work.report(Progress("removing what is left behind"))
    removed, left = [], []
    try:
        used = {
            volume.claim
            for machine in work.cluster.every(MACHINES, work.namespace)
            for volume in machine.spec.template.spec.volumes
        }
    except VmsnapError as error:
        return f"nothing was removed: {error.words}"
    for name in names:
        if name in used:
            left.append(f"{name} (a vm has it)")
            continue
        try:
            if _remove(work, name):
                removed.append(name)
        except VmsnapError as error:
            left.append(f"{name} ({error.words})")
    parts = [f"removed {', '.join(removed)}" if removed else "", f"left {', '.join(left)}" if left else ""]
    return "; ".join(filter(None, parts))


def _remove(work: Work, name: str) -> bool:
    """Remove a claim, or the DataVolume that would make it anew. Whether there was one."""
    claim = work.found(CLAIMS, name)
    if claim is None:
        return False
    maker = next((owner for owner in claim.metadata.owners if owner.kind == "DataVolume"), None)
    if maker is not None and work.cluster.serving.has(DATA_VOLUMES):
        work.remove(DATA_VOLUMES, maker.name, maker.uid)
    else:
        work.remove(CLAIMS, name, claim.metadata.uid)
    return True
