"""Deleting one snapshot, with all of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Failed, Missing
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.openstack.cloud import IMAGE, VOLUME

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openstack.steps.work import Work


def delete(work: Work) -> str:
    """Delete it. A part that is gone already is no hindrance; all of them gone is Missing."""
    params = work.params()
    images = [id_ for id_ in params["images"] if work.image(id_) is not None]
    snaps = [id_ for id_ in params["snaps"] if work.snap(id_) is not None]
    if not images and not snaps:
        raise Missing("the snapshot is gone", "refresh")
    work.report(Progress("deleting"))
    # The image first: it points to the volume snapshots, and would be left pointing nowhere.
    for id_ in images:
        work.cloud.ask(IMAGE, "DELETE", f"/images/{id_}")
    for id_ in snaps:
        work.cloud.ask(VOLUME, "DELETE", f"/snapshots/{id_}")
    for id_ in snaps:

        def look(id_: str = id_) -> str | None:
            snap = work.snap(id_)
            work.report(Progress("deleting"))
            return "gone" if snap is None else None if snap["status"] == "deleting" else str(snap["status"])

        status = work.until(look)
        if status != "gone":
            raise Failed(
                f"volume snapshot {id_} is {status}", "look at what was made from it, and at the service's log"
            )
    return "deleted"
