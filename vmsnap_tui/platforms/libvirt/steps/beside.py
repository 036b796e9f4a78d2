"""Watching a long call from beside it: on a connection of its own, in threads of its own."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.errors import VmsnapError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vmsnap_tui.platforms.libvirt.connection import Connection

    Watch = Callable[[libvirt.virDomain, Event], None]

_OPENING = 3.0  # seconds that the call waits for the second connection; without it nothing is seen, and all is done
_ENDING = 0.1  # seconds that the end of the call waits for the watches: they may hang in calls of theirs


@contextmanager
def beside(connection: Connection, vm_id: str, *watches: Watch) -> Iterator[None]:
    """Run `watches` while the body runs. Each gets the domain and an event that is set when the body ends.

    What goes wrong in them ends them and nothing else.
    """
    ready, done = Event(), Event()
    opener = Thread(target=_watch, args=(connection, vm_id, watches, ready, done), daemon=True, name="libvirt-beside")
    opener.start()
    ready.wait(_OPENING)
    try:
        yield
    finally:
        done.set()
        opener.join(_ENDING)


def _watch(connection: Connection, vm_id: str, watches: tuple[Watch, ...], ready: Event, done: Event) -> None:
    try:
        with connection.second() as conn:
            domain = conn.lookupByUUIDString(vm_id)
            threads = [Thread(target=_one, args=(watch, domain, done), daemon=True) for watch in watches]
            for thread in threads:
                thread.start()
            ready.set()
            for thread in threads:
                thread.join()
    except (libvirt.libvirtError, VmsnapError):
        return
    finally:
        ready.set()


def _one(watch: Watch, domain: libvirt.virDomain, done: Event) -> None:
    with suppress(libvirt.libvirtError):
        watch(domain, done)
