"""A job on the command line: a progress bar on a terminal, plain lines elsewhere, and Ctrl-C.

Once asks the job to stop; twice leaves it: what it had begun stands in the journal.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from vmsnap_tui.cli.output import note
from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import sizes
from vmsnap_tui.present.marks import mark

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.jobs import Job

_QUIET = {FreezeState.THAWED, FreezeState.UNAVAILABLE}


class Display(Protocol):
    """Where a job's progress is shown."""

    def show(self, job: Job) -> None:
        """The job as it is now."""
        ...

    def tell(self, text: str) -> None:
        """A line beside the progress."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


async def follow(engine: Engine, job: Job) -> Job:
    """Show a job until it is over, or until it was left with a second Ctrl-C; then the job as it was last known."""
    left = asyncio.Event()
    changed = asyncio.Event()
    display: Display = Bar() if sys.stderr.isatty() else Lines()

    def interrupted() -> None:
        known = engine.jobs.get(job.id) or job
        if known.cancelling or left.is_set():
            left.set()
            display.tell("Left. What was begun may go on at the site; vmsnap log has it.")
            return
        engine.jobs.cancel(job.id)
        step = known.plan.steps[known.step] if known.step < len(known.plan.steps) else None
        can = step is None or step.cancellable or known.state is JobState.WAITING
        how = "it ends as soon as it safely can" if can else "this step cannot be stopped midway, those after it can"
        display.tell(f"Asked to stop: {how}. Ctrl-C again leaves it.")

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupted)
    unsubscribe = engine.store.subscribe(lambda changes: changed.set() if job.id in changes.jobs else None)
    waits = [asyncio.ensure_future(engine.jobs.wait(job.id)), asyncio.ensure_future(left.wait())]
    try:
        while not any(wait.done() for wait in waits):
            news = asyncio.ensure_future(changed.wait())
            # At least once a second, for the clocks.
            await asyncio.wait({*waits, news}, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            changed.clear()
            display.show(engine.jobs.get(job.id) or job)
        last = engine.jobs.get(job.id) or job
        display.show(last)
        return last
    finally:
        display.close()
        for wait in waits:
            wait.cancel()
        unsubscribe()
        loop.remove_signal_handler(signal.SIGINT)


def lamp(job: Job) -> str:
    """The guest's freeze state with its clock, "" where there is nothing to say."""
    if job.freeze is None or job.freeze.state in _QUIET:
        return ""
    since = job.freeze.since
    clock = sizes.clock((datetime.now(UTC) - since).total_seconds()) if since else ""
    return f"{mark(job.freeze.state).text} {clock}".rstrip()


def figures(job: Job) -> str:
    """Bytes, rate and time left, as far as the platform tells."""
    progress = job.progress
    if progress is None or progress.done is None:
        return ""
    total = f" of {sizes.size(progress.total)}" if progress.total else ""
    parts = (sizes.size(progress.done) + total, sizes.rate(job.rate), sizes.left(job.left))
    return ", ".join(part for part in parts if part)


def doing(job: Job) -> str:
    """The number of the step at work, and its phase; its label where it has no phase that the lamp does not tell."""
    if job.state is JobState.WAITING:
        return "waiting for a place on the site"
    steps = job.plan.steps
    if job.step >= len(steps):
        return "finishing"
    number = f"{job.step + 1}/{len(steps)} " if len(steps) > 1 else ""
    phase = job.progress.phase if job.progress else ""
    told = job.freeze.state.value if job.freeze else ""
    return number + clean(phase if phase not in {"", told} else steps[job.step].label)


class Lines:
    """One line for each step, phase and freeze state, and for each tenth of what is copied."""

    def __init__(self) -> None:
        self._said: tuple[object, ...] = ()

    def show(self, job: Job) -> None:
        """Say what is new."""
        if job.state.is_over:
            return
        fraction = job.progress.fraction if job.progress else None
        tenth = None if fraction is None else int(fraction * 10)
        freeze = job.freeze.state if job.freeze else None
        news = (doing(job), freeze, tenth)
        if news != self._said:
            self._said = news
            note("  ".join(part for part in (doing(job), lamp(job), figures(job)) if part))

    def tell(self, text: str) -> None:
        """A line like the others."""
        note(text)

    def close(self) -> None:
        """Nothing to put back."""


class Bar:
    """A bar that fills by bytes; where the platform gives no number it only shows that something is at work."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        self._bars: RichProgress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, max_width=40)),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            TextColumn("{task.fields[lamp]}", markup=False, style="bright_cyan"),
            console=Console(stderr=True),
            transient=True,
        )
        self._bars.start()
        self._task: TaskID = self._bars.add_task("", total=None, figures="", lamp="")

    def show(self, job: Job) -> None:
        """Move the bar."""
        progress = job.progress
        self._bars.update(
            self._task,
            description=doing(job),
            completed=(progress.done or 0) if progress else 0,
            total=progress.total if progress and progress.done is not None else None,
            figures=figures(job),
            lamp=lamp(job),
        )

    def tell(self, text: str) -> None:
        """A line above the bar."""
        self._bars.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """Take the bar away: the outcome is told in words."""
        self._bars.stop()
