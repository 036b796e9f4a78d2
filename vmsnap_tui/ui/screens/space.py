"""What takes space on all sites: by vm, snapshot, age or site."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer

from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.space import By, space
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.ui.widgets.space import SpaceView

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from textual.app import ComposeResult

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.survey import Survey

_ORDER = (By.VM, By.SNAPSHOT, By.AGE, By.SITE)


class SpaceScreen(Screen[VmRef | None]):
    """Site by site as the answers come. Ends with the vm that is wanted, if any."""

    DEFAULT_CSS = """
    SpaceScreen { background: $background; #uses { height: 1fr; } }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "turn", "Group", id="space.by", tooltip="Put together by vm, snapshot, age, site"),
        Binding("u", "read", "Refresh", id="refresh", show=False, tooltip="Read all sites anew"),
        Binding("escape", "back", "Back", id="space.back", tooltip="Back to the main screen"),
    ]

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._engine = engine
        self._now = now
        self._by = By.VM
        self._surveys: dict[str, Survey] = {}
        self._said: dict[str, tuple[str, str]] = {}
        """Of each site that gave no answer (yet): words and their style."""

    def compose(self) -> ComposeResult:
        """Bars, and the keys."""
        yield SpaceView(id="uses", classes="pane")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Ask all sites."""
        self.action_read()

    @work(exclusive=True)
    async def action_read(self) -> None:
        """Ask all sites anew, side by side. What is known stays on the screen meanwhile."""
        await asyncio.gather(*(self._ask(name) for name in self._engine.store.sites))

    async def _ask(self, name: str) -> None:
        view = self._engine.store.sites[name]
        if view.status is not SiteStatus.ONLINE:
            self._said[name] = (f"{marks.CAUTION.glyph} {name} does not answer now; u tries again.", "warning")
            self._show()
            return
        self._said[name] = (f"Reading {name}…", "foreground-muted")
        self._show()
        try:
            self._surveys[name] = await self._engine.survey(name)
            del self._said[name]
        except VmsnapError as error:
            self._said[name] = (f"{marks.REFUSED.glyph} {name}: {clean(error.words)}", "error")
        self._show()

    def _show(self) -> None:
        uses = space(self._surveys, self._by, self._now())
        view = self.query_one(SpaceView)
        # What deleting snapshots frees overlaps: only the other groupings add up.
        whole = space(self._surveys, By.SITE, self._now()) if self._by is By.SNAPSHOT else uses
        total = sum(use.used for use in whole)
        title = f"Space by {self._by.value} · {sizes.size(total)} in all, as far as the storage tells"
        view.border_title = Content(title)
        notes = [("", ""), *self._said.values()]
        notes += [
            (f"{marks.CAUTION.glyph} {words}", "warning") for each in self._surveys.values() for words in each.blind
        ]
        if self._by is By.SNAPSHOT:
            notes.append(("An estimate: what deleting that snapshot alone would free.", "foreground-muted"))
        view.show(uses, notes)

    def action_turn(self) -> None:
        """Put together by something else."""
        self._by = _ORDER[(_ORDER.index(self._by) + 1) % len(_ORDER)]
        self._show()

    @on(SpaceView.Selected)
    def _open(self, event: SpaceView.Selected) -> None:
        if event.use.vm:
            self.dismiss(event.use.vm)

    def action_back(self) -> None:
        """Back to the main screen."""
        self.dismiss(None)
