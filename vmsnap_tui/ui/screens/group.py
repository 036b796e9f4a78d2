"""How a group job goes: one bar for all, and one for each vm."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from vmsnap_tui.engine.spent import spent
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.graph import Piece
from vmsnap_tui.ui.widgets.group import GroupView, fraction
from vmsnap_tui.ui.widgets.jobs import bar
from vmsnap_tui.ui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from textual.app import ComposeResult

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.engine.store import Changes


class GroupScreen(ModalScreen[bool]):
    """Ends with whether those that failed are to be tried again. Leaving it leaves the work going on."""

    DEFAULT_CSS = """
    GroupScreen {
        align: center middle;
        #frame {
            width: 92%; max-width: 120; height: 80%; max-height: 30; padding: 0 1;
            border: round $border; background: $surface;
            border-title-color: $text-primary; border-title-style: bold; border-subtitle-color: $text-muted;
        }
        Lines { background: $surface; margin-bottom: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "cancel", "Cancel", id="group.cancel", tooltip="Ask all that is not over to stop"),
        Binding("r", "retry", "Retry", id="group.retry", tooltip="Try again those that failed"),
        Binding("escape,q,enter", "leave", "Leave", id="group.leave", tooltip="Leave it; what runs goes on"),
    ]

    def __init__(self, engine: Engine, job: GroupJob, now: Callable[[], datetime], *, retry: bool = False) -> None:
        """`retry` offers to try those again that failed."""
        super().__init__()
        self._engine = engine
        self._job = job
        self._now = now
        self._retry = retry
        self._leave: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """The bar, then a line for each."""
        with Vertical(id="frame") as frame:
            frame.border_title = Content(clean(self._job.title, limit=90))
            yield Lines(2)
            yield GroupView()

    def on_mount(self) -> None:
        """Follow what happens."""
        # Who looks on needs not be told, least of all over the keys that go on from there.
        self._engine.groups.read.add(self._job.id)
        self._view, self._head, self._frame = (
            self.query_one(GroupView),
            self.query_one(Lines),
            self.query_one("#frame"),
        )
        self._leave = self._engine.store.subscribe(self._hear)
        self.set_interval(0.5, self._show)
        self._view.focus()
        self._show()

    def on_unmount(self) -> None:
        """Follow no longer."""
        if self._leave:
            self._leave()
        if not self._job.ended:
            self._engine.groups.read.discard(self._job.id)

    def _hear(self, changes: Changes) -> None:
        if changes.jobs and self.is_attached:
            self._show()

    def _show(self) -> None:
        job = self._engine.groups.get(self._job.id) or self._job
        self._job = job
        jobs = self._engine.groups.jobs_of(job)
        now = job.ended or self._now()
        self._view.show(job, jobs, spent(job, self._engine.jobs.all(), now), now)
        whole = sum(fraction(member, jobs.get(member.vm)) for member in job.members) / max(1, len(job.members))
        failed = job.over - job.done
        done, rest = bar(1.0 if job.ended else whole, 30)
        mood = "error" if failed else "success" if job.ended else "accent"
        scattered = job.group is not None and not job.group.is_one_moment
        words = job.outcome if job.ended else "cancelling…" if job.cancelling else ""
        took = sizes.clock((now - job.started).total_seconds())
        self._head.show(
            [
                (
                    Piece(done, mood),
                    Piece(rest, "border-blurred"),
                    Piece(f"  {job.done} of {len(job.members)} done", "foreground"),
                    Piece(f"  {marks.REFUSED.glyph} {failed} not" if failed else "", "error"),
                    Piece(f"  {took}", "foreground-muted"),
                ),
                (Piece(words, "warning" if scattered else "foreground-muted"),),
            ]
        )
        keys = "esc leaves it running · x cancels"
        if job.ended:
            keys = "esc back · r tries those again that failed" if self._retry and job.undone else "esc back"
        self._frame.border_subtitle = keys

    def action_cancel(self) -> None:
        """Ask it to stop."""
        self._engine.groups.cancel(self._job.id)

    def action_retry(self) -> None:
        """Try those again that are not where they should be."""
        if self._retry and self._job.ended and self._job.undone:
            self.dismiss(True)

    def action_leave(self) -> None:
        """What runs goes on."""
        self.dismiss(False)
