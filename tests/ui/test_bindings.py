"""Every key is declared fully, and a dimmed one knows why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from textual.binding import Binding

from vmsnap_tui.engine.jobs import Job, JobState
from vmsnap_tui.engine.store import SiteStatus, SiteView
from vmsnap_tui.model.plan import Plan, Thaw
from vmsnap_tui.model.snapshot import SnapRef, Snapshot
from vmsnap_tui.model.vm import PlatformKind, Site, Vm, VmRef
from vmsnap_tui.ui.bindings import APP, CHANGING, MAIN, Situation, why_not
from vmsnap_tui.ui.widgets.details import Details
from vmsnap_tui.ui.widgets.graph import SnapshotGraph
from vmsnap_tui.ui.widgets.inventory import Inventory
from vmsnap_tui.ui.widgets.jobs import JobsPane

NOW = datetime(2026, 3, 14, tzinfo=UTC)
REF = VmRef("here", "1")
VM = Vm(REF, "web")
SNAPSHOT = Snapshot(SnapRef(REF, "s"), "s", NOW)
OPEN = SiteView(Site("here", PlatformKind.DEMO, ""), SiteStatus.ONLINE, NOW)
LOST = SiteView(Site("here", PlatformKind.DEMO, ""), SiteStatus.LOST, NOW)
CLOSED = SiteView(Site("here", PlatformKind.DEMO, "", read_only=True), SiteStatus.ONLINE, NOW)
JOB = Job("j", Plan(Thaw(REF), "Thaw", "web"), JobState.RUNNING, NOW)
ENDED = Job("j", Plan(Thaw(REF), "Thaw", "web"), JobState.DONE, NOW)

ALL = [
    binding
    for group in (MAIN, APP, Inventory.BINDINGS, JobsPane.BINDINGS, Details.BINDINGS, SnapshotGraph.BINDINGS)
    for binding in group
    if isinstance(binding, Binding)
]


@pytest.mark.parametrize("binding", ALL, ids=lambda binding: f"{binding.key}-{binding.id}")
def test_a_binding_is_declared_fully(binding: Binding) -> None:
    assert binding.id
    assert binding.description
    assert binding.tooltip


def test_no_two_actions_of_the_main_screen_share_a_key() -> None:
    keys = [key for binding in (*MAIN, *APP) if isinstance(binding, Binding) for key in binding.key.split(",")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("action", "now", "said"),
    [
        ("take", Situation(site=OPEN, vm=VM), ""),
        ("take", Situation(site=OPEN), "Choose a VM"),
        ("take", Situation(site=LOST, vm=VM), "does not answer"),
        ("take", Situation(site=CLOSED, vm=VM), "read-only in the config"),
        ("take", Situation(site=OPEN, marks=True), ""),
        ("take", Situation(site=LOST, vm=VM, marks=True), ""),
        ("take", Situation(site=OPEN, read_only=True, marks=True), "Read-only"),
        ("restore", Situation(site=OPEN, vm=VM), "Choose a snapshot"),
        ("restore", Situation(site=OPEN, vm=VM, snapshot=SNAPSHOT), ""),
        ("delete", Situation(site=LOST, vm=VM, snapshot=SNAPSHOT), "does not answer"),
        ("edit", Situation(site=OPEN, vm=VM, snapshot=SNAPSHOT), ""),
        ("cancel", Situation(site=OPEN, vm=VM), "No job"),
        ("cancel", Situation(site=OPEN, vm=VM, job=ENDED), "No job"),
        ("cancel", Situation(site=OPEN, vm=VM, job=JOB), ""),
        ("refresh", Situation(), ""),
    ],
)
def test_why_not(action: str, now: Situation, said: str) -> None:
    reason = why_not(action, now)
    assert said in reason
    assert bool(said) == bool(reason)


@pytest.mark.parametrize("action", sorted(CHANGING))
def test_read_only_drops_every_change(action: str) -> None:
    assert "Read-only" in why_not(action, Situation(read_only=True, site=OPEN, vm=VM, snapshot=SNAPSHOT))
