"""What went wrong inside the program: one line for the user, the rest into the log file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def written_down(error: Exception) -> Iterator[None]:
    """What is logged inside goes to the log file; afterwards the user hears what it was, and where that file is."""
    from vmsnap_tui.engine.locations import log_file, state_folder
    from vmsnap_tui.engine.log import log_to

    file = log_file(state_folder())
    end = log_to(file)
    yield
    end()
    what = clean(f"{type(error).__name__}: {error}", limit=300)
    where = f"the details are in {file}" if file.exists() else f"{file} could not be written"
    click.echo(f"vmsnap: something went wrong inside the program ({what}); {where}", err=True)
