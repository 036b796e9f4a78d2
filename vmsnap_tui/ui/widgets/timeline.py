"""The rows of the timeline: a vm each, its snapshots on one line of time, and what the moment picks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.message import Message
from textual.strip import Strip

from vmsnap_tui.model.text import clean
from vmsnap_tui.present import timeline as present
from vmsnap_tui.present.graph import exactly
from vmsnap_tui.ui.widgets.cursor_view import CursorView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from textual import events
    from textual.geometry import Offset

    from vmsnap_tui.model.moment import History
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.timeline import Timeline
    from vmsnap_tui.model.timescale import Scale
    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.present.graph import Line

_GUTTER = 1
_WHEEL = 6
"""Cells that a turn of the wheel moves what is seen."""
_MOVE = Binding.Group("Move", compact=True)
_RIGHT = 3
"""The right button, as Textual counts."""


class TimelineView(CursorView):
    """Draws a `Timeline` that somebody else holds, and tells what the mouse asks of it."""

    @dataclass
    class Highlighted(Message):
        """The cursor stands on this vm now."""

        vm: VmRef

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "Earlier", id="timeline.earlier", group=_MOVE, tooltip="Moment a cell earlier"),
        Binding("right,l", "step(1)", "Later", id="timeline.later", group=_MOVE, tooltip="Moment a cell later"),
    ]

    @dataclass
    class Resized(Message):
        """The columns are others now."""

    @dataclass
    class Stepped(Message):
        """The moment is to go some cells on."""

        cells: int

    @dataclass
    class Chosen(Message):
        """A moment was chosen by the mouse."""

        moment: datetime

    @dataclass
    class Pinned(Message):
        """A snapshot was chosen for its vm alone."""

        vm: VmRef
        snapshot: Snapshot

    @dataclass
    class Panned(Message):
        """The line was drawn along, by so many cells."""

        cells: int

    @dataclass
    class Zoomed(Message):
        """Closer (1) or further away (-1), about a moment."""

        steps: int
        about: datetime

    def __init__(
        self,
        timeline: Timeline,
        lost: Mapping[tuple[VmRef, str], Line],
        *,
        id: str | None = None,  # noqa: A002 (Textual's word)
        classes: str | None = None,
    ) -> None:
        """`lost` is what going back to a snapshot of a vm would lose, as far as that is known."""
        super().__init__(id=id, classes=classes)
        self._timeline = timeline
        self._lost = lost
        self._rows: Sequence[History] = ()
        self._columns = present.columns(80, 0, 0)
        self._strips: LRUCache[tuple[int, bool, bool], Strip] = LRUCache(512)
        self._rails: tuple[Scale, dict[History, present.Row]] = (timeline.scale, {})
        self._drag: int | None = None
        self._dragged = False

    @property
    def count(self) -> int:
        """A row for each vm."""
        return len(self._rows)

    @property
    def vm(self) -> VmRef | None:
        """The one under the cursor."""
        return self._rows[self.cursor].vm.ref if self.cursor < len(self._rows) else None

    @property
    def visible_vms(self) -> tuple[VmRef, ...]:
        """Those that are on the screen, from the top."""
        top = self.scroll_offset.y
        return tuple(row.vm.ref for row in self._rows[top : top + self.size.height])

    @property
    def shown(self) -> present.Columns:
        """How the width is shared."""
        return self._columns

    def take(self) -> None:
        """The vms or their snapshots are others now."""
        here, known = self.vm, self.count
        self._rows = tuple(self._timeline.histories.values())
        place = next((index for index, row in enumerate(self._rows) if row.vm.ref == here), 0)
        self._fit()
        self.replace_rows(place, keep=bool(known))
        self.forget()
        if self.vm and self.vm != here:
            self.post_message(self.Highlighted(self.vm))

    def forget(self) -> None:
        """Draw all anew."""
        self._strips.clear()
        self.refresh()

    def redraw(self, vm: VmRef) -> None:
        """One row anew."""
        top = self.scroll_offset.y
        for index in range(top, min(top + self.size.height, self.count)):
            if self._rows[index].vm.ref == vm:
                for cursor, hover in product((False, True), repeat=2):
                    self._strips.discard((index, cursor, hover))
                self.refresh_line(index)

    def _fit(self) -> None:
        names = max((cell_len(clean(row.vm.name)) for row in self._rows), default=0)
        sites = {row.vm.ref.site for row in self._rows}
        site = max(map(cell_len, sites), default=0) if len(sites) > 1 else 0
        room = max(1, self.size.width - _GUTTER - self.styles.scrollbar_size_vertical)
        self._columns = present.columns(room, names, site)
        self._timeline.resize(self._columns.line)

    def on_resize(self) -> None:
        """More or fewer cells of time."""
        self._fit()
        self.scroll_to_cursor()
        self.forget()
        self.post_message(self.Resized())

    def notify_style_update(self) -> None:
        """Colours have changed, or the focus."""
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = self.scroll_offset.y + y
        if index >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        key = (index, index == self.cursor, index == self.hover)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._draw(index)
        return strip

    def _draw(self, index: int) -> Strip:
        history, line = self._rows[index], self._timeline
        ref = history.vm.ref
        pick = line.pick(ref)
        pieces = present.line(
            self._columns,
            history,
            line.scale,
            pick,
            line.moment,
            self._rail(history),
            pinned=line.is_pinned(ref),
            wrong=line.wrong(ref),
            lost=self._lost.get((ref, pick.snapshot.id), ()) if pick.snapshot else (),
        )
        is_cursor = index == self.cursor
        ground = self.ground(cursor=is_cursor, hover=index == self.hover)
        lead = self.bar(is_cursor=is_cursor)
        return self.strip(exactly((lead, *pieces), max(1, self.size.width)), ground)

    def _rail(self, history: History) -> present.Row:
        """What does not change with the moment, kept as long as the same stretch of time is seen."""
        seen, rails = self._rails
        if seen is not self._timeline.scale:
            self._rails = seen, rails = self._timeline.scale, {}
        if history not in rails:
            rails[history] = present.rail(history, seen, self._timeline.now)
        return rails[history]

    def moved(self) -> None:
        """Tell where the cursor is."""
        if self.vm:
            self.post_message(self.Highlighted(self.vm))

    def action_step(self, cells: int) -> None:
        """The moment moves."""
        self.post_message(self.Stepped(cells))

    # The mouse

    def cell(self, x: int) -> int | None:
        """The cell of time under a column of the view."""
        cell = x - _GUTTER - present.left_of(self._columns)
        return cell if 0 <= cell < self._columns.line else None

    def clicked(self, at: Offset, event: events.Click) -> None:
        """Choose that time, or the snapshot there; with ctrl or the right button, the snapshot for this vm alone."""
        cell, vm = self.cell(at.x), self.vm
        if self._dragged or cell is None or vm is None:
            return
        there = [
            each for each in self._timeline.histories[vm].snapshots if self._timeline.scale.cell(each.created) == cell
        ]
        snapshot = there[-1] if there else None
        if event.ctrl or event.button == _RIGHT:
            if snapshot:
                self.post_message(self.Pinned(vm, snapshot))
        else:
            self.post_message(self.Chosen(snapshot.created if snapshot else self._timeline.scale.time(cell)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The line may be drawn along from here."""
        at = event.get_content_offset(self)
        self._dragged = False
        self._drag = at.x if at and self.cell(at.x) is not None else None
        if self._drag is not None:
            self.capture_mouse()

    def on_mouse_up(self) -> None:
        """Let it go."""
        self._drag = None
        self.release_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Draw the line along while a button is held, else light a row."""
        if self._drag is None:
            super().on_mouse_move(event)
            return
        x = event.x - self.gutter.left
        if x != self._drag:
            self.post_message(self.Panned(self._drag - x))
            self._drag, self._dragged = x, True

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Over the line of time: closer, with shift earlier. Over names and picks the rows scroll."""
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Over the line of time: further away, with shift later."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, steps: int) -> None:
        at = event.get_content_offset(self)
        cell = self.cell(at.x) if at else None
        if cell is None:
            return
        event.stop()
        event.prevent_default()
        if event.shift:
            self.post_message(self.Panned(-steps * _WHEEL))
        else:
            self.post_message(self.Zoomed(steps, self._timeline.scale.time(cell)))
