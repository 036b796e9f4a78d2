"""What went wrong inside the program: one line for the user, the rest into the log file."""

from __future__ import annotations

import logging

import click

from vmsnap_tui.model.text import clean


def log_to_file() -> str:
    """Send the program's log to its file, and say where that is."""
    from vmsnap_tui.engine.locations import log_file, state_folder

    file = log_file(state_folder())
    handler: logging.Handler = logging.NullHandler()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(file, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        where = f"the details could not be written to {file}: {error.strerror}"
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        where = f"the details are in {file}"
    log = logging.getLogger("vmsnap_tui")
    log.addHandler(handler)
    log.propagate = False
    return where


def tell(error: Exception, where: str) -> None:
    """Say in one line what nobody expected."""
    what = clean(f"{type(error).__name__}: {error}", limit=300)
    click.echo(f"vmsnap: something went wrong inside the program ({what}); {where}", err=True)
