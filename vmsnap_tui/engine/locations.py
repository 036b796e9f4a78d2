"""Where the files of the program lie: all paths in one place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vmsnap_tui.model.vm import PlatformKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.model.vm import Site

APP = "vmsnap"


def state_folder(sites: Sequence[Site] = ()) -> Path:
    """The user's state folder: journal and log. It may not exist yet. What is done on the demo alone is kept apart."""
    import platformdirs

    folder = Path(platformdirs.user_state_path(APP, appauthor=False))
    only_demo = bool(sites) and all(site.kind is PlatformKind.DEMO for site in sites)
    return folder / "demo" if only_demo else folder


def journal_file(state: Path) -> Path:
    """The journal within a state folder."""
    return state / "journal.sqlite"


def log_file(state: Path) -> Path:
    """The log of what went wrong inside the program, within a state folder."""
    return state / "vmsnap.log"
