"""Every key of the main screen, declared once: footer, help, command palette and the user's key map come from here.

What an action needs, and why it is not possible now, is said by `why_not` alone: it dims the key and answers when a
dimmed key is pressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from vmsnap_tui.engine.store import SiteStatus

if TYPE_CHECKING:
    from vmsnap_tui.engine.jobs import Job
    from vmsnap_tui.engine.store import SiteView
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm

WIDE = 110
"""Cells from which on all panes of a screen are there at once."""

MAIN: list[BindingType] = [
    Binding("s", "take", "Snapshot", id="take",
            tooltip="Take a snapshot of the vm (or of all marked ones, as one moment)"),
    Binding("r", "restore", "Restore", id="restore", tooltip="Put the vm back to the highlighted snapshot"),
    Binding("d", "delete", "Delete", id="delete", tooltip="Delete the highlighted snapshot (or each marked one)"),
    Binding("e", "edit", "Edit", id="edit", show=False,
            tooltip="Rename the highlighted snapshot, describe or protect it"),
    Binding("c", "chain", "Chain", id="chain", tooltip="Show what holds the data of the vm, and put it right"),
    Binding("equals_sign", "compare", "Compare", id="compare", show=False, key_display="=",
            tooltip="Compare the highlighted snapshot with now, or with a marked one"),
    Binding("t", "timeline", "Timeline", id="timeline",
            tooltip="The marked vms (or those shown) on one line of time, to put them back to a moment"),
    Binding("P", "prune", "Prune", id="prune", show=False,
            tooltip="Delete the snapshots of the vm (or of the marked ones) that are not to be kept"),
    Binding("b", "labs", "Labs", id="labs", tooltip="Labs: sets of vms that are put back to a baseline together"),
    Binding("S", "space", "Space", id="space", show=False, tooltip="Show what takes space on all sites"),
    Binding("x", "cancel", "Cancel", id="cancel", show=False,
            tooltip="Ask the job to stop: the highlighted one, or the vm's"),
    Binding("slash", "filter", "Filter", id="filter", key_display="/", tooltip="Show only vms that fit; esc clears it"),
    Binding("u", "refresh", "Refresh", id="refresh", show=False, tooltip="Read the site anew; try a lost one at once"),
    Binding("z", "zoom", "Zoom", id="zoom", show=False, tooltip="Give the pane the whole screen, or back"),
    Binding("tab", "pane(1)", "Next pane", id="pane.next", show=False, tooltip="Go to the next pane"),
    Binding("shift+tab", "pane(-1)", "Previous pane", id="pane.previous", show=False, tooltip="Go to the pane before"),
    Binding("escape", "back", "Back", id="back", show=False, tooltip="Clear the filter, leave the zoom, or go back"),
    Binding("1", "tab(1)", "Snapshot", id="tab.snapshot", show=False, tooltip="Details: values of the snapshot or vm"),
    Binding("2", "tab(2)", "Chain", id="tab.chain", show=False, tooltip="Details: the layers that hold the data"),
    Binding("3", "tab(3)", "Advice", id="tab.advice", show=False, tooltip="Details: the ways to take a snapshot now"),
    Binding("4", "tab(4)", "Source", id="tab.source", show=False, tooltip="Details: the platform's own text"),
    Binding("right_square_bracket", "turn(1)", "Next tab", id="tab.next", show=False, key_display="]",
            tooltip="Details: the next tab"),
    Binding("left_square_bracket", "turn(-1)", "Previous tab", id="tab.previous", show=False, key_display="[",
            tooltip="Details: the tab before"),
]  # fmt: skip

APP: list[BindingType] = [
    Binding("l", "log", "Log", id="log", show=False, tooltip="What was asked and done, by this and earlier runs"),
    Binding("T", "themes", "Theme", id="themes", show=False, tooltip="Choose colours, with a preview"),
    Binding("question_mark", "help", "Help", id="help", key_display="?", tooltip="All keys and signs"),
    Binding(
        "ctrl+p", "command_palette", "Commands", id="commands", show=False, tooltip="Find any action or vm by name"
    ),
    Binding("q", "quit", "Quit", id="quit", tooltip="Leave; asks while jobs are running"),
]

CHANGING = frozenset({"take", "restore", "delete", "edit", "prune"})
"""Actions that change something on a site. Read-only mode drops them all at once."""

DEPENDENT = CHANGING | {"cancel", "chain", "compare"}
"""Actions that are not always possible."""

_OF_MARKED = frozenset({"take", "prune"})
"""Those that are about the marked vms, where any are: wherever the cursor is then, each vm's plan says what it can."""
_OF_SNAPSHOT = frozenset({"restore", "delete", "edit", "compare"})


@dataclass(frozen=True, slots=True)
class Situation:
    """What is highlighted, as far as actions depend on it."""

    read_only: bool = False
    site: SiteView | None = None
    vm: Vm | None = None
    snapshot: Snapshot | None = None
    job: Job | None = None
    marks: bool = False  # whether any vms are marked


def why_not(action: str, now: Situation) -> str:
    """Why an action is not possible now, "" where it is. What only fresh facts can tell is left to the planner."""
    if action == "cancel":
        return _why_not_cancel(now.job)
    if now.marks and action in _OF_MARKED and not now.read_only:
        return ""
    changes = action in CHANGING
    if action in DEPENDENT and not (changes and now.read_only):
        if now.vm is None:
            return "Choose a VM first."
        if action in _OF_SNAPSHOT and now.snapshot is None:
            return "Choose a snapshot first: this is where the VM is now."
    return why_unchangeable(now) if changes else ""


def why_unchangeable(now: Situation) -> str:
    """Why nothing at all can be changed here."""
    if now.read_only:
        return "Read-only: vmsnap was started so that it changes nothing."
    if now.site is None or now.site.status is not SiteStatus.ONLINE:
        return f"{now.site.site.name if now.site else 'The site'} does not answer now; u tries again."
    if now.site.site.read_only:
        return f"{now.site.site.name} is set to read-only in the config file."
    return ""


def _why_not_cancel(job: Job | None) -> str:
    if job is None or job.state.is_over:
        return "No job is running here."
    if job.cancelling:
        return "It is being cancelled already."
    return ""
