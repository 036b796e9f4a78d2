"""What is told by itself: jobs that ended, and jobs that an earlier run left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.engine.jobs import Job
    from vmsnap_tui.engine.store import SiteView

Severity = Literal["information", "warning", "error"]
_SEVERITIES: dict[JobState, Severity] = {
    JobState.DONE: "information",
    JobState.FAILED: "error",
    JobState.CANCELLED: "warning",
}


_MOST = 3
"""Vms of a group job that are named, and jobs that were cut off."""


@dataclass(frozen=True, slots=True)
class Toast:
    """Words to show for some seconds."""

    title: str
    words: str
    severity: Severity
    seconds: float


def toast(job: Job) -> Toast:
    """How a job that is over is told: what came of it, or what went wrong and what to do."""
    words = str(job.error) if job.error else job.outcome or job.state.value
    title = f"{clean(job.plan.vm_name, limit=60)}: {clean(job.plan.title, limit=80)}"
    return Toast(title, words, _SEVERITIES[job.state], 15.0 if job.error else 6.0)


def group_toast(group: GroupJob) -> Toast:
    """How a group job that is over is told."""
    failed = [f"{clean(each.name, limit=60)}: {each.words}" for each in group.members if each.vm in group.undone]
    words = "\n".join([group.outcome, *failed[:_MOST], *(["…"] if failed[_MOST:] else [])])
    return Toast(clean(group.title, limit=80), words, "error" if failed else "information", 15.0 if failed else 6.0)


class Outcomes:
    """Tells each thing once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._told: set[tuple[str, str]] = set()
        self._lost: set[str] = set()

    def new(self, jobs: Iterable[str]) -> Iterator[Toast]:
        """What has to be told now that these jobs have changed."""
        for id_ in jobs:
            job, group = self._engine.jobs.get(id_), self._engine.groups.get(id_)
            if job and job.state.is_over and self._is_new(id_, job.state.value):
                if not self._engine.groups.is_member(job):
                    yield toast(job)
            elif group and group.ended and self._is_new(id_, "over") and id_ not in self._engine.groups.read:
                yield group_toast(group)
        yield from self._cut_off()

    def _cut_off(self) -> Iterator[Toast]:
        """What an earlier run left: one by one where these are few, and guests that may stand frozen in any case."""
        every = self._engine.cut_off
        for left in every if len(every) <= _MOST else [left for left in every if left.froze]:
            if self._is_new(left.job, left.now):
                title = f"Cut off: {clean(left.vm_name, limit=60)}: {clean(left.title, limit=80)}"
                words = left.now or f"An earlier run ended during “{left.step}”. It is being looked into."
                yield Toast(title, words, "warning", 15.0)
        if len(every) > _MOST and self._is_new("cut off", str(len(every))):
            words = "An earlier run ended during them. Each is looked into: the log (l) says what became of it."
            yield Toast(f"Cut off: {len(every)} jobs", words, "warning", 15.0)

    def lost(self, troubled: Iterable[SiteView]) -> Iterator[Toast]:
        """Sites that answered before, and do not now; each loss is told once."""
        before, self._lost = self._lost, {view.site.name for view in troubled if view.status is SiteStatus.LOST}
        for view in troubled:
            if view.site.name in self._lost - before and view.error:
                words = f"{view.error.words} — it is taken up again by itself"
                yield Toast(f"{view.site.name}: connection lost", words, "warning", 5.0)

    def _is_new(self, id_: str, word: str) -> bool:
        is_new = (id_, word) not in self._told
        self._told.add((id_, word))
        return is_new
