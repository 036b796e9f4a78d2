"""The snapshots of one vm as a graph of which only the visible lines are drawn."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size, clamp
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from vmsnap_tui.model.forest import Forest
from vmsnap_tui.model.lanes import NOW, lay_out
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.present import graph, marks
from vmsnap_tui.ui.widgets.ink import InkedView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rich.style import Style
    from textual import events

    from vmsnap_tui.model.lanes import Node, Row
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef

_BAR = ">" if marks.PLAIN else "▌"
_GUTTER = 2
"""Cells at the left: the cursor's bar and the mark. A click there marks."""
_MINUTE = 60.0


class SnapshotGraph(InkedView, can_focus=True):
    """The graph. It is told what is known, keeps cursor and marks by id, and posts what is chosen.

    "You are here" is a node too: where the cursor stands on it, the snapshot in the messages is None.
    """

    DEFAULT_CSS = """
    SnapshotGraph { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="list.up", show=False, tooltip="One line up"),
        Binding("down,j", "move(1)", "Down", id="list.down", show=False, tooltip="One line down"),
        Binding("pageup", "page(-1)", "Page up", id="list.page-up", show=False, tooltip="One page up"),
        Binding("pagedown", "page(1)", "Page down", id="list.page-down", show=False, tooltip="One page down"),
        Binding("home,g", "edge(-1)", "Top", id="list.top", show=False, tooltip="To the first line"),
        Binding("end,G", "edge(1)", "Bottom", id="list.bottom", show=False, tooltip="To the last line"),
        Binding("full_stop", "here", "Now", id="graph.now", show=False, tooltip="To “you are here”"),
        Binding("enter", "select", "Open", id="graph.open", tooltip="Go to the details of the snapshot"),
        Binding("space", "mark", "Mark", id="graph.mark", show=False, tooltip="Mark a snapshot"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    """The row that the cursor stands on."""
    hover: reactive[int] = reactive(-1, repaint=False)

    @dataclass
    class Highlighted(Message):
        """The cursor came to stand on another snapshot, or the one under it has changed."""

        snapshot: Snapshot | None

    @dataclass
    class Selected(Message):
        """A snapshot (or "now") was opened."""

        snapshot: Snapshot | None

    @dataclass
    class Marked(Message):
        """These snapshots are marked now."""

        ids: frozenset[str]

    def __init__(self, now: Callable[[], datetime], *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._now = now
        self._ref: VmRef | None = None
        self._state = VmState.UNKNOWN
        self._forest = Forest(())
        self._rows: tuple[Row, ...] = ()
        self._columns = graph.Columns(0)
        self._words: tuple[tuple[str, str], ...] = ()
        self._strips: LRUCache[tuple[int, bool, bool], Strip] = LRUCache(1024)
        self.marked: frozenset[str] = frozenset()
        self.empty_hint = "Press s to take the first."
        """What to do where there are no snapshots."""

    # What is known

    @property
    def node(self) -> Node | None:
        """What the cursor stands on, None where nothing is shown."""
        return self._rows[self.cursor].node if self.cursor < len(self._rows) else None

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot that the cursor stands on, None on "you are here"."""
        return self._snapshot(self.node)

    @property
    def forest(self) -> Forest:
        """What is shown, as trees."""
        return self._forest

    def show(self, vm: Vm, snapshots: Sequence[Snapshot] | None) -> None:
        """Show what is known of a vm; None while its snapshots are being read.

        For the same vm, cursor, marks and what is on the screen stay where they are; another one is shown from
        where it stands now.
        """
        is_other = self._ref != vm.ref
        self._ref, self._state = vm.ref, vm.state
        if snapshots is None:
            if is_other or not self._rows:
                self.say("Reading the snapshots…")
            return
        words = (
            () if snapshots else (("", ""), ("No snapshots yet.", "foreground"), (self.empty_hint, "foreground-muted"))
        )
        self._take(Forest(snapshots), words, afresh=is_other or not self._rows)

    def say(self, heading: str, advice: str = "", style: str = "foreground-muted") -> None:
        """Show words in place of a graph: why there is none, and what to do."""
        self._take(None, (("", ""), (heading, style), (advice, "foreground-muted")), afresh=True)

    def go_to(self, id_: str) -> None:
        """Put the cursor on a snapshot. Without effect where it is not shown."""
        at = self._find(id_)
        if at is not None:
            self.cursor = at

    def _take(self, forest: Forest | None, words: tuple[tuple[str, str], ...], *, afresh: bool) -> None:
        before, at, shown = self._rows, self.cursor, (self.node, self.snapshot)
        self._forest = Forest(()) if forest is None else forest
        self._rows = () if forest is None else lay_out(forest)
        self._words = words
        self._fit()
        self.virtual_size = Size(self.size.width, len(self._rows))
        place = self._find(NOW) or 0 if afresh else self._place(before, at)
        # Set past the watcher: a refresh must not scroll as a key does, the line under the cursor stays in its place.
        self.set_reactive(SnapshotGraph.cursor, place)
        if afresh:
            self.scroll_to(y=place - self.size.height + 1, animate=False)
        elif place != at:
            self.scroll_to(y=self.scroll_offset.y + place - at, animate=False)
        self.refresh()
        if (self.node, self.snapshot) != shown or afresh:
            self.post_message(self.Highlighted(self.snapshot))
        self._mark(frozenset() if afresh else self.marked & self._forest.snapshots.keys())

    def _place(self, before: Sequence[Row], at: int) -> int:
        """Where the row at `at` of the former rows is now, or else its nearest neighbour."""
        places = {row.node: index for index, row in enumerate(self._rows)}
        nearest = sorted(range(len(before)), key=lambda index: (abs(index - at), -index))
        return next((places[before[index].node] for index in nearest if before[index].node in places), 0)

    def _find(self, node: Node) -> int | None:
        return next((index for index, row in enumerate(self._rows) if row.node == node), None)

    def _snapshot(self, node: Node | None) -> Snapshot | None:
        return None if node is NOW or node is None else self._forest.snapshots[node]

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = self.scroll_offset.y + y
        if index >= len(self._rows):
            return self._word_line(index - len(self._rows))
        key = (index, index == self.cursor, index == self.hover)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._draw(index)
        return strip

    def _draw(self, index: int) -> Strip:
        row, is_cursor = self._rows[index], index == self.cursor
        ground = self.ground(cursor=is_cursor, hover=index == self.hover)
        gutter = (
            graph.Piece(_BAR if is_cursor and self.has_focus else " ", "accent"),
            graph.Piece(marks.MARKED.glyph if row.node in self.marked else " ", marks.MARKED.style),
        )
        line = graph.line(row, self._forest, self._columns, self._now(), self._state)
        return self._strip((*gutter, *line), ground)

    def _strip(self, line: graph.Line, ground: Style) -> Strip:
        inks = ((text, ground if style == "foreground" else ground + self.ink(style)) for text, style in line)
        return Strip([Segment(text, style) for text, style in inks]).adjust_cell_length(self.size.width, ground)

    def _word_line(self, number: int) -> Strip:
        """A line below the graph, or in its place."""
        width = max(1, self.size.width - 2 * _GUTTER)
        lines = [
            graph.Piece(" " * _GUTTER + line, style)
            for text, style in self._words
            for line in textwrap.wrap(text, width) or [""]
        ]
        return self._strip(tuple(lines[number : number + 1]), self.rich_style)

    def _fit(self) -> None:
        """Choose the columns anew and forget what was drawn."""
        room = max(0, self.size.width - _GUTTER - 1)
        self._columns = graph.fit_columns(room, self._forest.snapshots.values())
        self._strips.clear()

    def _forget(self) -> None:
        self._strips.clear()
        self.refresh()

    # What happens to it

    def on_mount(self) -> None:
        """Ages go on."""
        self.set_interval(_MINUTE, self._forget)

    def on_resize(self) -> None:
        """The cursor stays in sight."""
        self._fit()
        self._scroll_to_cursor()
        self.refresh()

    def notify_style_update(self) -> None:
        """Colours have changed, or the focus."""
        super().notify_style_update()
        self._strips.clear()

    def watch_has_focus(self, _has_focus: bool) -> None:
        """The cursor line looks different."""
        super().watch_has_focus(_has_focus)
        self._forget()

    def validate_cursor(self, cursor: int) -> int:
        """Only where there is a row."""
        return clamp(cursor, 0, max(0, len(self._rows) - 1))

    def watch_cursor(self, before: int, cursor: int) -> None:
        """Redraw two lines, and tell."""
        self.refresh_line(before)
        self.refresh_line(cursor)
        self._scroll_to_cursor()
        self.post_message(self.Highlighted(self.snapshot))

    def watch_hover(self, before: int, hover: int) -> None:
        """Redraw two lines."""
        self.refresh_line(before)
        self.refresh_line(hover)

    def _scroll_to_cursor(self) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False)

    def _mark(self, ids: frozenset[str]) -> None:
        if ids != self.marked:
            self.marked = ids
            self._forget()
            self.post_message(self.Marked(ids))

    def _toggle_mark(self) -> None:
        snapshot = self.snapshot
        if snapshot is not None:
            self._mark(self.marked ^ {snapshot.id})

    # Keys and mouse

    def action_move(self, by: int) -> None:
        """Some lines down."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Some pages down."""
        self.cursor += by * max(1, self.size.height - 1)

    def action_edge(self, towards: int) -> None:
        """To the first or the last line."""
        self.cursor = 0 if towards < 0 else len(self._rows) - 1

    def action_here(self) -> None:
        """To "you are here"."""
        self.cursor = self._find(NOW) or 0

    def action_select(self) -> None:
        """Open what is under the cursor."""
        if self._rows:
            self.post_message(self.Selected(self.snapshot))

    def action_mark(self) -> None:
        """Mark the snapshot under the cursor, or unmark it, and go on to the next."""
        self._toggle_mark()
        self.cursor += 1

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Light the line under the mouse."""
        at = event.get_content_offset(self)
        self.hover = -1 if at is None else self.scroll_offset.y + at.y

    def on_leave(self) -> None:
        """No line is under the mouse."""
        self.hover = -1

    def on_click(self, event: events.Click) -> None:
        """Go there; in the gutter or with ctrl, mark; twice, open."""
        at = event.get_content_offset(self)
        if at is None or self.scroll_offset.y + at.y >= len(self._rows):
            return
        self.cursor = self.scroll_offset.y + at.y
        if at.x < _GUTTER or event.ctrl:
            self._toggle_mark()
        elif event.chain == 2:
            self.action_select()
