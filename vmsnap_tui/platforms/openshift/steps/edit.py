"""Describing a snapshot anew, and protecting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.openshift.kinds import VM_SNAPSHOTS, VOLUME_SNAPSHOTS
from vmsnap_tui.platforms.openshift.stamps import BASELINE, DESCRIPTION, PROTECTED, YES

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openshift.steps.work import Work


def edit(work: Work) -> str:
    """Write the annotation and the label. Raises Missing."""
    params = work.params()
    work.report(Progress("writing"))
    notes: dict[str, str | None] = {}
    if "description" in params:
        notes[DESCRIPTION] = params["description"]
    if "baseline" in params:
        notes[BASELINE] = params["baseline"] or None
    metadata: dict[str, dict[str, str | None]] = {"annotations": notes} if notes else {}
    if "protected" in params:
        metadata["labels"] = {PROTECTED: YES if params["protected"] else None}
    kind, names = (VM_SNAPSHOTS, [params["snapshot"]]) if params["snapshot"] else (VOLUME_SNAPSHOTS, params["cuts"])
    for name in names:
        work.write(kind, name, metadata)
    return "written"
