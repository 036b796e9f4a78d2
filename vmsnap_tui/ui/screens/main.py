"""The main screen: inventory, snapshot graph, details and jobs, side by side or one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.vm import PlatformKind, VmRef
from vmsnap_tui.present import marks
from vmsnap_tui.ui.asking import Asking
from vmsnap_tui.ui.bindings import DEPENDENT, MAIN, Situation, why_not
from vmsnap_tui.ui.detail_reader import DetailReader
from vmsnap_tui.ui.inventory_rows import Sort, VmEntry
from vmsnap_tui.ui.opening import Opening
from vmsnap_tui.ui.outcomes import Outcomes
from vmsnap_tui.ui.panes import DETAILS, GRAPH, JOBS, Panes
from vmsnap_tui.ui.rest import Rest
from vmsnap_tui.ui.widgets.details import Details, Tab
from vmsnap_tui.ui.widgets.graph import SnapshotGraph
from vmsnap_tui.ui.widgets.header import Header
from vmsnap_tui.ui.widgets.inventory import Inventory
from vmsnap_tui.ui.widgets.jobs import JobsPane
from vmsnap_tui.ui.widgets.key_line import KeyLine
from vmsnap_tui.ui.widgets.lamp import is_lit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.jobs import Job
    from vmsnap_tui.engine.store import Changes, SiteView
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm
    from vmsnap_tui.ui.inventory_rows import Key
    from vmsnap_tui.ui.outcomes import Toast
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm

_SETTLE = 0.05
"""Seconds that the inventory's cursor has to rest before the vm that it stands on is shown (and read)."""
_ALL_KEYS = 88
"""Cells that the last line needs for all of its keys."""


class MainScreen(Screen[None]):
    """Shows what the store knows, and starts what the keys ask for."""

    BINDINGS = MAIN

    def __init__(self, engine: Engine, now: Callable[[], datetime], *, notice: str, confirm: Confirm) -> None:
        super().__init__()
        self._engine = engine
        self._now = now
        self._notice = notice
        self._asking = Asking(engine, self, confirm, now)
        self._opening = Opening(engine, self, confirm, now)
        self._outcomes = Outcomes(engine)
        self._key: Key | None = None
        self._panes = Panes(self)
        self._vm_rest = Rest(self, self._show, soon=_SETTLE)
        self._snapshot_rest = Rest(self, self._fill_details)
        self._ticking: Timer | None = None
        self._situation = Situation()
        self._leave: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        sites = [view.site for view in self._engine.store.sites.values()]
        yield Header(
            demo=any(site.kind is PlatformKind.DEMO for site in sites),
            read_only=self._engine.read_only,
            notice=self._notice,
        )
        with Horizontal(id="upper"):
            with Vertical(id="inventory-pane"):
                yield Inventory(self._now, id="inventory")
                yield Input(id="filter", placeholder="name, title, group, state:off …", compact=True)
            yield SnapshotGraph(self._now, id="graph")
            yield Details(id="details")
        yield JobsPane(self._now, id="jobs")
        yield KeyLine({"chain"}, wide=_ALL_KEYS)

    def on_mount(self) -> None:
        self.inventory = self.query_one(Inventory)
        self.graph = self.query_one(SnapshotGraph)
        self.details = self.query_one(Details)
        self._reader = DetailReader(self._engine, self.details, self._now)
        self.jobs = self.query_one(JobsPane)
        self.jobs.border_title = "Jobs"
        self.graph.border_title = "Snapshots"
        self.query_one("#filter").display = False
        self._ticking = self.set_interval(1.0, self._tick, pause=True)
        self.set_interval(30.0, self._fill)
        store = self._engine.store
        for view in store.sites.values():
            self.inventory.show_site(view)
            self.inventory.update_vms([self._entry(vm) for vm in store.vms(view.site.name)])
        self._show_jobs()
        self._leave = store.subscribe(self._take_in)
        self._panes.lay_out()
        self.inventory.focus()
        self._key = self.inventory.key
        self._show()

    def on_unmount(self) -> None:
        if self._leave:
            self._leave()

    # What is known

    @property
    def _site(self) -> SiteView | None:
        return self._engine.store.sites.get(self._key.site) if self._key else None

    @property
    def _vm(self) -> Vm | None:
        return self._engine.store.vm(self._key) if isinstance(self._key, VmRef) else None

    @property
    def _snapshot(self) -> Snapshot | None:
        """The one under the graph's cursor, unless the graph still shows another vm's."""
        snapshot = self.graph.snapshot
        return snapshot if snapshot and snapshot.ref.vm == self._key else None

    def _entry(self, vm: Vm) -> VmEntry:
        snapshots = self._engine.store.snapshots(vm.ref)
        job = next((job for job in self.jobs.running if job.plan.request.vm == vm.ref), None)
        return VmEntry(
            vm,
            None if snapshots is None else len(snapshots),
            max((snapshot.created for snapshot in snapshots), default=None) if snapshots else None,
            self._engine.store.freeze(vm.ref),
            job.state if job else None,
        )

    def _take_in(self, changes: Changes) -> None:
        """The store has changed."""
        store = self._engine.store
        touched = changes.vms | changes.snapshots | changes.freezes
        if changes.jobs:
            touched |= {job.plan.request.vm for job in map(self._engine.jobs.get, changes.jobs) if job}
            self._show_jobs()
            self._tell(self._outcomes.new(changes.jobs))
        if touched:
            known = [(ref, store.vm(ref)) for ref in touched]
            self.inventory.update_vms(
                [self._entry(vm) for _, vm in known if vm], [ref for ref, vm in known if vm is None]
            )
        for name in changes.sites:
            self.inventory.show_site(store.sites[name])
        if changes.sites:
            troubled = tuple(view for view in store.sites.values() if view.is_troubled)
            self.query_one(Header).sites = troubled
            self._tell(self._outcomes.lost(troubled))
        if self._key in touched:
            if self._key in changes.vms | changes.snapshots:
                self._reader.forget()
            self._show()
        elif self._key and self._key.site in changes.sites:
            self._show()
        self._pace()

    def _show_jobs(self) -> None:
        self.jobs.show_jobs(self._engine.jobs.all())
        self.query_one(Header).jobs = tuple(self.jobs.running)
        self.jobs.border_subtitle = "x cancels" if self.jobs.running else ""

    def _tell(self, toasts: Iterable[Toast]) -> None:
        for toast in toasts:
            self.notify(toast.words, title=toast.title, severity=toast.severity, timeout=toast.seconds, markup=False)

    def _pace(self) -> None:
        """Tick only while there is a clock to be seen."""
        polled = any(view.looked for view in self._engine.store.sites.values())
        if self._ticking:
            (self._ticking.resume if polled or self._is_clock_in_details else self._ticking.pause)()

    @property
    def _is_clock_in_details(self) -> bool:
        troubled = any(view.is_troubled for view in self._engine.store.sites.values())
        return troubled or (isinstance(self._key, VmRef) and is_lit(self._engine.store.freeze(self._key)))

    def _tick(self) -> None:
        self.inventory.refresh()
        if self._is_clock_in_details:
            self._fill()

    # What is shown

    @on(Inventory.Highlighted)
    def _settle(self, event: Inventory.Highlighted) -> None:
        """Show another row's vm as soon as the cursor rests."""
        self._key = event.key
        self._vm_rest.moved()
        self._look_around()

    @on(SnapshotGraph.Highlighted)
    def _settle_on_snapshot(self) -> None:
        """Show another snapshot, after several in a row as soon as the cursor rests."""
        self._look_around()
        self._snapshot_rest.moved()

    def _show(self) -> None:
        """Show what the store knows of the row under the inventory's cursor."""
        self._vm_rest.drop()
        vm, site = self._vm, self._site
        if vm:
            snapshots = self._engine.store.snapshots(vm.ref)
            if snapshots is None:
                self._engine.want_snapshots(vm.ref)
            count = f"  {len(snapshots)}" if snapshots else ""
            self.graph.border_title = Content.assemble(vm.name, (count, "not bold $text-muted"))
            problem = self._engine.store.problem(vm.ref) if snapshots is None else None
            if problem:
                self.graph.say(problem.words, problem.hint, "error")
            else:
                self.graph.show(vm, snapshots)
        else:
            self.graph.border_title = Content(site.site.name) if site else "Snapshots"
            self.graph.say(*self._words_for_no_vm(site))
        self._fill()

    def _words_for_no_vm(self, site: SiteView | None) -> tuple[str, str]:
        if site is None and self._engine.store.sites:
            return ("No VM is chosen.", "Nothing fits the filter; esc clears it.")
        if site is None:
            return ("No sites.", "Name one with vmsnap -c URI, or in the config file: vmsnap config init.")
        if site.is_troubled and site.error:
            return (site.error.words, site.error.hint or "It is tried again by itself; u tries at once.")
        if site.status is SiteStatus.CONNECTING:
            return (f"Connecting to {site.site.name}…", "Other sites can be used meanwhile.")
        if not self._engine.store.vms(site.site.name):
            return ("Reading the VMs…", "") if site.loading else ("No VMs on this site yet.", "u reads it anew.")
        return ("Choose a VM.", "Its snapshots are drawn here.")

    @on(Details.Wanted)
    def _fill(self) -> None:
        """Fill the details' tab that is on the screen."""
        self._look_around()
        self._fill_details()

    def _fill_details(self) -> None:
        self._snapshot_rest.drop()
        vm = self._vm
        if vm:
            self._reader.fill_vm(vm, self._snapshot)
        else:
            self._reader.fill_site(self._site)

    @on(Inventory.Visible)
    def _watch_visible(self, event: Inventory.Visible) -> None:
        self._engine.look_at(event.vms)

    @on(Inventory.Arranged)
    def _name_inventory(self) -> None:
        inventory = self.inventory
        pane = self.query_one("#inventory-pane")
        marked = f"{marks.MARKED.glyph} {len(inventory.marked)}" if inventory.marked else ""
        order = f"by {inventory.sort.value}" if inventory.sort is not Sort.NAME else ""
        pane.border_title = Content(
            " · ".join(part for part in (f"Inventory {inventory.shown}", marked, order) if part)
        )
        if self._situation.marks != bool(inventory.marked):
            self._look_around()

    # Panes

    def on_resize(self, event: events.Resize) -> None:
        self._panes.lay_out(event.size.width)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._panes.take_focused(event.widget.id)
        self._look_around()

    def _go_to(self, place: int) -> None:
        self._panes.go_to(place)
        self._fill()

    def action_pane(self, step: int) -> None:
        self._go_to(self._panes.front + step)

    def action_zoom(self) -> None:
        self._panes.zoom()

    def action_tab(self, number: int) -> None:
        self.details.tab = list(Tab)[number - 1]
        if not self.details.display:
            self._go_to(DETAILS)

    def action_turn(self, step: int) -> None:
        self.details.tab = self.details.tab.turn(step)

    def action_back(self) -> None:
        """One step back: out of the filter, the zoom, the pane."""
        if self.inventory.text:
            self.query_one("#filter", Input).value = ""
            self._close_filter()
        elif self._panes.zoomed:
            self._panes.zoom()
        elif self._panes.front:
            self._go_to(0 if self._panes.front == JOBS else self._panes.front - 1)

    @on(Inventory.Opened)
    def _open_vm(self) -> None:
        self._vm_rest.over()
        self._go_to(GRAPH)

    @on(SnapshotGraph.Selected)
    def _open_snapshot(self) -> None:
        self._go_to(DETAILS)

    @on(JobsPane.Opened)
    def _open_job(self, event: JobsPane.Opened) -> None:
        self.go_to_vm(event.job.plan.request.vm)

    def go_to_vm(self, vm: VmRef) -> None:
        """Show a vm, wherever it stands in the inventory."""
        known = self._engine.store.vm(vm)
        if known:
            self._go_to(0)
            self.inventory.update_vms([self._entry(known)])
            self.inventory.go_to(vm)

    # Filter

    def action_filter(self) -> None:
        self._go_to(0)
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    @on(Input.Changed, "#filter")
    def _filter(self, event: Input.Changed) -> None:
        self.inventory.filter(event.value)

    @on(Input.Submitted, "#filter")
    def _close_filter(self) -> None:
        field = self.query_one("#filter", Input)
        self.inventory.focus()
        field.display = bool(field.value)

    def on_key(self, event: events.Key) -> None:
        """Leave the filter downwards; a key of the screen is about what the cursor stands on; say why a dimmed one does
        nothing."""
        if self.focused is not None and self.focused.id == "filter":
            if event.key == "down":
                self._close_filter()
            return
        if (binding := self.active_bindings.get(event.key)) and binding.node is self:
            self._vm_rest.over()
            binding = self.active_bindings.get(event.key)
        if binding and not binding.enabled:
            event.stop()
            self.notify(why_not(binding.binding.action, self._situation), severity="warning", markup=False)

    # Actions

    @on(JobsPane.Highlighted)
    def _look_around(self) -> None:
        """Find out what the keys are about now."""
        before = self._situation
        self._situation = Situation(
            self._engine.read_only,
            self._site,
            self._vm,
            self._snapshot,
            self._job_at_hand(),
            bool(self.inventory.marked),
        )
        # Drawing the footer anew costs more than a move of the cursor: only where a key is dimmed or lit.
        if any(bool(why_not(action, before)) != bool(why_not(action, self._situation)) for action in DEPENDENT):
            self.refresh_bindings()

    def _job_at_hand(self) -> Job | None:
        if self.jobs.has_focus:
            return self.jobs.job
        return next((job for job in self.jobs.running if job.plan.request.vm == self._key), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """None dims a key; pressed anyway, it says why."""
        del parameters
        return None if why_not(action, self._situation) else True

    @property
    def _marked_or_here(self) -> list[Vm]:
        """The marked vms, else the one under the cursor."""
        marked = [vm for ref in sorted(self.inventory.marked) if (vm := self._engine.store.vm(ref))]
        return marked or ([self._situation.vm] if self._situation.vm else [])

    @work(group="dialogue")
    async def action_take(self) -> None:
        await self._asking.take(self._marked_or_here)

    @work(group="dialogue")
    async def action_restore(self) -> None:
        vm, snapshot = self._situation.vm, self._situation.snapshot
        if vm and snapshot:
            await self._asking.restore(vm, snapshot)

    @work(group="dialogue")
    async def action_delete(self) -> None:
        vm, snapshot = self._situation.vm, self._situation.snapshot
        if vm and snapshot:
            known = self._engine.store.snapshots(vm.ref) or ()
            marked = [each for each in known if each.id in self.graph.marked]
            await self._asking.delete(vm, marked or [snapshot])

    @work(group="dialogue")
    async def action_edit(self) -> None:
        vm, snapshot = self._situation.vm, self._situation.snapshot
        if vm and snapshot:
            await self._asking.edit(vm, snapshot)

    def action_chain(self) -> None:
        if self._situation.vm:
            self._opening.chain(self._situation.vm, self._situation.snapshot)

    def action_compare(self) -> None:
        vm, here = self._situation.vm, self._situation.snapshot
        if vm and here:
            known = self._engine.store.snapshots(vm.ref) or ()
            self._opening.compare(vm, here, [each for each in known if each.id in self.graph.marked])

    @work(group="space")
    async def action_space(self) -> None:
        vm = await self._opening.space()
        if vm:
            self.go_to_vm(vm)

    def action_timeline(self) -> None:
        """Of the marked vms, else of those that fit the filter, of the group or the site under the cursor."""
        vms = [vm for ref in self.inventory.meant if (vm := self._engine.store.vm(ref))]
        if vms:
            self._opening.timeline(vms)
        else:
            self.notify("There are no VMs here to show on a line of time.", severity="warning")

    @work(group="dialogue")
    async def action_prune(self) -> None:
        await self._opening.prune(self._marked_or_here)

    def action_labs(self) -> None:
        marked = [ref for ref in self.inventory.meant if ref in self.inventory.marked]
        self._opening.labs([vm for ref in marked if (vm := self._engine.store.vm(ref))])

    def action_cancel(self) -> None:
        if self._situation.job:
            self._engine.jobs.cancel(self._situation.job.id)

    def action_refresh(self) -> None:
        name = self._site.site.name if self._site else None
        self._engine.refresh(name)
        self.notify(f"Reading {name or 'all sites'} anew.", timeout=2, markup=False)
