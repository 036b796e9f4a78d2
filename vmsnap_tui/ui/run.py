"""Start the app on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.ui.app import VmsnapApp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vmsnap_tui.model.lab import LabRule
    from vmsnap_tui.model.vm import Site
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm


def run_app(
    sites: Sequence[Site],
    *,
    notice: str = "",
    read_only: bool = False,
    theme: str | None = None,
    keys: Mapping[str, str] | None = None,
    confirm: Confirm = "type",
    labs: Sequence[LabRule] = (),
) -> int:
    """Show these sites until somebody leaves. Returns the exit code.

    `notice` is said in the header, `keys` maps ids of bindings to keys, `confirm` is how data loss is confirmed.
    """
    engine = Engine(sites, read_only=read_only, labs=labs)
    app = VmsnapApp(engine, notice=notice, theme=theme or "", keys=keys, confirm=confirm)
    app.run()
    return app.return_code or 0
