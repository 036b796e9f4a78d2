"""Asks before leaving while jobs are running, and says what would become of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from vmsnap_tui.present import marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from vmsnap_tui.engine.jobs import Job


def fate(job: Job) -> str:
    """What leaving would mean for a job."""
    steps = job.plan.steps
    if not job.state.is_over and job.started is None:
        return "has not begun, and will not"
    after = len(steps) - job.step - 1
    rest = f"; {after} more will not be begun" if after > 0 else ""
    return f"its step “{steps[job.step].label}” may be cut off or end unseen{rest}"


class QuitScreen(ModalScreen[bool]):
    """True to leave all the same."""

    DEFAULT_CSS = """
    QuitScreen {
        align: center middle;
        #frame {
            width: 72; max-width: 96%; height: auto; max-height: 90%; padding: 0 1;
            border: round $warning; background: $surface;
        }
        Static { margin-bottom: 1; }
        #jobs-left { max-height: 12; }
        Horizontal { height: auto; align-horizontal: right; }
        Button { margin-left: 1; }
    }
    """

    BINDINGS = [
        Binding("escape,n", "dismiss(False)", "Stay", id="quit.stay", tooltip="Stay until the jobs are over"),
        Binding("y", "dismiss(True)", "Leave", id="quit.leave", tooltip="Leave all the same"),
    ]

    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__()
        self._jobs = jobs

    def compose(self) -> ComposeResult:
        noun = "1 job is" if len(self._jobs) == 1 else f"{len(self._jobs)} jobs are"
        mark = marks.job_mark("running")
        lines = [
            Content.assemble((f"{mark.glyph} ", f"${mark.style}"), (job.plan.vm_name, "bold"), f": {fate(job)}.")
            for job in self._jobs
        ]
        with Vertical(id="frame") as frame:
            frame.border_title = f"{noun} not over"
            yield Static(Content("\n").join(lines), id="jobs-left")
            yield Static(
                "Leaving ends vmsnap at once. The journal keeps what was begun: the next start says what became of it, "
                "and thaws a guest that is still frozen.",
                markup=False,
            )
            with Horizontal():
                yield Button("Stay (esc)", variant="primary", id="stay", compact=True)
                yield Button("Leave (y)", id="leave", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "leave")
