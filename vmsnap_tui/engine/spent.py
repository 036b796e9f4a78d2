"""How long each vm of a group job took, from the first of its jobs that began: waiting for a turn is not counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.engine.job import Job
    from vmsnap_tui.model.vm import VmRef


def spent(group: GroupJob, jobs: Iterable[Job], now: datetime) -> dict[VmRef, float]:
    """In seconds, by vm, up to now or its end. One of which no job has begun is left out."""
    began: dict[VmRef, datetime] = {}
    for job in jobs:
        vm = job.plan.request.vm
        if job.started is not None and group.started <= job.queued <= (group.ended or job.queued):
            began[vm] = min(began.get(vm, job.started), job.started)
    return {
        member.vm: max(0.0, ((member.ended or now) - began[member.vm]).total_seconds())
        for member in group.members
        if member.vm in began
    }
