"""Has a watchdog look after guests while they are frozen together: it goes on when this program does not."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from vmsnap_tui.engine.lane import Lane
from vmsnap_tui.engine.watchdog import GO, OVER, READY, Watch
from vmsnap_tui.model.errors import Failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.model.vm import Site, VmRef

log = logging.getLogger(__name__)

_PATIENCE = 30.0
"""Seconds that the watchdog may take to reach its sites."""
_HINT = "nothing was frozen and nothing taken; look at the log (vmsnap doctor says where)"


class Guard:
    """One watchdog."""

    def __init__(self, sites: Sequence[Site], vms: Sequence[VmRef], limit: float) -> None:
        self._watch = Watch(tuple(sites), tuple(vms), limit)
        self._process: subprocess.Popen[bytes] | None = None
        self._lane = Lane("watchdog", 1)

    async def ready(self) -> None:
        """Start it, and wait until it can thaw. Raises Failed."""
        try:
            said = await asyncio.wait_for(self._lane.call(self._start), _PATIENCE)
        except TimeoutError as error:
            self._kill()
            why = f"the watchdog has not reached its sites within {_PATIENCE:.0f} s"
            raise Failed(why, _HINT) from error
        except OSError as error:
            raise Failed(f"the watchdog could not be started: {error}", _HINT) from error
        if said != READY:
            raise Failed(f"the watchdog cannot look after the guests: {said.strip() or 'it ended at once'}", _HINT)

    def go(self) -> None:
        """Freezing begins. Called from any thread; whoever hears of an error here must freeze nobody."""
        self._say(GO)

    async def over(self, *, sure: bool = True) -> None:
        """Nobody is frozen any more. Where that is not `sure`, it looks for itself, and goes on as long as it takes."""
        if sure:
            with suppress(OSError, ValueError):
                self._say(OVER)
        await self._lane.call(self._end)
        self._lane.close()

    def _start(self) -> str:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vmsnap_tui.engine.watchdog"],  # nothing from the folder that we are in
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a signal to the terminal's processes does not reach it
        )
        self._say(self._watch.written())
        out = self._process.stdout
        return out.readline().decode() if out else ""

    def _kill(self) -> None:
        """Nothing has told it to go yet, so nobody needs it. Whoever still reads what it says comes back then."""
        if self._process is not None:
            self._process.kill()

    def _say(self, text: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            raise OSError("there is no watchdog")
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def _end(self) -> None:
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            log.warning("the watchdog goes on by itself")
