"""Ctrl-C while several vms are at work: once asks all of it to stop, twice leaves it."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vmsnap_tui.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def stoppable(stop: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """`stop` is called at the first Ctrl-C; what is given says whether that has been."""
    asked = False
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        nonlocal asked
        asked = True
        loop.remove_signal_handler(signal.SIGINT)  # the next one is Python's own again, and ends the program
        note("Asked to stop: nothing more is begun, and what is ends as soon as it safely can. Ctrl-C again leaves it.")
        stop()

    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        yield lambda: asked
    finally:
        loop.remove_signal_handler(signal.SIGINT)
