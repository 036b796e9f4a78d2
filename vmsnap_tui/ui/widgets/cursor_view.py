"""A view of lines with a cursor that is moved by keys and mouse."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import clamp
from textual.reactive import reactive

from vmsnap_tui.present import marks
from vmsnap_tui.present.graph import Piece
from vmsnap_tui.ui.widgets.ink import InkedView

if TYPE_CHECKING:
    from textual import events
    from textual.geometry import Offset

_BAR = ">" if marks.PLAIN else "▌"


class CursorView(InkedView, can_focus=True):
    """Knows how many rows there are and where cursor and mouse stand; what the rows are is up to who derives."""

    DEFAULT_CSS = """
    CursorView { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="list.up", show=False, tooltip="One line up"),
        Binding("down,j", "move(1)", "Down", id="list.down", show=False, tooltip="One line down"),
        Binding("pageup", "page(-1)", "Page up", id="list.page-up", show=False, tooltip="One page up"),
        Binding("pagedown", "page(1)", "Page down", id="list.page-down", show=False, tooltip="One page down"),
        Binding("home,g", "edge(-1)", "Top", id="list.top", show=False, tooltip="To the first line"),
        Binding("end,G", "edge(1)", "Bottom", id="list.bottom", show=False, tooltip="To the last line"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    """The row that the cursor stands on."""
    hover: reactive[int] = reactive(-1, repaint=False)
    """The row under the mouse, -1 for none."""

    @property
    @abstractmethod
    def count(self) -> int:
        """How many rows there are."""

    @abstractmethod
    def moved(self) -> None:
        """The cursor was moved by hand."""

    @abstractmethod
    def clicked(self, at: Offset, event: events.Click) -> None:
        """A row was clicked, and the cursor stands on it; `at` is in cells within the view."""

    def replace_rows(self, place: int, *, keep: bool) -> None:
        """The rows are others now, and the cursor belongs on `place`.

        With `keep` its line stays where it is on the screen, else the end of it comes into sight.
        """
        top, at = self.scroll_offset.y, self.cursor
        self.set_lines(self.count)
        # Set past the watcher: that scrolls, as a key does.
        self.set_reactive(CursorView.cursor, place)
        # By force, since the scrollbar that allows it may come with the layout that is still to be made.
        if not keep:
            self.scroll_to(y=max(0, place - self.size.height + 1), animate=False, force=True)
        elif place != at:
            self.scroll_to(y=max(0, top + place - at), animate=False, force=True)
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """Only where there is a row."""
        return clamp(cursor, 0, max(0, self.count - 1))

    def watch_cursor(self, before: int, cursor: int) -> None:
        """Redraw two lines, and tell."""
        self.refresh_line(before)
        self.refresh_line(cursor)
        self.scroll_to_cursor()
        self.moved()

    def watch_hover(self, before: int, hover: int) -> None:
        """Redraw two lines."""
        self.refresh_line(before)
        self.refresh_line(hover)

    def bar(self, *, is_cursor: bool) -> Piece:
        """What a line begins with: where the keys go."""
        return Piece(_BAR if is_cursor and self.has_focus else " ", "accent")

    def scroll_to_cursor(self) -> None:
        """As far as is needed to see it."""
        top, height = self.scroll_offset.y, self.size.height
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)

    def action_move(self, by: int) -> None:
        """Some lines down."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Some pages down."""
        self.cursor += by * max(1, self.size.height - 1)

    def action_edge(self, towards: int) -> None:
        """To the first or the last line."""
        self.cursor = 0 if towards < 0 else self.count - 1

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Light the line under the mouse."""
        at = event.get_content_offset(self)
        self.hover = -1 if at is None else self.scroll_offset.y + at.y

    def on_leave(self) -> None:
        """No line is under the mouse."""
        self.hover = -1

    def on_click(self, event: events.Click) -> None:
        """Go there."""
        at = event.get_content_offset(self)
        if at is not None and self.scroll_offset.y + at.y < self.count:
            self.cursor = self.scroll_offset.y + at.y
            self.clicked(at, event)
