"""What holds the data of one vm: snapshots and stacks of layers side by side, what is wrong, and what mends it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.layer import FILES
from vmsnap_tui.model.plan import Merge, MergeHow
from vmsnap_tui.model.text import clean
from vmsnap_tui.present.command import command_of
from vmsnap_tui.ui import chain_fields
from vmsnap_tui.ui.asking import Asking
from vmsnap_tui.ui.bindings import WIDE, Situation, why_unchangeable
from vmsnap_tui.ui.widgets.fields_view import FieldsView
from vmsnap_tui.ui.widgets.findings import FindingsView
from vmsnap_tui.ui.widgets.graph import SnapshotGraph
from vmsnap_tui.ui.widgets.jobs import JobsPane
from vmsnap_tui.ui.widgets.key_line import KeyLine
from vmsnap_tui.ui.widgets.stack import StackView

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from textual import events
    from textual.app import ComposeResult

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.store import Changes
    from vmsnap_tui.model.plan import Request
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.survey import Holdings
    from vmsnap_tui.model.vm import Vm
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm

_SETTLE = 0.2
"""Seconds to wait for more changes before the chain is read again."""


class ChainScreen(Screen[None]):
    """What one chooses on one side is lit on the other. Chains are read again whenever the vm changes."""

    DEFAULT_CSS = """
    ChainScreen {
        background: $background;
        #above { height: 3fr; }
        #below { height: 2fr; }
        #tree { width: 2fr; height: 1fr; }
        #stacks { width: 3fr; height: 1fr; border-left: solid $border-blurred; }
        #findings { width: 2fr; height: 1fr; }
        #layer { width: 3fr; height: 1fr; padding: 0 1; border-left: solid $border-blurred; }
    }
    ChainScreen.-single { #stacks, #layer { border-left: none; } }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "merge('commit down')", "Commit down", id="chain.commit",
                tooltip="Write the chosen layer into the one that it reads through"),
        Binding("p", "merge('pull up')", "Pull up", id="chain.pull",
                tooltip="Read all that lies above the chosen layer into the newest one"),
        Binding("f", "merge('flatten')", "Flatten", id="chain.flatten",
                tooltip="Read everything into the newest layer, so that the disk needs no other"),
        Binding("y", "copy", "Copy", id="chain.copy", tooltip="Copy the command that mends, or where the layer is"),
        Binding("u", "read", "Refresh", id="refresh", show=False, tooltip="Read the chain anew"),
        Binding("tab", "pane(1)", "Next pane", id="pane.next", show=False, tooltip="Go to the next pane"),
        Binding("shift+tab", "pane(-1)", "Previous pane", id="pane.previous", show=False,
                tooltip="Go to the pane before"),
        Binding("escape", "back", "Back", id="chain.back", tooltip="Back to the main screen"),
    ]  # fmt: skip

    AUTO_FOCUS = "#stacks"

    PANES: ClassVar = ("stacks", "findings", "layer", "tree")

    def __init__(
        self, engine: Engine, vm: Vm, snapshot: Snapshot | None, *, confirm: Confirm, now: Callable[[], datetime]
    ) -> None:
        """`snapshot` is the one whose layers are lit first."""
        super().__init__()
        self._engine = engine
        self._vm = vm
        self._chosen = frozenset({snapshot.id} if snapshot else ())
        self._now = now
        self._asking = Asking(engine, self, confirm, now)
        self._held: Holdings | None = None
        self._front = "stacks"
        self._leave: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """Snapshots and stacks above, findings and what is chosen below."""
        with Horizontal(id="above"):
            yield SnapshotGraph(self._now, id="tree", classes="pane")
            yield StackView(id="stacks", classes="pane")
        with Horizontal(id="below"):
            yield FindingsView(id="findings", classes="pane")
            yield FieldsView(id="layer", classes="pane")
        yield JobsPane(self._now, id="jobs")
        yield KeyLine()

    def on_mount(self) -> None:
        """Show what is known at once, and read the rest."""
        self.graph = self.query_one(SnapshotGraph)
        self.stacks = self.query_one(StackView)
        self.findings = self.query_one(FindingsView)
        self.about = self.query_one(FieldsView)
        self.jobs = self.query_one(JobsPane)
        self.graph.empty_hint = "esc leads back, and s takes the first there."
        self.graph.border_title = Content(f"Snapshots of {clean(self._vm.name)}")
        self.stacks.border_title = Content(f"Layers of {clean(self._vm.name)}")
        self.findings.border_title = "Health"
        self.jobs.border_title = "Jobs"
        self.stacks.say("Reading the chains…")
        self.findings.say("Reading…")
        self.stacks.light(self._chosen)
        self._show_snapshots()
        self._show_jobs()
        self._lay_out()
        self._leave = self._engine.store.subscribe(self._take_in)
        self.action_read()

    def on_unmount(self) -> None:
        """No more changes are wanted."""
        if self._leave:
            self._leave()

    # What is known

    def _take_in(self, changes: Changes) -> None:
        if changes.jobs:
            self._show_jobs()
        vm = self._vm.ref
        ended = any(
            job and job.state.is_over and job.plan.request.vm == vm for job in map(self._engine.jobs.get, changes.jobs)
        )
        if vm in changes.vms | changes.snapshots or ended:
            self._vm = self._engine.store.vm(vm) or self._vm
            self._show_snapshots()
            self._read(_SETTLE)

    def _show_snapshots(self) -> None:
        self.graph.show(self._vm, self._engine.store.snapshots(self._vm.ref))

    def _show_jobs(self) -> None:
        mine = [job for job in self._engine.jobs.all() if job.plan.request.vm == self._vm.ref]
        self.jobs.show_jobs(mine)
        self.jobs.display = bool(mine)

    def action_read(self) -> None:
        """Read what holds the data anew. What was read before stays on the screen meanwhile."""
        self._read(0)

    @work(exclusive=True, group="survey")
    async def _read(self, wait: float) -> None:
        await asyncio.sleep(wait)
        try:
            survey = await self._engine.survey(self._vm.ref.site, (self._vm.ref,))
        except VmsnapError as error:
            self._held = None
            self.stacks.say(error.words, error.hint, "error")
            self.findings.say("What could not be read cannot be judged.")
            return
        self._held = survey.holdings.get(self._vm.ref)
        if self._held is None:
            self.stacks.say(f"{self._vm.name} is not there any more.", "esc leads back.")
            self.findings.say("")
            return
        self.stacks.show(self._held.layers, chain_fields.snapshot_names(self._held.snapshots))
        findings = survey.about(self._vm.ref)
        self.findings.show(findings, survey.blind)
        count = f"  {len(findings)}" if findings else ""
        self.findings.border_title = Content.assemble("Health", (count, "not bold $text-muted"))

    # What is chosen

    @on(StackView.Highlighted)
    def _choose_layer(self, event: StackView.Highlighted) -> None:
        if self.graph.has_focus or self.findings.has_focus:
            return
        row = event.row
        self.graph.light(frozenset(row.layer.snapshots) if row and row.layer else frozenset())
        if row and self._held:
            self.about.border_title = "Layer" if row.layer else "Disk"
            self.about.show_items(chain_fields.layer_fields(row, chain_fields.snapshot_names(self._held.snapshots)))
        else:
            self.about.show_items([])

    @on(SnapshotGraph.Highlighted)
    def _choose_snapshot(self, event: SnapshotGraph.Highlighted) -> None:
        if not self.graph.has_focus:
            return
        self.stacks.light(frozenset({event.snapshot.id} if event.snapshot else ()))
        if self._held:
            self.about.border_title = "Snapshot"
            self.about.show_items(chain_fields.snapshot_fields(event.snapshot, self._held))

    @on(SnapshotGraph.Selected)
    def _open_snapshot(self) -> None:
        self.about.focus()

    @on(FindingsView.Highlighted)
    def _choose_finding(self, event: FindingsView.Highlighted) -> None:
        if self.findings.has_focus:
            self.about.border_title = "Finding"
            self.about.show_items(chain_fields.finding_fields(event.finding) if event.finding else [])

    # Panes

    def on_resize(self, event: events.Resize) -> None:
        """All panes, or the one in front."""
        self._lay_out(event.size.width)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """What is chosen there is what the fields tell of."""
        if event.widget.id in self.PANES:
            self._front = event.widget.id
            self._lay_out()
        if event.widget is self.graph:
            self.graph.light(frozenset())
            self.graph.moved()
        elif event.widget is self.stacks:
            self.stacks.moved()

    def _lay_out(self, width: int | None = None) -> None:
        single = (self.size.width if width is None else width) < WIDE
        self.set_class(single, "-single")
        front = self._front
        self.graph.display = not single or front == "tree"
        self.stacks.display = not single or front in {"stacks", "layer"}
        self.findings.display = not single or front == "findings"
        self.about.display = not single or front != "findings" or self.size.height > 30
        self.query_one("#above").display = not single or front != "findings"

    def action_pane(self, step: int) -> None:
        """To another pane."""
        place = self.PANES.index(self._front) + step
        self._front = self.PANES[place % len(self.PANES)]
        self._lay_out()
        self.query_one(f"#{self._front}").focus()

    def action_back(self) -> None:
        """Back to the main screen."""
        self.dismiss()

    # Actions

    @on(FindingsView.Selected)
    def _mend(self, event: FindingsView.Selected) -> None:
        mend = event.mend
        if mend.request:
            self._act(mend.request)
        elif mend.command:
            self.action_copy()
        else:
            self.notify(clean(mend.label), title="Nothing that vmsnap can do", markup=False)

    def action_merge(self, how: str) -> None:
        """Ask for a merge of the chosen layer, or of the disk whose heading is chosen."""
        row = self.stacks.row
        if row is None:
            return
        files = [layer for layer in row.stack.chain if layer.kind in FILES]
        newest = files[0] if files else None
        layer = row.layer or newest
        kind = MergeHow(how)
        if layer is None or kind is MergeHow.FLATTEN:
            self._act(Merge(self._vm.ref, row.stack.disk, kind))
        elif layer.aside or layer.kind not in FILES:
            self.notify("Choose a layer that “now” reads through.", severity="warning", markup=False)
        elif kind is MergeHow.COMMIT and not layer.below:
            self.notify("This is the last layer: there is none to write it into.", severity="warning", markup=False)
        elif kind is MergeHow.COMMIT:
            self._act(Merge(self._vm.ref, row.stack.disk, kind, "" if layer is newest else layer.place, layer.below))
        else:
            self._act(
                Merge(self._vm.ref, row.stack.disk, kind, base=layer.place if layer is not newest else layer.below)
            )

    @work(group="dialogue")
    async def _act(self, request: Request) -> None:
        site = self._engine.store.sites.get(self._vm.ref.site)
        why = why_unchangeable(Situation(self._engine.read_only, site, self._vm))
        if why:
            self.notify(why, severity="warning", markup=False)
        else:
            await self._asking.act(self._vm.name, request)

    def action_copy(self) -> None:
        """The command that mends, or the place of the layer."""
        mend = self.findings.mend if self.findings.has_focus else None
        row = self.stacks.row
        words = command_of(mend, self._vm.name) if mend else row.layer.place if row and row.layer else ""
        if words:
            self.app.copy_to_clipboard(words)
            self.notify(clean(words, limit=300), title="Copied", timeout=4, markup=False)
        else:
            self.notify("There is nothing to copy here.", severity="warning", markup=False)
