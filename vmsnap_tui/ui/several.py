"""From a key to a snapshot of several vms."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Any

    from textual.app import App

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.vm import Vm


async def take_several(engine: Engine, app: App[Any], vms: Sequence[Vm], now: Callable[[], datetime]) -> None:
    """Ask, begin, and follow until somebody leaves it. To be awaited in a worker."""
    # Only who takes one pays for it.
    from vmsnap_tui.engine import taking
    from vmsnap_tui.ui.screens.group import GroupScreen
    from vmsnap_tui.ui.screens.together import TogetherScreen

    chosen = await app.push_screen_wait(TogetherScreen(engine, vms, now))
    if chosen is not None:
        job = taking.begin(engine, chosen.title, chosen.shares, limit=chosen.limit)
        await app.push_screen_wait(GroupScreen(engine, job, now))
