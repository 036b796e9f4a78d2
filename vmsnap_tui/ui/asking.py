"""From a key to a job: ask for a plan, submit it, and ask again if the world moves meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.engine.jobs import PlanMoved
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.ui.screens.delete import DeleteScreen
from vmsnap_tui.ui.screens.edit import EditScreen
from vmsnap_tui.ui.screens.plan import PlanScreen
from vmsnap_tui.ui.screens.restore import RestoreScreen
from vmsnap_tui.ui.screens.take import TakeScreen
from vmsnap_tui.ui.several import take_several

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from textual.screen import Screen

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.plan import Plan, Request
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm


class Asking:
    """The dialogues of one screen. To be awaited in a worker."""

    def __init__(self, engine: Engine, screen: Screen[None], confirm: Confirm, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._screen = screen
        self._confirm: Confirm = confirm
        self._now = now

    async def take(self, vms: Sequence[Vm]) -> None:
        """Of one vm, or of several as one moment."""
        if len(vms) == 1:
            await self._ask(TakeScreen(self._engine, vms[0], confirm=self._confirm, now=self._now))
        elif vms:
            await take_several(self._engine, self._screen.app, vms, self._now)

    async def restore(self, vm: Vm, snapshot: Snapshot) -> None:
        """Of one vm."""
        await self._ask(RestoreScreen(self._engine, vm, snapshot, confirm=self._confirm, now=self._now))

    async def delete(self, vm: Vm, snapshots: Sequence[Snapshot]) -> None:
        """Each in turn, until somebody says no."""
        for snapshot in snapshots:
            if not await self._ask(DeleteScreen(self._engine, vm, snapshot, confirm=self._confirm, now=self._now)):
                return

    async def edit(self, vm: Vm, snapshot: Snapshot) -> None:
        """One snapshot's name and description."""
        await self._ask(EditScreen(self._engine, vm, snapshot, confirm=self._confirm, now=self._now))

    async def act(self, vm_name: str, request: Request) -> None:
        """Whatever is asked for without a dialogue of its own: its plan, and on."""
        try:
            facts = await self._engine.facts(request.vm)
        except VmsnapError as error:
            self._screen.app.notify(str(error), title=vm_name, severity="error", timeout=12, markup=False)
            return
        await self._ask(PlanScreen(facts.plan(request), confirm=self._confirm))

    async def _ask(self, screen: Screen[Plan | None]) -> bool:
        """Whether a plan was confirmed and taken up."""
        app = self._screen.app
        plan = await app.push_screen_wait(screen)
        while plan is not None:
            try:
                await self._engine.jobs.submit(plan)
            except PlanMoved as moved:
                again = PlanScreen(moved.plan, before=plan, confirm=self._confirm)
                plan = await app.push_screen_wait(again)
            except VmsnapError as error:
                app.notify(str(error), title=plan.title, severity="error", timeout=12, markup=False)
                return False
            else:
                return True
        return False
