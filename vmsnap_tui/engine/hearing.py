"""Since when a site has not answered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 5.0
"""Seconds without any answer to an open question after which a site counts as silent."""


class Hearing:
    """Keeps track of questions and answers. `tell` is called when silence begins or ends, and once a second or so
    while answers come in.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self.heard: datetime | None = None
        self.silent: datetime | None = None
        self._tell = tell
        self._open = 0
        self._quiet_since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def asked(self) -> None:
        """A question was put."""
        self._open += 1
        if self._open == 1:
            self._quiet_since = asyncio.get_running_loop().time()
        self._set_timer(PATIENCE)

    def answered(self, *, heard: bool) -> None:
        """A question is done with; `heard` says whether it was the site that answered."""
        self._open -= 1
        if heard:
            self.sign_of_life()

    def sign_of_life(self) -> None:
        """Something was heard of the site."""
        now = datetime.now(UTC)
        self._quiet_since = asyncio.get_running_loop().time()
        news = self.heard is None or self.silent is not None or now - self.heard > timedelta(seconds=1)
        if self.silent is not None:
            self.silent = None
            self._set_timer(PATIENCE)
        if news:
            self.heard = now
            self._tell()

    def end(self) -> None:
        """Stop listening."""
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self, seconds: float) -> None:
        if self._timer is None and self._open:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._check)

    def _check(self) -> None:
        self._timer = None
        if not self._open or self.silent is not None:
            return
        quiet = asyncio.get_running_loop().time() - self._quiet_since
        if quiet < PATIENCE:
            self._set_timer(PATIENCE - quiet)
        else:
            self.silent = datetime.now(UTC) - timedelta(seconds=quiet)
            self._tell()
