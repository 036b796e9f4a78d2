"""Jobs along the bottom: progress, freeze lamp, outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.ui.widgets.ink import InkedView, fit
from vmsnap_tui.ui.widgets.lamp import lamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from textual import events
    from textual.timer import Timer

    from vmsnap_tui.engine.jobs import Job

Cells = list[tuple[str, str]]
_FULL, _EMPTY = ("#", ".") if marks.PLAIN else ("━", "─")
_WIDE = 104
"""From this width on a job takes one line, below it two."""
_TALLEST = 8
_SHORTEST_WORDS = 12


def bar(fraction: float, width: int) -> tuple[str, str]:
    """The done and the open part of a progress bar."""
    full = round(fraction * width)
    return _FULL * full, _EMPTY * (width - full)


def elapsed(job: Job, now: datetime) -> float | None:
    """Seconds since a job was started, up to its end."""
    return ((job.ended or now) - job.started).total_seconds() if job.started else None


def counts(job: Job) -> str:
    """Bytes done of all, rate and time left, as far as they are known."""
    progress = job.progress
    parts: list[str] = []
    if progress and progress.done is not None:
        total = f" of {sizes.size(progress.total)}" if progress.total else ""
        parts.append(f"{sizes.size(progress.done)}{total}")
    parts += [sizes.rate(job.rate), sizes.left(job.left)]
    return "  ".join(part for part in parts if part)


class JobsPane(InkedView, can_focus=True):
    """A row for each job, the newest first. It grows with what runs and is one line high when nothing does."""

    DEFAULT_CSS = """
    JobsPane { overflow: hidden hidden; scrollbar-size-vertical: 1; &:focus { overflow-y: auto; } }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="list.up", show=False, tooltip="One line up"),
        Binding("down,j", "move(1)", "Down", id="list.down", show=False, tooltip="One line down"),
        Binding("home,g", "edge(-1)", "Top", id="list.top", show=False, tooltip="To the first line"),
        Binding("end,G", "edge(1)", "Bottom", id="list.bottom", show=False, tooltip="To the last line"),
        Binding("enter", "open", "Open", id="jobs.open", tooltip="Go to the vm of the job"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    alone: reactive[bool] = reactive(False)
    """Whether the pane has the whole screen."""

    @dataclass
    class Opened(Message):
        """A job's vm is wanted."""

        job: Job

    @dataclass
    class Highlighted(Message):
        """Another job is under the cursor, or it changed."""

        job: Job | None

    def __init__(self, now: Callable[[], datetime], *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._now = now
        self._jobs: list[Job] = []
        self._clock: Timer | None = None

    def watch_alone(self) -> None:
        self._size_up()

    @property
    def job(self) -> Job | None:
        """The one under the cursor."""
        return self._jobs[self.cursor] if self.cursor < len(self._jobs) else None

    @property
    def running(self) -> Sequence[Job]:
        """Those that are not over."""
        return [job for job in self._jobs if not job.state.is_over]

    def on_mount(self) -> None:
        self._clock = self.set_interval(0.5, self.refresh, pause=True)

    def show_jobs(self, jobs: Sequence[Job]) -> None:
        """Take in all jobs, oldest first. What runs stands above what is over."""
        current = self.job.id if self.job and self.has_focus else None
        newest_first = jobs[::-1]
        self._jobs = sorted(newest_first, key=lambda job: job.state.is_over)
        place = next((index for index, job in enumerate(self._jobs) if job.id == current), 0)
        self.set_reactive(JobsPane.cursor, place)
        self._size_up()
        if self._clock:
            (self._clock.resume if self.running else self._clock.pause)()
        self.post_message(self.Highlighted(self.job))
        self.refresh()

    @property
    def _lines_each(self) -> int:
        return 1 if self.size.width >= _WIDE else 2

    def _size_up(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._jobs) * self._lines_each)
        wanted = len(self.running) * self._lines_each or min(self._lines_each, len(self._jobs))
        if self.has_focus:
            wanted = len(self._jobs) * self._lines_each
        border = 1
        self.styles.height = "1fr" if self.alone else border + max(int(self.has_focus), min(wanted, _TALLEST))

    def on_resize(self) -> None:
        self._size_up()
        self.refresh()  # its frame too, which else keeps the old width now and then

    def on_focus(self) -> None:
        self._size_up()

    def on_blur(self) -> None:
        self.cursor = 0
        self._size_up()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        index, line = divmod(self.scroll_offset.y + y, self._lines_each)
        if index >= len(self._jobs):
            words = "No jobs yet: what you take, restore or delete is shown here." if not self._jobs and y == 0 else ""
            return self._strip([(" " + words, "foreground-muted")], width, cursor=False)
        job = self._jobs[index]
        if self._lines_each == 1:
            head = width * 38 // 100
            cells = self._head(job, head) + self._course(job, width - head)
        else:
            cells = self._head(job, width) if line == 0 else [("  ", ""), *self._course(job, width - 2)]
        return self._strip(cells, width, cursor=index == self.cursor and self.has_focus)

    def _strip(self, cells: Cells, width: int, *, cursor: bool) -> Strip:
        ground = self.ground(cursor=cursor)
        segments = [Segment(text, ground + self.ink(ink) if ink else ground) for text, ink in cells if text]
        return Strip(segments).adjust_cell_length(width, ground)

    def _head(self, job: Job, width: int) -> Cells:
        """What is being done, to which vm."""
        mark = marks.job_mark(job.state.value)
        name, title = job.plan.vm_name, job.plan.title
        return [
            (f" {mark.glyph} ", mark.style),
            (fit(title if name in title else f"{name}: {title}", max(0, width - 4)) + " ", ""),
        ]

    def _course(self, job: Job, width: int) -> Cells:
        """How far it is, or how it ended."""
        if job.state.is_over:
            mark = marks.job_mark(job.state.value)
            took = sizes.clock(elapsed(job, self._now()))
            words = str(job.error) if job.error else job.outcome or mark.word
            return [(fit(words, max(0, width - 9)), mark.style), (f"{took:>8} ", "foreground-muted")]
        if job.state is JobState.WAITING:
            words = "cancelling…" if job.cancelling else "waiting for its turn"
            return [(fit(words, width), "foreground-muted")]
        tail: Cells = []
        if job.freeze:
            light = lamp(job.freeze, self._now())
            tail = [(f"  {light.text} ", light.style)]
        step = f"{job.step + 1}/{len(job.plan.steps)} "
        room = width - len(step) - sum(len(text) for text, _ in tail)
        if job.cancelling:
            return [(step, "foreground-muted"), (fit("cancelling…", room), "warning"), *tail]
        progress = job.progress
        label = job.plan.steps[job.step].label if job.step < len(job.plan.steps) else ""
        phase = progress.phase if progress and progress.phase else label
        fraction = progress.fraction if progress else None
        if fraction is None:
            took = sizes.clock(elapsed(job, self._now()))
            return [(step, "foreground-muted"), (fit(phase, room - 9), ""), (f"{took:>8} ", "accent"), *tail]
        numbers = counts(job)
        bar_width = max(8, min(20, room // 4))
        words_width = room - bar_width - 6 - len(numbers) - 3
        cells: Cells = [(step, "foreground-muted")]
        if words_width >= _SHORTEST_WORDS:
            cells.append((fit(phase, words_width) + " ", ""))
        done, rest = bar(fraction, bar_width)
        cells += [(done, "accent"), (rest, "border-blurred"), (f" {fraction:4.0%} ", "accent")]
        return [*cells, (fit(numbers, len(numbers) if words_width >= 0 else max(0, room - bar_width - 7)), ""), *tail]

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self._jobs) - 1))

    def watch_cursor(self, _old: int, new: int) -> None:
        top, each = self.scroll_offset.y, self._lines_each
        if new * each < top:
            self.scroll_to(y=new * each, animate=False)
        elif (new + 1) * each > top + self.size.height:
            self.scroll_to(y=(new + 1) * each - self.size.height, animate=False)
        self.refresh()
        self.post_message(self.Highlighted(self.job))

    def action_move(self, step: int) -> None:
        self.cursor += step

    def action_edge(self, step: int) -> None:
        self.cursor = 0 if step < 0 else len(self._jobs) - 1

    def action_open(self) -> None:
        if self.job:
            self.post_message(self.Opened(self.job))

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        index = (self.scroll_offset.y + at.y) // self._lines_each if at else len(self._jobs)
        if index < len(self._jobs):
            self.cursor = index
            if event.chain == 2:
                self.action_open()
