"""Several vms on one line of time: choose a moment, see what it picks of each, and put all back to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from vmsnap_tui.engine import group
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.moment import History
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.timeline import Timeline
from vmsnap_tui.present import marks, sizes, when
from vmsnap_tui.present import timeline as present
from vmsnap_tui.present.graph import Piece
from vmsnap_tui.ui.loss_reader import LossReader
from vmsnap_tui.ui.plan_lines import plan_lines
from vmsnap_tui.ui.rest import Rest
from vmsnap_tui.ui.screens.back import BackScreen
from vmsnap_tui.ui.screens.group import GroupScreen
from vmsnap_tui.ui.widgets.fields_view import FieldsView
from vmsnap_tui.ui.widgets.key_line import KeyLine
from vmsnap_tui.ui.widgets.timeline import TimelineView
from vmsnap_tui.ui.widgets.timeline_axis import AxisView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from textual.app import ComposeResult

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.store import Changes
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef
    from vmsnap_tui.present.graph import Line
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm

_REST = 0.3
"""Seconds that the moment has to rest before it is counted what it picks of all."""
_BREATH = 200
"""Vms taken in before the keyboard gets its turn."""
_JUMP, _PIN, _ZOOM = (Binding.Group(words, compact=True) for words in ("Jump", "Pin", "Zoom"))
"""Keys that stand together in the footer."""


class TimelineScreen(Screen[None]):
    """Of these vms. Nothing is done before a plan for all was confirmed."""

    DEFAULT_CSS = """
    TimelineScreen {
        background: $background;
        #lines { height: 1fr; }
        #detail { height: 8; }
        #typed { background: $panel; color: $foreground; padding: 0 1; display: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "jump(-1)", "Previous", id="timeline.previous", key_display="[", group=_JUMP,
                tooltip="To the snapshot before, of any vm"),
        Binding("right_square_bracket", "jump(1)", "Next", id="timeline.next", key_display="]", group=_JUMP,
                tooltip="To the next snapshot, of any vm"),
        Binding("left_curly_bracket", "jump_here(-1)", "Previous here", id="timeline.previous-here", show=False,
                key_display="{", tooltip="To the snapshot before, of the highlighted vm"),
        Binding("right_curly_bracket", "jump_here(1)", "Next here", id="timeline.next-here", show=False,
                key_display="}", tooltip="To the next snapshot, of the highlighted vm"),
        Binding("full_stop", "now", "Now", id="timeline.now", show=False, key_display=".", tooltip="The moment is now"),
        Binding("m", "type", "Type", id="timeline.type", tooltip="Type the moment: yesterday noon, -3h"),
        Binding("o", "turn", "Side", id="timeline.side",
                tooltip="Pick the latest before, the first after, or the nearest"),
        Binding("less_than_sign", "pin_beside(-1)", "Pin earlier", id="timeline.pin-earlier", key_display="<",
                group=_PIN, tooltip="Pin the snapshot before the one that is picked, for this vm alone"),
        Binding("p", "pin", "Pin", id="timeline.pin", group=_PIN,
                tooltip="Keep what is picked for the vm, whatever the moment; again lets it go"),
        Binding("greater_than_sign", "pin_beside(1)", "Pin later", id="timeline.pin-later", key_display=">",
                group=_PIN, tooltip="Pin the snapshot after the one that is picked, for this vm alone"),
        Binding("plus,equals_sign", "zoom(1)", "Closer", id="timeline.closer", group=_ZOOM,
                tooltip="See less time, down to a minute"),
        Binding("minus", "zoom(-1)", "Further", id="timeline.further", key_display="-", group=_ZOOM,
                tooltip="See more time, up to a hundred years"),
        Binding("shift+left", "pan(-1)", "Pan back", id="timeline.pan-back", show=False, tooltip="See what was before"),
        Binding("shift+right", "pan(1)", "Pan on", id="timeline.pan-on", show=False, tooltip="See what came later"),
        Binding("0", "all", "All", id="timeline.all", show=False, tooltip="See all snapshots"),
        Binding("enter", "back_to", "Put back", id="timeline.restore",
                tooltip="One plan to put all back to the moment"),
        Binding("u", "read", "Refresh", id="refresh", show=False, tooltip="Read the snapshots anew"),
        Binding("escape", "back", "Back", id="timeline.back", tooltip="Back to the main screen"),
    ]  # fmt: skip

    def __init__(self, engine: Engine, vms: Sequence[Vm], *, confirm: Confirm, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._engine = engine
        self._vms = vms
        self._confirm: Confirm = confirm
        self._now = now
        self.line = Timeline(now())
        self._reader = LossReader(engine)
        self._lost: dict[tuple[VmRef, str], Line] = {}
        """What going back to a snapshot would lose, of vms that were looked at."""
        self.summary: Line = ()
        """What is said of the picks of all; () until they were counted."""
        self._typing: Line = ()
        """What the text in the field means so far, while there is one."""
        self._moment_rest = Rest(self, self._rest, soon=_REST)
        self._leave: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """The axis, the rows, what the highlighted one means, and the keys."""
        view = TimelineView(self.line, self._lost, id="lines")
        yield AxisView(3, view, self.line, id="axis", classes="pane")
        yield Input(
            id="typed", placeholder="2026-03-02 14:00  ·  yesterday noon  ·  before last tuesday  ·  -3h", compact=True
        )
        yield view
        yield FieldsView(id="detail", classes="pane")
        yield KeyLine()

    def on_mount(self) -> None:
        """Take in what is known, and hear of what changes."""
        self._axis = self.query_one(AxisView)
        self._view = self.query_one(TimelineView)
        self._detail = self.query_one(FieldsView)
        self._view.focus()
        self._leave = self._engine.store.subscribe(self._hear)
        self._fill()

    def on_unmount(self) -> None:
        """Hear no more."""
        if self._leave:
            self._leave()

    @work(group="fill", exclusive=True)
    async def _fill(self) -> None:
        """All that is known already; what is not is read, those on the screen first."""
        for start in range(0, len(self._vms), _BREATH):
            self.line.take_in([self._history(vm) for vm in self._vms[start : start + _BREATH]])
            await asyncio.sleep(0)
        self.line.show_all()
        self._view.take()
        self._changed()
        for vm in self._vms:
            self._engine.want_snapshots(vm.ref)

    def _history(self, vm: Vm) -> History:
        return History(vm, self._engine.store.snapshots(vm.ref) or ())

    def _hear(self, changes: Changes) -> None:
        touched = (changes.snapshots | changes.vms) & self.line.histories.keys()
        if not touched or not self.is_attached:
            return
        known = {ref: self._engine.store.vm(ref) for ref in touched}
        self.line.take_in(
            [self._history(vm) for vm in known.values() if vm], [ref for ref, vm in known.items() if not vm]
        )
        self._reader.forget(touched)
        for key in [each for each in self._lost if each[0] in touched]:
            del self._lost[key]
        self._view.take()
        self._changed()

    # What is shown

    def _changed(self) -> None:
        """The moment, what is picked or what is seen is another now."""
        self._view.forget()
        zone, count = self.line.moment.astimezone(), len(self.line.histories)
        self._axis.border_title = Content.assemble(
            f"Timeline of {count} VM{'s' * (count != 1)}  ·  ", (f"{zone:%a} {when.full(zone)}", "bold $accent")
        )
        upper, lower = present.axis(self.line.scale, self.line.moment, self.line.now)
        self._heading = present.heading(self._view.shown, (upper, lower))
        self._show_heading()
        self._moment_rest.moved()

    @property
    def is_at_rest(self) -> bool:
        """Whether all that is said is said of the moment that is chosen."""
        return not self._moment_rest.waits

    def _show_heading(self) -> None:
        gutter = Piece(" ", "foreground")
        self._axis.show([(gutter, *(self._typing or self.summary)), *((gutter, *line) for line in self._heading)])

    def _rest(self) -> None:
        """The moment rests: count, and say what putting the highlighted vm back would lose."""
        wrong = sum(bool(self.line.wrong(vm)) for vm in self.line.histories)
        self.summary = present.summary(self.line.picks(), self.line.side, wrong)
        self._show_heading()
        self._explain()

    @on(TimelineView.Highlighted)
    def _settle(self) -> None:
        self._changed()
        self._engine.look_at(frozenset(self._view.visible_vms))

    @work(group="explain", exclusive=True)
    async def _explain(self) -> None:
        """What is picked for the highlighted vm, what it is worth, and what would be lost since; then of the others
        that are on the screen, one after the other, since nobody waits for it."""
        vm = self._view.vm
        if vm is None:
            self._detail.show_lines([Content.styled("No VMs.", "$text-muted")])
            return
        await self._explain_one(vm)
        for each in self._view.visible_vms:
            snapshot = self.line.pick(each).snapshot if each in self.line.histories else None
            if snapshot is not None and (each, snapshot.id) not in self._lost:
                await self._weigh(each, snapshot)

    async def _weigh(self, vm: VmRef, snapshot: Snapshot, *, again: bool = False) -> Plan | VmsnapError:
        """What would be lost, for its row too."""
        found = await self._reader.plan(vm, snapshot, again=again)
        unknown = (Piece(marks.UNTOLD.glyph, marks.UNTOLD.style),)
        self._lost[vm, snapshot.id] = unknown if isinstance(found, VmsnapError) else present.losses(found)
        self._view.redraw(vm)
        return found

    async def _explain_one(self, vm: VmRef) -> None:
        pick = self.line.pick(vm)
        name, snapshot = clean(pick.vm.name), pick.snapshot
        if snapshot is None:
            self._detail.border_title = Content(name)
            words = "No ready snapshot lies there: it is left as it is. Choose another moment, or another side (o)."
            unread = self._engine.store.snapshots(vm) is None
            self._detail.show_lines([Content.styled("Reading its snapshots…" if unread else words, "$text-warning")])
            return
        worth = marks.mark(snapshot.consistency)
        sign = "  pinned" if self.line.is_pinned(vm) else ""
        self._detail.border_title = Content.assemble(f"{name} → {clean(snapshot.name)}", (sign, "$secondary"))
        head = [
            Content.assemble(
                (worth.text, f"${worth.style}"),
                (f"  {when.full(snapshot.created)}, {sizes.ago(snapshot.created, self._now())}, {when.off(pick)}", ""),
            )
        ]
        if snapshot.group is not None:
            words, style = present.group_words(snapshot.group, self.line.picks())
            head.append(Content.styled(words, f"${style}"))
        if wrong := self.line.wrong(vm):
            names = [clean(each.name) for each in self.line.histories[vm].snapshots if each.id in wrong]
            head.append(Content.styled(present.clock_words(names), "$text-warning"))
        if not self._reader.knows(vm):
            self._detail.show_lines([*head, Content.styled("Reading what would be lost…", "$text-muted")])
        found = await self._weigh(vm, snapshot, again=True)
        if isinstance(found, VmsnapError):
            self._detail.show_lines([*head, Content.styled(str(found), "$text-error")])
        else:
            self._detail.show_lines([*head, *plan_lines(found)])

    # Keys and mouse

    def action_jump(self, forward: int) -> None:
        """From snapshot to snapshot of any vm."""
        self._jump(self.line.jump(forward))

    def action_jump_here(self, forward: int) -> None:
        """From snapshot to snapshot of the highlighted vm."""
        vm = self._view.vm
        self._jump(vm is not None and self.line.jump(forward, vm))

    def _jump(self, done: bool) -> None:
        if done:
            self._changed()
        else:
            self.notify("There is no snapshot further that way.", timeout=2, markup=False)

    def action_now(self) -> None:
        """The moment is now."""
        self.line.go_to(self.line.now)
        self._changed()

    def action_turn(self) -> None:
        """The other side of the moment."""
        self.line.turn()
        self._changed()

    def action_pin(self) -> None:
        """Keep what is picked, or let it go."""
        vm = self._view.vm
        if vm and self.line.pin(vm):
            self._changed()
        else:
            self.notify("There is nothing to pin: no snapshot is picked here.", severity="warning", markup=False)

    def action_pin_beside(self, forward: int) -> None:
        """Another snapshot for this vm alone."""
        vm = self._view.vm
        if vm and self.line.pin_beside(vm, forward):
            self._changed()
        else:
            self.notify("There is no ready snapshot further that way.", timeout=2, markup=False)

    def action_zoom(self, steps: int) -> None:
        """See less or more time."""
        self.line.zoom(steps)
        self._changed()

    def action_pan(self, pages: int) -> None:
        """See earlier or later times."""
        self.line.pan(pages * self.line.scale.width // 4)
        self._changed()

    def action_all(self) -> None:
        """See all snapshots."""
        self.line.show_all()
        self._changed()

    @on(TimelineView.Stepped)
    def _step(self, event: TimelineView.Stepped) -> None:
        self.line.step(event.cells)
        self._changed()

    @on(TimelineView.Chosen)
    def _choose(self, event: TimelineView.Chosen) -> None:
        self.line.go_to(min(event.moment, self.line.latest))
        self._changed()

    @on(TimelineView.Pinned)
    def _pin(self, event: TimelineView.Pinned) -> None:
        self.line.pin(event.vm, event.snapshot)
        self._changed()

    @on(TimelineView.Panned)
    def _pan(self, event: TimelineView.Panned) -> None:
        self.line.pan(event.cells)
        self._changed()

    @on(TimelineView.Zoomed)
    def _zoom(self, event: TimelineView.Zoomed) -> None:
        self.line.zoom(event.steps, event.about)
        self._changed()

    @on(TimelineView.Resized)
    def _resize(self) -> None:
        self._changed()

    def action_type(self) -> None:
        """Type a moment."""
        self.run_worker(when.warm_up, thread=True)
        field = self.query_one("#typed", Input)
        field.value = ""
        field.display = True
        field.focus()

    @on(Input.Changed, "#typed")
    def _preview(self, event: Input.Changed) -> None:
        """Say what it means so far."""
        self._typing = ()
        if event.value.strip() and event.input.display:
            try:
                at = when.parse(event.value, self._now()).astimezone()
            except ValueError as error:
                self._typing = (Piece(f"{marks.REFUSED.glyph} {error}", "warning"),)
            else:
                self._typing = (Piece(f"= {at:%a} {when.full(at)}", "success"), Piece("  enter", "foreground-muted"))
        self._show_heading()

    @on(Input.Submitted, "#typed")
    def _typed(self, event: Input.Submitted) -> None:
        if event.value.strip():
            try:
                moment = when.parse(event.value, self._now())
            except ValueError as error:
                self.notify(str(error), severity="error", markup=False)
                return
            self.line.go_to(moment)
            self._changed()
        self._close_field()

    def _close_field(self) -> None:
        self.query_one("#typed", Input).display = False
        self._typing = ()
        self._show_heading()
        self._view.focus()

    def action_read(self) -> None:
        """Read the sites of these vms anew."""
        self._reader.forget(self.line.histories)
        self._lost.clear()
        for site in {vm.site for vm in self.line.histories}:
            self._engine.refresh(site)
        self.notify("Reading anew.", timeout=2)

    @work(group="back")
    async def action_back_to(self) -> None:
        """Plan, confirm, and show how it goes."""
        if self._engine.read_only:
            self.notify("Read-only: vmsnap was started so that it changes nothing.", severity="warning")
            return
        moment, picks = self.line.moment, self.line.picks()
        confirmed = await self.app.push_screen_wait(BackScreen(self._engine, moment, picks, confirm=self._confirm))
        if confirmed is None:
            return
        parts, all_or_nothing = confirmed
        job = group.begin(self._engine, f"Back to {when.full(moment)}", parts, all_or_nothing=all_or_nothing)
        await self.app.push_screen_wait(GroupScreen(self._engine, job, self._now))

    def action_back(self) -> None:
        """Out of the field, or back to the main screen."""
        if self.query_one("#typed", Input).display:
            self._close_field()
        else:
            self.dismiss(None)
