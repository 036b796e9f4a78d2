"""The line at the top: what this is, what it may do, and what is going on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks
from vmsnap_tui.ui.widgets.lamp import is_lit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.engine.jobs import Job
    from vmsnap_tui.engine.store import SiteView


_ROOMY = 70


class Header(Widget):
    """Badges at the left, running jobs and the pane in front at the right."""

    DEFAULT_CSS = """
    Header { height: 1; dock: top; background: $footer-background; padding: 0 1; }
    """

    jobs: reactive[Sequence[Job]] = reactive(())
    sites: reactive[Sequence[SiteView]] = reactive(())
    """Those that do not answer."""
    pane = reactive("")
    notice = reactive("")

    def __init__(self, *, demo: bool, read_only: bool, notice: str = "") -> None:
        super().__init__()
        self._demo = demo
        self._read_only = read_only
        self.set_reactive(Header.notice, clean(notice))

    def render(self) -> Content:
        left = [Content.styled("vmsnap", "bold $primary")]
        if self._demo:
            words = " DEMO: nothing here is real " if self.content_size.width >= _ROOMY else " DEMO "
            left.append(Content.styled(words, "$background on $warning"))
        if self._read_only:
            left.append(Content.styled(" READ-ONLY ", "$background on $secondary"))
        right = []
        for view in self.sites[:1]:
            mark = marks.site_mark(view.status.value)
            more = f" +{len(self.sites) - 1}" if len(self.sites) > 1 else ""
            right.append(Content.styled(f"{mark.glyph} {view.site.name} {mark.word}{more}", f"${mark.style}"))
        lit = [job.freeze.state for job in self.jobs if job.freeze and is_lit(job.freeze)]
        if lit:
            mark = marks.mark(FreezeState.FROZEN if FreezeState.FROZEN in lit else lit[0])
            count = f"{len(lit)} " if len(lit) > 1 else ""
            right.append(Content.styled(f"{mark.glyph} {count}{mark.word}", f"${mark.style}"))
        if self.jobs:
            noun = "job" if len(self.jobs) == 1 else "jobs"
            right.append(Content.styled(f"{marks.job_mark('running').glyph} {len(self.jobs)} {noun}", "$accent"))
        if self.pane:
            right.append(Content.styled(self.pane, "bold"))
        start, end = Content("  ").join(left), Content("  ").join(right)
        room = self.content_size.width - start.cell_length - end.cell_length - 3
        if self.notice and room > 8:
            start = start + Content.styled("  " + self.notice, "$text-muted").truncate(room, ellipsis=True)
        gap = self.content_size.width - start.cell_length - end.cell_length
        return start + " " * max(1, gap) + end
