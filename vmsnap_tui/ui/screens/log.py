"""What was asked and done, by this run and earlier ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input, Static

from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.ui.widgets.key_line import KeyLine
from vmsnap_tui.ui.widgets.log_lines import LogLines

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.journal import CutOff
    from vmsnap_tui.engine.store import Changes

_MOST = 2000
"""Lines of the journal that are read."""


class LogScreen(Screen[None]):
    """The journal, newest line first, with the jobs that were cut off above it."""

    DEFAULT_CSS = """
    LogScreen {
        background: $background;
        #cut-off { height: auto; max-height: 8; padding: 0 1; color: $text-error; display: none; }
        #caution { height: auto; padding: 0 1; color: $text-warning; display: none; }
        #lines {
            border-top: heavy $border; border-title-color: $foreground; border-title-style: bold;
            background: $background; scrollbar-color: $border-blurred; scrollbar-background: $background;
            scrollbar-background-hover: $background; scrollbar-background-active: $background;
        }
        #whole { height: auto; max-height: 5; padding: 0 1; border-top: solid $border-blurred; color: $text-muted; }
        #filter { background: $panel; padding: 0 1; display: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="log.filter", key_display="/", tooltip="Show only lines that fit"),
        Binding("escape", "back", "Back", id="log.back", tooltip="Clear the filter, or go back"),
    ]

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._leave: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """Cautions, lines, the whole text of one, and the filter."""
        yield Static(id="caution", markup=False)
        yield Static(id="cut-off", markup=False)
        yield LogLines(id="lines")
        yield Static(id="whole", markup=False)
        yield Input(id="filter", placeholder="vm, job, words, failed …", compact=True)
        yield KeyLine()

    def on_mount(self) -> None:
        """Read, and read again whenever a job changes."""
        self._leave = self._engine.store.subscribe(self._take_in, interval=0.5)
        self.query_one(LogLines).focus()
        self.read()

    def on_unmount(self) -> None:
        """No more changes are wanted."""
        if self._leave:
            self._leave()

    def _take_in(self, changes: Changes) -> None:
        if changes.jobs:
            self.read()

    @work(exclusive=True)
    async def read(self) -> None:
        """Read the journal anew."""
        journal = self._engine.journal
        self.query_one(LogLines).show(await journal.entries(_MOST))
        self._say("#caution", f"{marks.CAUTION.glyph} {journal.caution}" if journal.caution else "")
        self._say("#cut-off", "\n".join(_about(cut) for cut in self._engine.cut_off))

    def _say(self, place: str, words: str) -> None:
        widget = self.query_one(place, Static)
        widget.update(words)
        widget.display = bool(words)

    @on(Input.Changed, "#filter")
    def _filter(self, event: Input.Changed) -> None:
        self.query_one(LogLines).filter(event.value)

    @on(Input.Submitted, "#filter")
    def _keep_filter(self) -> None:
        self.query_one(LogLines).focus()

    @on(LogLines.Highlighted)
    def _show_whole(self, event: LogLines.Highlighted) -> None:
        entry = event.entry
        words = "" if entry is None else f"{entry.vm.site}/{entry.vm_name} · job {entry.job} · {entry.text}"
        self._say("#whole", clean(words))

    def action_filter(self) -> None:
        """Ask for words."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def action_back(self) -> None:
        """Out of the filter, then out of the log."""
        field = self.query_one("#filter", Input)
        if not field.display:
            self.dismiss()
            return
        field.value = ""
        field.display = False
        self.query_one(LogLines).focus()


def _about(cut: CutOff) -> str:
    """A job that was cut off, in one line."""
    shown = marks.job_mark("cut off")
    step = f", during “{cut.step}”" if cut.step else ""
    now = cut.now or "it is being looked into"
    return clean(f"{shown.text} {sizes.moment(cut.began)}  {cut.vm_name}: {cut.title}{step}: {now}")
