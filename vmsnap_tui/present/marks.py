"""How states are marked: a glyph, a word and a style for each, so that colour is never the only sign.

Styles are names of theme variables. All glyphs are one cell wide, and none is one that terminals like to draw as an
emoji. Where the locale is not UTF-8 (or VMSNAP_ASCII is set), plain letters and signs stand in.
"""

from __future__ import annotations

import locale
import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import LossKind
from vmsnap_tui.model.snapshot import Consistency, SnapshotKind
from vmsnap_tui.model.survey import Severity
from vmsnap_tui.model.vm import AgentState, PlatformKind, VmState

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN = bool(os.environ.get("VMSNAP_ASCII")) or "utf" not in locale.getpreferredencoding(False).lower()
"""Whether only ASCII may be shown."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How one state looks: `style` is the name of a theme variable, without the $."""

    glyph: str
    word: str
    style: str

    @property
    def text(self) -> str:
        """Glyph and word."""
        return f"{self.glyph} {self.word}"


class Flag(Enum):
    """What else there is to say of a snapshot."""

    CURRENT = "current"
    PROTECTED = "protected"
    BASELINE = "baseline"
    GROUP = "together"
    SCATTERED = "not one moment"
    FAILED = "failed"
    NOT_READY = "not ready"
    PARTIAL = "partial"
    INFERRED = "inferred"
    ORPHAN = "orphan"
    CYCLE = "cycle"


def _mark(glyph: str, plain: str, word: str, style: str) -> Mark:
    return Mark(plain if PLAIN else glyph, word, style)


Marked = VmState | AgentState | Consistency | SnapshotKind | FreezeState | PlatformKind | LossKind | Severity | Flag

_MARKS: Mapping[Marked, Mark] = {
    Consistency.MEMORY: _mark("●", "@", "memory", "consistency-memory"),
    Consistency.CLEAN: _mark("■", "#", "clean", "consistency-clean"),
    Consistency.FILESYSTEM: _mark("◆", "*", "filesystem", "consistency-filesystem"),
    Consistency.CRASH: _mark("○", "o", "crash", "consistency-crash"),
    Consistency.UNKNOWN: _mark("?", "?", "unknown", "consistency-unknown"),
    VmState.RUNNING: _mark("●", ">", "running", "success"),
    VmState.PAUSED: _mark("‖", "=", "paused", "warning"),
    VmState.OFF: _mark("○", "-", "off", "foreground-muted"),
    VmState.SUSPENDED: _mark("☾", "z", "suspended", "warning"),
    VmState.CRASHED: _mark("✗", "!", "crashed", "error"),
    VmState.CHANGING: _mark("◌", "~", "changing", "accent"),
    VmState.UNKNOWN: _mark("?", "?", "unknown", "foreground-muted"),
    AgentState.CONNECTED: _mark("✓", "+", "agent answers", "success"),
    AgentState.DISCONNECTED: _mark("✗", "!", "agent silent", "warning"),
    AgentState.ABSENT: _mark("–", "-", "no agent", "foreground-muted"),
    AgentState.UNKNOWN: _mark("?", "?", "agent unknown", "foreground-muted"),
    SnapshotKind.INTERNAL: _mark("▣", "i", "internal", "foreground-muted"),
    SnapshotKind.EXTERNAL: _mark("▤", "e", "external", "foreground-muted"),
    SnapshotKind.MIXED: _mark("▦", "m", "mixed", "warning"),
    SnapshotKind.VM: _mark("▢", "s", "vm", "foreground-muted"),
    SnapshotKind.IMAGE: _mark("▧", "g", "image", "foreground-muted"),
    SnapshotKind.VOLUME: _mark("▨", "v", "volume", "foreground-muted"),
    SnapshotKind.GROUP: _mark("▩", "G", "group", "foreground-muted"),
    SnapshotKind.UNKNOWN: _mark("?", "?", "unknown", "foreground-muted"),
    FreezeState.THAWED: _mark("○", "o", "thawed", "success"),
    FreezeState.FREEZING: _mark("◔", "<", "freezing", "warning"),
    FreezeState.FROZEN: _mark("❆", "*", "frozen", "accent"),
    FreezeState.THAWING: _mark("◕", ">", "thawing", "warning"),
    FreezeState.FAILED: _mark("✗", "!", "freeze failed", "error"),
    FreezeState.UNAVAILABLE: _mark("–", "-", "no freeze", "foreground-muted"),
    FreezeState.HIDDEN: _mark("◌", "~", "freeze hidden", "foreground-muted"),
    PlatformKind.LIBVIRT: _mark("◧", "L", "libvirt", "primary"),
    PlatformKind.OPENSHIFT: _mark("◨", "K", "openshift", "primary"),
    PlatformKind.OPENSTACK: _mark("◫", "O", "openstack", "primary"),
    PlatformKind.DEMO: _mark("◇", "D", "demo", "warning"),
    LossKind.SNAPSHOT: _mark("⊖", "-", "snapshot", "error"),
    LossKind.MEMORY: _mark("⊘", "/", "memory", "error"),
    LossKind.CHANGES: _mark("⊗", "x", "changes", "error"),
    LossKind.RECORD: _mark("⊝", "=", "record", "warning"),
    LossKind.FILE: _mark("⊟", "f", "file", "error"),
    Severity.ERROR: _mark("✗", "!", "error", "error"),
    Severity.WARNING: _mark("▲", "^", "warning", "warning"),
    Severity.NOTE: _mark("·", "-", "note", "foreground-muted"),
    Flag.CURRENT: _mark("◂", "<", "current", "accent"),
    Flag.PROTECTED: _mark("⊠", "P", "protected", "primary"),
    Flag.BASELINE: _mark("⌂", "B", "baseline", "primary"),
    Flag.GROUP: _mark("≡", "T", "together", "primary"),
    Flag.SCATTERED: _mark("≢", "t", "not one moment", "warning"),
    Flag.FAILED: _mark("✗", "!", "failed", "error"),
    Flag.NOT_READY: _mark("◌", "~", "not ready", "warning"),
    Flag.PARTIAL: _mark("◐", "%", "partial", "warning"),
    Flag.INFERRED: _mark("≈", "=", "inferred", "foreground-muted"),
    Flag.ORPHAN: _mark("∅", "0", "parent gone", "warning"),
    Flag.CYCLE: _mark("↻", "&", "cycle", "error"),
}

NOW = _mark("◎", "X", "you are here", "accent")
FORK = _mark("▹", "Y", "started from it", "secondary")
REFUSED = _mark("✗", "!", "refused", "error")
CAUTION = _mark("▲", "!", "caution", "warning")
RECOMMENDED = _mark("★", "*", "recommended", "success")
POSSIBLE = _mark("✓", "+", "possible", "foreground")
MARKED = _mark("✓", "*", "marked", "accent")
PINNED = _mark("▸", ">", "pinned", "secondary")
LIT = _mark("▐", "=", "needed", "accent")
SHARED = _mark("⇶", "S", "shared", "warning")
HOLDS = _mark("◆", "*", "begins here", "secondary")
READY = _mark("✓", "+", "ready", "success")
UNTOLD = _mark("·", "-", "not told", "foreground-muted")

# These two belong to the engine, which `present` does not know: they are found by the value of its states.
_JOBS = {
    "asked": _mark("▹", ">", "asked", "foreground-muted"),
    "waiting": _mark("◌", ".", "waiting", "foreground-muted"),
    "running": _mark("►", ">", "running", "accent"),
    "done": _mark("✓", "+", "done", "success"),
    "failed": _mark("✗", "!", "failed", "error"),
    "cancelled": _mark("⊘", "/", "cancelled", "warning"),
    "cut off": _mark("╳", "x", "cut off", "error"),
    "begun": _mark("►", ">", "begun", "foreground-muted"),
}
_FREEZES = {state.value: state for state in FreezeState}
_SITES = {
    "connecting": _mark("◌", ".", "connecting", "foreground-muted"),
    "online": _mark("●", "+", "online", "success"),
    "lost": _mark("↯", "!", "lost", "warning"),
    "failed": _mark("✗", "x", "failed", "error"),
}

_MEANINGS = {
    Consistency.MEMORY: "RAM and disks of one instant: the guest goes on as if nothing had happened",
    Consistency.CLEAN: "taken while the vm was off",
    Consistency.FILESYSTEM: "the guest froze its file systems, and the platform confirms it",
    Consistency.CRASH: "disks as after a power cut",
    Consistency.UNKNOWN: "the platform does not say",
}

ANSI: Mapping[str, str] = {
    "success": "green",
    "warning": "yellow",
    "error": "red",
    "accent": "bright_cyan",
    "primary": "blue",
    "secondary": "magenta",
    "foreground": "default",
    "foreground-muted": "bright_black",
    "foreground-disabled": "bright_black",
    "consistency-memory": "cyan",
    "consistency-clean": "green",
    "consistency-filesystem": "blue",
    "consistency-crash": "yellow",
    "consistency-unknown": "magenta",
}
"""The sixteen terminal colours for the styles, for output that has no theme."""


def mark(state: Marked) -> Mark:
    """How a state of the model is shown."""
    return _MARKS[state]


def job_mark(state: str) -> Mark:
    """How a state of a job is shown: `JobState.value`."""
    return _JOBS.get(state) or Mark("?", state, "foreground-muted")


def entry_mark(what: str, state: str) -> Mark:
    """How the state of a line of the journal is shown: `Entry.what`, `Entry.state`."""
    if what == "freeze" and state in _FREEZES:
        return _MARKS[_FREEZES[state]]
    return job_mark(state)


def site_mark(status: str) -> Mark:
    """How a site's status is shown: `SiteStatus.value`."""
    return _SITES.get(status) or Mark("?", status, "foreground-muted")


def meaning(consistency: Consistency) -> str:
    """What a snapshot is worth, in one sentence."""
    return _MEANINGS[consistency]
