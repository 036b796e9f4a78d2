"""What is told by itself: jobs that ended, and jobs that an earlier run left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.jobs import Job

Severity = Literal["information", "warning", "error"]
_SEVERITIES: dict[JobState, Severity] = {
    JobState.DONE: "information",
    JobState.FAILED: "error",
    JobState.CANCELLED: "warning",
}


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


class Outcomes:
    """Tells each thing once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._told: set[tuple[str, str]] = set()

    def new(self, jobs: Iterable[str]) -> Iterator[Toast]:
        """What has to be told now that these jobs have changed."""
        for id_ in jobs:
            job = self._engine.jobs.get(id_)
            if job and job.state.is_over and self._is_new(id_, job.state.value):
                yield toast(job)
        for left in self._engine.cut_off:
            if self._is_new(left.job, left.now):
                title = f"Cut off: {clean(left.vm_name, limit=60)}: {clean(left.title, limit=80)}"
                words = left.now or f"An earlier run ended during “{left.step}”. It is being looked into."
                yield Toast(title, words, "warning", 15.0)

    def _is_new(self, id_: str, word: str) -> bool:
        is_new = (id_, word) not in self._told
        self._told.add((id_, word))
        return is_new
