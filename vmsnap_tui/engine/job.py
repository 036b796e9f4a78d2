"""A plan being carried out, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Conflict

if TYPE_CHECKING:
    from datetime import datetime

    from vmsnap_tui.model.errors import VmsnapError
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.model.progress import Progress


class PlanMoved(Conflict):
    """The world is not as it was when the plan was made. `plan` is what the same request would do now."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("things have changed since this plan was made", "look at the new plan and decide again")
        self.plan = plan


class JobState(Enum):
    """Where a job is in its life."""

    WAITING = "waiting"  # for a place on its site
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Job:
    """One plan being carried out; a new value for each change.

    `step` is the index of the step at work, `rate` bytes per second (smoothed) and `left` seconds, None where not
    known. `freeze` is the guest's state while the job has anything to do with it; its `since` makes the lamp's clock.
    """

    id: str
    plan: Plan
    state: JobState
    queued: datetime
    step: int = 0
    progress: Progress | None = None
    rate: float | None = None
    left: float | None = None
    freeze: Freeze | None = None
    started: datetime | None = None
    ended: datetime | None = None
    outcome: str = ""
    error: VmsnapError | None = None
    cancelling: bool = False
