"""From a key of the main screen to another screen. Each is imported when it is wanted, since that takes a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.ui.several import prune_several

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from textual.screen import Screen

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm


class Opening:
    """The screens that one screen leads to."""

    def __init__(self, engine: Engine, screen: Screen[None], confirm: Confirm, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._screen = screen
        self._confirm: Confirm = confirm
        self._now = now

    def chain(self, vm: Vm, snapshot: Snapshot | None) -> None:
        """What holds the data of a vm."""
        from vmsnap_tui.ui.screens.chain import ChainScreen

        screen = ChainScreen(self._engine, vm, snapshot, confirm=self._confirm, now=self._now)
        self._screen.app.push_screen(screen)

    def compare(self, vm: Vm, here: Snapshot, marked: Sequence[Snapshot]) -> None:
        """The highlighted snapshot with now, or two where one or two are marked."""
        from vmsnap_tui.ui.screens.compare import CompareScreen

        others = [each for each in marked if each.id != here.id]
        if len(marked) == 2:
            self._screen.app.push_screen(CompareScreen(self._engine, vm, *marked))
        elif len(others) > 1:
            words = "More than two snapshots are marked; space takes a mark away."
            self._screen.notify(words, severity="warning")
        else:
            self._screen.app.push_screen(CompareScreen(self._engine, vm, here, others[0] if others else None))

    async def space(self) -> VmRef | None:
        """What takes space. The vm that is wanted then, if any. To be awaited in a worker."""
        from vmsnap_tui.ui.screens.space import SpaceScreen

        return await self._screen.app.push_screen_wait(SpaceScreen(self._engine, self._now))

    async def prune(self, vms: Sequence[Vm]) -> None:
        """What nobody wants to keep of these vms. To be awaited in a worker."""
        await prune_several(self._engine, self._screen.app, vms, confirm=self._confirm, now=self._now)

    def labs(self, marked: Sequence[Vm]) -> None:
        """All labs; a new one can be made of the marked vms."""
        from vmsnap_tui.ui.screens.labs import LabsScreen

        self._screen.app.push_screen(LabsScreen(self._engine, marked, confirm=self._confirm, now=self._now))

    def timeline(self, vms: Sequence[Vm]) -> None:
        """These vms on one line of time."""
        from vmsnap_tui.ui.screens.timeline import TimelineScreen

        self._screen.app.push_screen(TimelineScreen(self._engine, vms, confirm=self._confirm, now=self._now))
