"""From a key to something done to several vms: asked, begun, and followed until somebody leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Any

    from textual.app import App

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.retention import Policy
    from vmsnap_tui.model.vm import Vm
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm


async def take_several(engine: Engine, app: App[Any], vms: Sequence[Vm], now: Callable[[], datetime]) -> None:
    """A snapshot of them. To be awaited in a worker."""
    # Each is imported when it is wanted, since that takes a moment.
    from vmsnap_tui.engine import taking
    from vmsnap_tui.ui.screens.group import GroupScreen
    from vmsnap_tui.ui.screens.together import TogetherScreen

    chosen = await app.push_screen_wait(TogetherScreen(engine, vms, now))
    if chosen is not None:
        job = taking.begin(engine, chosen.title, chosen.shares, limit=chosen.limit)
        await app.push_screen_wait(GroupScreen(engine, job, now))


async def prune_several(
    engine: Engine,
    app: App[Any],
    vms: Sequence[Vm],
    *,
    confirm: Confirm,
    now: Callable[[], datetime],
    policy: Policy | None = None,
) -> None:
    """What nobody wants to keep of them; `policy` is what the fields begin with. To be awaited in a worker."""
    from vmsnap_tui.engine import prune
    from vmsnap_tui.ui.screens.group import GroupScreen
    from vmsnap_tui.ui.screens.prune import PruneScreen

    prunings = await app.push_screen_wait(PruneScreen(engine, vms, confirm=confirm, policy=policy))
    if prunings:
        await app.push_screen_wait(GroupScreen(engine, prune.begin(engine, prunings), now))
