"""What takes space on all sites: by vm, snapshot, age or site."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen

from vmsnap_tui.engine.lane import Lane
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.space import By, space
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.ui.widgets.key_line import KeyLine
from vmsnap_tui.ui.widgets.space import SpaceView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from textual.app import ComposeResult
    from textual.worker import Worker

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.space import Use
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
        self._is_stale = False
        """Whether something changed since it was last begun to add up."""
        self._adding: Worker[None] | None = None
        self._lane = Lane("space", 1)

    def compose(self) -> ComposeResult:
        """Bars, and the keys."""
        yield SpaceView(id="uses", classes="pane")
        yield KeyLine()

    def on_mount(self) -> None:
        """Ask all sites."""
        self.action_read()

    def on_unmount(self) -> None:
        """Nobody waits for sums any more."""
        self._lane.close()

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
        self._is_stale = True
        if self._adding is None or self._adding.is_finished:
            self._adding = self._add_up()

    @work(group="show")
    async def _add_up(self) -> None:
        """In a thread, since that takes seconds for a hundred thousand layers; never twice at a time."""
        while self._is_stale:
            self._is_stale = False
            by, surveys = self._by, dict(self._surveys)
            uses, total = await self._lane.call(partial(_sums, surveys, by, self._now()))
            if by is self._by:
                self._fill(uses, total, surveys)

    def _fill(self, uses: Sequence[Use], total: int, surveys: Mapping[str, Survey]) -> None:
        view = self.query_one(SpaceView)
        title = f"Space by {self._by.value} · {sizes.size(total)} in all, as far as the storage tells"
        view.border_title = Content(title)
        notes = [("", ""), *self._said.values()]
        notes += [(f"{marks.CAUTION.glyph} {words}", "warning") for each in surveys.values() for words in each.blind]
        if self._by is By.SNAPSHOT:
            notes.append(("An estimate: what deleting that snapshot alone would free.", "foreground-muted"))
        view.show(uses, notes)

    def action_turn(self) -> None:
        """Put together by something else."""
        self._by = _ORDER[(_ORDER.index(self._by) + 1) % len(_ORDER)]
        self.query_one(SpaceView).border_title = Content(f"Space by {self._by.value} · adding up…")
        self._show()

    @on(SpaceView.Selected)
    def _open(self, event: SpaceView.Selected) -> None:
        if event.use.vm:
            self.dismiss(event.use.vm)

    def action_back(self) -> None:
        """Back to the main screen."""
        self.dismiss(None)


def _sums(surveys: Mapping[str, Survey], by: By, now: datetime) -> tuple[Sequence[Use], int]:
    """All heaps, and what they come to."""
    uses = space(surveys, by, now)
    # What deleting snapshots frees overlaps: only the other groupings add up.
    whole = space(surveys, By.SITE, now) if by is By.SNAPSHOT else uses
    return uses, sum(use.used for use in whole)
