"""The vms of a group job, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.strip import Strip

from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.graph import Piece, exactly
from vmsnap_tui.ui.widgets.cursor_view import CursorView
from vmsnap_tui.ui.widgets.ink import fit
from vmsnap_tui.ui.widgets.jobs import bar
from vmsnap_tui.ui.widgets.lamp import lamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from textual import events
    from textual.geometry import Offset

    from vmsnap_tui.engine.groups import GroupJob, Member
    from vmsnap_tui.engine.job import Job
    from vmsnap_tui.model.vm import VmRef

_BAR = 16
_CLOCK = 8


def fraction(member: Member, job: Job | None) -> float:
    """How far one vm is, from 0 to 1."""
    if member.state.is_over:
        return 1.0
    if job is None or not job.plan.steps:
        return 0.0
    if job.state is JobState.DONE:
        return (
            1.0 if member.state is JobState.WAITING else 0.9
        )  # what comes after it, such as coming up, has no measure
    part = job.progress.fraction if job.progress and job.progress.fraction else 0.0
    return (job.step + part) / len(job.plan.steps)


class GroupView(CursorView):
    """Those that failed stay readable: their line says why."""

    DEFAULT_CSS = """
    GroupView { background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._group: GroupJob | None = None
        self._jobs: Mapping[VmRef, Job] = {}
        self._spent: Mapping[VmRef, float] = {}
        self._now: datetime | None = None

    @property
    def count(self) -> int:
        """A row for each vm."""
        return len(self._group.members) if self._group else 0

    def show(self, group: GroupJob, jobs: Mapping[VmRef, Job], spent: Mapping[VmRef, float], now: datetime) -> None:
        """As it is now; `spent` is how long each took, in seconds."""
        is_first = self._group is None
        self._group, self._jobs, self._spent, self._now = group, jobs, spent, now
        if is_first:
            self.replace_rows(0, keep=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = self.scroll_offset.y + y
        group = self._group
        if group is None or index >= len(group.members):
            return Strip.blank(self.size.width, self.rich_style)
        ground = self.ground(cursor=index == self.cursor, hover=index == self.hover)
        width = max(1, self.size.width)
        room = width - self.styles.scrollbar_size_vertical
        return self.strip(exactly(self._pieces(group, group.members[index], room), width), ground)

    def _pieces(self, group: GroupJob, member: Member, width: int) -> tuple[Piece, ...]:
        job = self._jobs.get(member.vm)
        state = member.state if member.state is not JobState.WAITING or job is None else _seen(job)
        shown = marks.job_mark(state.value)
        names = min(24, max(cell_len(clean(each.name)) for each in group.members))
        done, rest = bar(fraction(member, job), _BAR)
        style = shown.style if state.is_over else "accent"
        head = (
            Piece(f" {shown.glyph} ", shown.style),
            Piece(fit(clean(member.name), names) + "  ", "foreground"),
            Piece(done, style),
            Piece(rest + "  ", "border-blurred"),
        )
        room = max(0, width - 3 - names - 2 - _BAR - 2 - _CLOCK)
        words = member.words or _phase(job)
        light = lamp(job.freeze, self._now) if job and job.freeze and self._now and not state.is_over else None
        tail = f" {light.text}" if light else ""
        return (
            *head,
            Piece(
                fit(words, max(0, room - cell_len(tail))), "error" if state is JobState.FAILED else "foreground-muted"
            ),
            Piece(tail, light.style if light else ""),
            Piece(sizes.clock(self._spent.get(member.vm)).rjust(_CLOCK), "foreground-muted"),
        )

    def moved(self) -> None:
        """Nothing hangs on where the cursor is."""

    def clicked(self, at: Offset, event: events.Click) -> None:
        """Nothing more than to go there."""


def _seen(job: Job) -> JobState:
    """A job that is over is one of several: the vm is still at work."""
    return JobState.RUNNING if job.state.is_over else job.state


def _phase(job: Job | None) -> str:
    if job is None or job.state is JobState.WAITING:
        return "waiting for its turn"
    if job.state.is_over:
        return job.outcome or job.state.value
    step = job.plan.steps[job.step].label if job.step < len(job.plan.steps) else ""
    return job.progress.phase if job.progress and job.progress.phase else step
