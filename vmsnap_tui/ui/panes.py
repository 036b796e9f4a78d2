"""Which panes of the main screen are to be seen: all side by side, or the one in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vmsnap_tui.ui.bindings import WIDE
from vmsnap_tui.ui.widgets.header import Header
from vmsnap_tui.ui.widgets.jobs import JobsPane

if TYPE_CHECKING:
    from textual.screen import Screen


@dataclass(frozen=True, slots=True)
class Pane:
    """A pane's id, the id of what is focused in it, and its title."""

    id: str
    focus: str
    title: str


PANES: Final = (
    Pane("inventory-pane", "inventory", "Inventory"),
    Pane("graph", "graph", "Snapshots"),
    Pane("details", "details", "Details"),
    Pane("jobs", "jobs", "Jobs"),
)
GRAPH, DETAILS, JOBS = 1, 2, 3


class Panes:
    """Shows and hides them. `front` is the place of the one in front."""

    def __init__(self, screen: Screen[None]) -> None:
        self._screen = screen
        self.front = 0
        self.zoomed = False

    def lay_out(self, width: int | None = None) -> None:
        """All panes, or only the one in front where there is no room for more (or it is zoomed).

        `width` is that of the screen in cells, where it is only just about to have it.
        """
        screen = self._screen
        single = self.zoomed or (screen.size.width if width is None else width) < WIDE
        for place, pane in enumerate(PANES):
            screen.query_one(f"#{pane.id}").display = not single or place == self.front
        screen.set_class(single, "-single")
        jobs_only = single and self.front == JOBS
        screen.query_one("#upper").display = not jobs_only
        screen.query_one(JobsPane).alone = jobs_only
        title = f"{PANES[self.front].title} {self.front + 1}/{len(PANES)}"
        screen.query_one(Header).pane = title if single else ""

    def go_to(self, place: int) -> None:
        """Bring one to the front; after the last comes the first."""
        self.front = place % len(PANES)
        self.lay_out()
        self._screen.query_one(f"#{PANES[self.front].focus}").focus()

    def take_focused(self, id_: str | None) -> None:
        """Something has the focus now: its pane is in front."""
        self.front = next((place for place, pane in enumerate(PANES) if pane.focus == id_), self.front)
        self.lay_out()

    def zoom(self) -> None:
        """Give the one in front the whole screen, or back."""
        self.zoomed = not self.zoomed
        self.lay_out()
