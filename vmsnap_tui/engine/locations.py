"""Where the files of the program lie: all paths in one place."""

from __future__ import annotations

from pathlib import Path

APP = "vmsnap"


def state_folder() -> Path:
    """The user's state folder: journal and log. It may not exist yet."""
    import platformdirs

    return Path(platformdirs.user_state_path(APP, appauthor=False))


def journal_file(state: Path) -> Path:
    """The journal within a state folder."""
    return state / "journal.sqlite"


def log_file(state: Path) -> Path:
    """The log of what went wrong inside the program, within a state folder."""
    return state / "vmsnap.log"
