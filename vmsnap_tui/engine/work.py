"""One job from its turn to its end."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from vmsnap_tui.engine.job import Job, JobState, PlanMoved
from vmsnap_tui.engine.pace import Pace
from vmsnap_tui.model.errors import Cancelled, Failed, VmsnapError
from vmsnap_tui.model.plan import Thaw

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmsnap_tui.engine.follow import Follower
    from vmsnap_tui.engine.journal import Journal
    from vmsnap_tui.engine.lane import StopSign
    from vmsnap_tui.engine.rendezvous import Place
    from vmsnap_tui.engine.store import Store
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.progress import Progress

log = logging.getLogger(__name__)

_RELOAD = 10.0
"""Seconds to wait for the outcome to be read before the job is told as over."""


class Work:
    """Carries out one job: checks its plan again, does its steps, and writes each into the journal first."""

    def __init__(
        self,
        *,
        read: Callable[[], Job],
        put: Callable[[Job], None],
        follower: Follower,
        journal: Journal,
        store: Store,
        stop: StopSign,
        gate: Place | None = None,
    ) -> None:
        """`read` gives the job as it is now, `put` makes it another. `gate` is its place in a group snapshot."""
        self.may_be_frozen = False
        """Whether a step may have left the guest frozen."""
        self._read = read
        self._put = put
        self._follower = follower
        self._journal = journal
        self._store = store
        self._stop = stop
        self._gate = gate
        self._plan = read().plan
        self._vm = self._plan.request.vm
        self._pace = Pace()
        self._notes: set[asyncio.Task[None]] = set()

    async def run(self) -> Job:
        """Do it. The job as it has ended; telling and writing that down is left to the caller."""
        try:
            said = await self._do()
        except Cancelled as error:
            return self._end(JobState.CANCELLED, error.words, error)
        except VmsnapError as error:
            return self._end(JobState.FAILED, error.words, error)
        except Exception as error:
            log.exception("a job failed within the engine")
            words = f"{type(error).__name__}: {error}"
            return self._end(JobState.FAILED, words, Failed(words, "this is a fault of the program"))
        return self._end(JobState.DONE, "; ".join(filter(None, said)), None)

    async def _do(self) -> list[str]:
        if self._stop.is_set():
            raise Cancelled("cancelled before it began")
        self._put(replace(self._read(), state=JobState.RUNNING, started=datetime.now(UTC)))
        await self._journal.begun(self._read())
        now = await self._follower.plan(self._plan.request)
        if now != self._plan:
            raise PlanMoved(now)
        return [await self._do_step(index) for index in range(len(self._plan.steps))]

    async def _do_step(self, index: int) -> str:
        step = self._plan.steps[index]
        if self._stop.is_set():
            raise Cancelled(f"cancelled before: {step.label}")
        self._pace = Pace()
        self._put(replace(self._read(), step=index, progress=None, rate=None, left=None))
        await self._journal.step_begun(self._read(), index)
        self.may_be_frozen = self.may_be_frozen or step.freezes
        try:
            said = await self._follower.connection.run(step, self._report, self._stop, self._gate)
        except VmsnapError as error:
            if self._gate is not None:
                self._gate.leave()  # at once: others stand frozen, and what follows may take its time
            state = JobState.CANCELLED if isinstance(error, Cancelled) else JobState.FAILED
            await self._step_over(state, error.words)
            raise
        freeze = self._read().freeze
        self.may_be_frozen = freeze is not None and freeze.state.may_be_frozen
        await self._step_over(JobState.DONE, said)
        return said

    async def _step_over(self, state: JobState, text: str) -> None:
        """Write down how a step ended, and read what it changed, so that the screen shows it before it is told."""
        if self._notes:
            await asyncio.wait(self._notes)
        await self._journal.step_ended(self._read(), state.value, text, thawed=not self.may_be_frozen)
        try:
            await asyncio.wait_for(self._follower.reload(self._vm), _RELOAD)
        except TimeoutError:
            log.warning("what %s has become could not be read in time", self._vm)
        except VmsnapError as error:
            log.warning("what %s has become could not be read: %s", self._vm, error)

    def _report(self, progress: Progress) -> None:
        self._pace.note(progress, monotonic())
        job = self._read()
        if progress.freeze is not None and progress.freeze != job.freeze:
            self._lamp(progress.freeze)
        self._put(
            replace(
                job,
                progress=progress,
                rate=self._pace.rate,
                left=self._pace.left,
                freeze=progress.freeze or job.freeze,
            )
        )

    def _lamp(self, freeze: Freeze) -> None:
        self._store.put_freeze(self._vm, freeze, self._store.begin())
        note = asyncio.create_task(self._journal.froze(self._read(), freeze))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    def _end(self, state: JobState, outcome: str, error: VmsnapError | None) -> Job:
        if isinstance(self._plan.request, Thaw):
            self.may_be_frozen = False  # a thaw that failed is not tried again and again
        return replace(
            self._read(),
            state=state,
            outcome=outcome,
            error=error,
            ended=datetime.now(UTC),
            rate=None,
            left=None,
        )
