"""A terminal that nobody looks at: Textual paints in full, and it is known when."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from textual import events
from textual.driver import Driver
from textual.geometry import Size

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (120, 36)
LEAVE_AT = "BENCH_LEAVE_AT"
"""Environment variable: the process ends as soon as this text is painted."""


class Sink(Driver):
    """Takes what is painted and throws it away.

    Not Textual's own headless driver, for which escape sequences are not even made.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through
        self._leave_at = os.environ.get(LEAVE_AT)
        self._is_awaited: Callable[[], bool] = lambda: False
        self._painted: asyncio.Future[None] | None = None

    def write(self, data: str) -> None:
        """A part of the screen is painted."""
        if self._leave_at and self._leave_at in data:
            os._exit(0)
        if self._painted and not self._painted.done() and self._is_awaited():
            self._painted.set_result(None)

    def next_paint(self, is_awaited: Callable[[], bool]) -> asyncio.Future[None]:
        """Done with the first paint at which `is_awaited` says so."""
        self._is_awaited = is_awaited
        self._painted = asyncio.get_running_loop().create_future()
        return self._painted

    def start_application_mode(self) -> None:
        """Tell the size, which begins it all."""
        size = Size(*SIZE)
        self.send_message(events.Resize(size, size))

    def disable_input(self) -> None:
        """There is none."""

    def stop_application_mode(self) -> None:
        """Nothing to restore."""
