"""Watches a libvirt site: passes on what is heard, and says when the connection is lost and when it is back.

The thread that watches asks libvirt nothing itself, so that it sees a broken connection, and is told to stop, while a
call hangs. (Of two calls that wait on a connection that its keepalive gives up, libvirt ends but one.)
"""

from __future__ import annotations

from queue import Empty
from typing import TYPE_CHECKING

from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.platforms.libvirt.listening import Listening, Prints

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.libvirt.connection import Connection

_BREATH = 0.2  # seconds after which a stop or a broken connection is noticed at the latest


class Watch:
    """Watches one site in the thread that calls `run`."""

    def __init__(self, connection: Connection, site: str) -> None:
        self._connection = connection
        self._site = site
        self._prints = Prints()

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """Whose snapshots are looked at about once a second."""
        self._prints.on_screen = vms

    def saw(self, vm_id: str, snapshots: int) -> None:
        """What `print_of` gives of this vm's snapshots as they were read last: only a difference is a change."""
        self._prints.seen[vm_id] = snapshots

    def run(self, emit: Callable[[Change], None], stop: Event) -> None:
        """Emit changes until `stop` is set."""
        lost = False
        while not stop.is_set():
            listening = Listening(self._connection, self._site, self._prints, lost=lost)
            try:
                error = self._passed_on(listening, emit, stop)
            finally:
                listening.end()
            lost = lost and not listening.stands
            if error is not None and not lost and not stop.is_set():
                emit(Change(ChangeKind.LOST, error=error))
                lost = True

    def _passed_on(self, listening: Listening, emit: Callable[[Change], None], stop: Event) -> VmsnapError | None:
        """Emit what is told until it is over. The error, if the connection broke."""
        while not stop.is_set():
            try:
                told = listening.told.get(timeout=_BREATH)
            except Empty:
                try:
                    if listening.stands:
                        self._connection.check()
                except VmsnapError as error:
                    return error
            else:
                if not isinstance(told, Change):
                    return told
                emit(told)
        return None
