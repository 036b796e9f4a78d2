"""Describing a snapshot anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.openshift.kinds import VM_SNAPSHOTS, VOLUME_SNAPSHOTS
from vmsnap_tui.platforms.openshift.stamps import DESCRIPTION

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openshift.steps.work import Work


def edit(work: Work) -> str:
    """Write the annotation. Raises Missing."""
    params = work.params()
    work.report(Progress("writing"))
    notes = {DESCRIPTION: params["description"]}
    if params["snapshot"]:
        work.annotate(VM_SNAPSHOTS, params["snapshot"], notes)
        return "written"
    for name in params["cuts"]:
        work.annotate(VOLUME_SNAPSHOTS, name, notes)
    return "written"
