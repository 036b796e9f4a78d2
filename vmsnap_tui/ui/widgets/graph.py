"""The snapshots of one vm as a graph of which only the visible lines are drawn."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.message import Message
from textual.strip import Strip

from vmsnap_tui.model.forest import Forest
from vmsnap_tui.model.lanes import NOW, Fork, lay_out
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.present import graph, marks
from vmsnap_tui.ui.widgets.cursor_view import CursorView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from textual import events
    from textual.geometry import Offset

    from vmsnap_tui.model.lanes import Node, Row
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef

_GUTTER = 2
"""Cells at the left: the cursor's bar and the mark. A click there marks."""
_MINUTE = 60.0


class SnapshotGraph(CursorView):
    """The graph. It is told what is known, keeps cursor and marks by id, and posts what is chosen.

    "You are here" is a node too: where the cursor stands on it, the snapshot in the messages is None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("full_stop", "here", "Now", id="graph.now", show=False, tooltip="To “you are here”"),
        Binding("enter", "select", "Open", id="graph.open", tooltip="Go to the details of the snapshot"),
        Binding("space", "mark", "Mark", id="graph.mark", show=False, tooltip="Mark a snapshot"),
    ]

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

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        id: str | None = None,  # noqa: A002 (Textual's word)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._now = now
        self._ref: VmRef | None = None
        self._state = VmState.UNKNOWN
        self._known: tuple[Snapshot, ...] = ()
        self._forest = Forest(())
        self._rows: tuple[Row, ...] = ()
        self._columns = graph.Columns(0)
        self._words: tuple[tuple[str, str], ...] = ()
        self._strips: LRUCache[tuple[int, bool, bool], Strip] = LRUCache(1024)
        self.marked: frozenset[str] = frozenset()
        self._lit: frozenset[str] = frozenset()
        self.empty_hint = "Press s to take the first."
        """What to do where there are no snapshots."""

    # What is known

    @property
    def count(self) -> int:
        """How many rows there are, "now" included."""
        return len(self._rows)

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
        if not is_other and self._rows and tuple(snapshots) == self._known:
            self.forget()  # the vm itself may do something else now
            return
        self._known = tuple(snapshots)
        words = (
            () if snapshots else (("", ""), ("No snapshots yet.", "foreground"), (self.empty_hint, "foreground-muted"))
        )
        self._take(Forest(snapshots), words, afresh=is_other or not self._rows)

    def say(self, heading: str, advice: str = "", style: str = "foreground-muted") -> None:
        """Show words in place of a graph: why there is none, and what to do."""
        self._take(None, (("", ""), (heading, style), (advice, "foreground-muted")), afresh=True)

    def _take(self, forest: Forest | None, words: tuple[tuple[str, str], ...], *, afresh: bool) -> None:
        before, at, shown = self._rows, self.cursor, (self.node, self.snapshot)
        self._forest = Forest(()) if forest is None else forest
        self._rows = () if forest is None else lay_out(forest)
        self._words = words
        self._fit()
        self.replace_rows(self._find(NOW) or 0 if afresh else self._place(before, at), keep=not afresh)
        if (self.node, self.snapshot) != shown or afresh:
            self.post_message(self.Highlighted(self.snapshot))
        self._mark(frozenset() if afresh else self.marked & self._forest.snapshots.keys())

    def _place(self, before: Sequence[Row], at: int) -> int:
        """Where the row at `at` of the former rows is now, or else its nearest neighbour."""
        places = {row.node: index for index, row in enumerate(self._rows)}
        for distance in range(len(before)):
            for index in (at + distance, at - distance):
                if 0 <= index < len(before) and before[index].node in places:
                    return places[before[index].node]
        return 0

    def _find(self, node: Node) -> int | None:
        return next((index for index, row in enumerate(self._rows) if row.node == node), None)

    def _snapshot(self, node: Node | None) -> Snapshot | None:
        if isinstance(node, Fork):
            node = node.snapshot
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
            strip = self._strips[key] = self.draw(index)
        return strip

    def draw(self, index: int) -> Strip:
        """One row."""
        row, is_cursor = self._rows[index], index == self.cursor
        ground = self.ground(cursor=is_cursor, hover=index == self.hover)
        gutter = (
            self.bar(is_cursor=is_cursor),
            self._sign(row.node),
        )
        line = graph.line(row, self._forest, self._columns, self._now(), self._state)
        return self.strip((*gutter, *line), ground)

    def _sign(self, node: Node) -> graph.Piece:
        if node in self.marked:
            return graph.Piece(marks.MARKED.glyph, marks.MARKED.style)
        return graph.Piece(marks.LIT.glyph if node in self._lit else " ", marks.LIT.style)

    def light(self, ids: frozenset[str]) -> None:
        """Show that these belong to what is chosen elsewhere."""
        if ids != self._lit:
            self._lit = ids
            self.forget()

    def _word_line(self, number: int) -> Strip:
        """A line below the graph, or in its place."""
        if not self._words:
            return Strip.blank(self.size.width, self.rich_style)
        width = max(1, self.size.width - 2 * _GUTTER)
        lines = [
            graph.Piece(" " * _GUTTER + line, style)
            for text, style in self._words
            for line in textwrap.wrap(text, width) or [""]
        ]
        return self.strip(tuple(lines[number : number + 1]), self.rich_style)

    def _fit(self) -> None:
        """Choose the columns anew and forget what was drawn."""
        room = max(0, self.size.width - _GUTTER - 1)
        self._columns = graph.fit_columns(room, self._forest.snapshots.values())
        self._strips.clear()

    def forget(self) -> None:
        """Draw all anew."""
        self._strips.clear()
        self.refresh()

    # What happens to it

    def on_mount(self) -> None:
        """Ages go on."""
        self.set_interval(_MINUTE, self.forget)

    def on_resize(self) -> None:
        """The cursor stays in sight."""
        self._fit()
        self.scroll_to_cursor()
        self.refresh()

    def notify_style_update(self) -> None:
        """Colours have changed, or the focus."""
        super().notify_style_update()
        self._strips.clear()

    def watch_has_focus(self, _has_focus: bool) -> None:
        """The cursor line looks different."""
        super().watch_has_focus(_has_focus)
        self.forget()

    def _mark(self, ids: frozenset[str]) -> None:
        if ids != self.marked:
            self.marked = ids
            self.forget()
            self.post_message(self.Marked(ids))

    def _toggle_mark(self) -> None:
        snapshot = self.snapshot
        if snapshot is not None:
            self._mark(self.marked ^ {snapshot.id})

    # Keys and mouse

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

    def moved(self) -> None:
        """Tell where the cursor is."""
        self.post_message(self.Highlighted(self.snapshot))

    def clicked(self, at: Offset, event: events.Click) -> None:
        """In the gutter or with ctrl: mark. Twice: open."""
        if at.x < _GUTTER or event.ctrl:
            self._toggle_mark()
        elif event.chain == 2:
            self.action_select()
