"""What stands above the rows of the timeline; the moment is drawn along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.ui.widgets.lines import Lines
from vmsnap_tui.ui.widgets.timeline import TimelineView

if TYPE_CHECKING:
    from datetime import datetime

    from textual import events

    from vmsnap_tui.model.timeline import Timeline


class AxisView(Lines):
    """The mouse draws the moment along it, and its wheel zooms as it does below."""

    ALLOW_SELECT = False

    def __init__(self, count: int, view: TimelineView, timeline: Timeline, *, id: str, classes: str) -> None:  # noqa: A002 (Textual's word)
        """`view` has the same columns below."""
        super().__init__(count, id=id, classes=classes)
        self._view = view
        self._timeline = timeline
        self._held = False

    def _time(self, event: events.MouseEvent) -> datetime | None:
        at = event.get_content_offset_capture(self) if self._held else event.get_content_offset(self)
        cell = self._view.cell(at.x) if at else None
        return None if cell is None else self._timeline.scale.time(cell)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The moment goes there."""
        if self._time(event) is not None:
            self._held = True
            self.capture_mouse()
            self._draw_along(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """And along, while a button is held."""
        if self._held:
            self._draw_along(event)

    def on_mouse_up(self) -> None:
        """Let it go."""
        self._held = False
        self.release_mouse()

    def _draw_along(self, event: events.MouseEvent) -> None:
        moment = self._time(event)
        if moment is not None:
            self.post_message(TimelineView.Chosen(moment))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Closer."""
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Further away."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, steps: int) -> None:
        about = self._time(event)
        if about is not None:
            event.stop()
            event.prevent_default()
            self.post_message(TimelineView.Zoomed(steps, about))
