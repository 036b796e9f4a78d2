"""Watches a cloud by polling: fast while something moves, slower and slower while nothing does."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.openstack.convert import task_of
from vmsnap_tui.platforms.openstack.snapshots import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.platforms.openstack.inventory import Inventory
    from vmsnap_tui.platforms.openstack.snapshots import Things

Record = dict[str, Any]

_FAST, _SLOW = 1.0, 30.0  # seconds between two polls
_AWAKE = 20.0  # seconds for which it stays fast after the last change
_SHARE = 4.0  # a poll that takes long is followed by a pause this much longer, so that a large cloud is not worn out
_MANY = 10  # servers that moved between two polls, above which all are listed
_OVERLAP = timedelta(seconds=2)  # Nova's times are whole seconds


class Watch:
    """Watches one cloud in the thread that calls `run`."""

    def __init__(self, inventory: Inventory, site: str) -> None:
        self._inventory = inventory
        self._site = site
        self._seen: dict[str, int] = {}
        self._states: dict[str, tuple[object, ...]] = {}
        self._on_screen: frozenset[VmRef] = frozenset()
        self._moved_at = 0.0

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """What is on the screen keeps the pauses short."""
        self._on_screen = vms

    def stir(self) -> None:
        """Something is being done: look often."""
        self._moved_at = time.monotonic()

    def saw(self, things: Things) -> None:
        """A server's snapshots as they were read last: only a difference is a change."""
        self._seen[things.server["id"]] = _print_of(things)

    def run(self, emit: Callable[[Change], None], stop: Event) -> None:
        """Emit changes until `stop` is set."""
        since: datetime | None = None
        lost = False
        pause = _FAST
        while not stop.is_set():
            began = time.monotonic()
            try:
                since = self._poll(since, emit)
            except VmsnapError as error:
                if not lost:
                    emit(Change(ChangeKind.LOST, error=error))
                lost, since = True, None
            else:
                if lost:
                    emit(Change(ChangeKind.BACK))
                lost = False
                emit(Change(ChangeKind.LOOKED))
            now = time.monotonic()
            awake = now - self._moved_at < _AWAKE
            slowest = _SLOW / 3 if self._on_screen else _SLOW
            pause = _FAST if awake else min(slowest, pause * 1.3)
            pause = max(pause, (now - began) * (1 if awake else _SHARE))
            self._sleep(pause * random.uniform(0.85, 1.15), stop)  # noqa: S311 - nothing secret about it

    def _sleep(self, seconds: float, stop: Event) -> None:
        """Sleep, but wake up when something stirs."""
        end, before = time.monotonic() + seconds, self._moved_at
        while (left := end - time.monotonic()) > 0 and not stop.wait(min(0.25, left)):
            if self._moved_at > before and left > _FAST:
                return

    def _poll(self, since: datetime | None, emit: Callable[[Change], None]) -> datetime:
        text = ((since or datetime.now(UTC) - timedelta(seconds=60)) - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")
        moved, at = self._inventory.changed_servers(text)
        changes = [change for server in moved if (change := self._change_of(server))]
        if len(changes) > _MANY:  # a list anew takes fewer requests than so many servers one by one
            changes = [Change(ChangeKind.ALL)]
        for change in changes:
            self._change(change, emit)
        self._inventory.picture(fresh=True)
        self._compare(emit)
        return at if isinstance(at, datetime) else datetime.now(UTC)

    def _change_of(self, server: Record) -> Change | None:
        """What is new of a server that moved, None where it was told before."""
        ref, kind = VmRef(self._site, server["id"]), ChangeKind.VM
        state = tuple(str(server.get(key)) for key in ("updated", "status", "OS-EXT-STS:task_state", "name"))
        if server.get("status") == "DELETED" or server.get("OS-EXT-STS:vm_state") == "deleted":
            kind, state = ChangeKind.GONE, ("deleted",)
        elif task_of(server):
            self.stir()
        if self._states.get(ref.id) == state:
            return None
        self._states[ref.id] = state
        return Change(kind, ref)

    def _compare(self, emit: Callable[[Change], None]) -> None:
        for id_, server in list(self._inventory.known_servers().items()):
            found = _print_of(self._inventory.pictured(server))
            if id_ in self._seen and self._seen[id_] != found:
                self._change(Change(ChangeKind.SNAPSHOTS, VmRef(self._site, id_)), emit)
            self._seen[id_] = found

    def _change(self, change: Change, emit: Callable[[Change], None]) -> None:
        self.stir()
        emit(change)


def _print_of(things: Things) -> int:
    metadata = things.server.get("metadata") or {}
    noted = tuple(sorted((key, value) for key, value in metadata.items() if key.startswith("vmsnap_")))
    volumes = ({"id": volume["id"], "status": volume.get("status")} for volume in things.volumes)
    return hash(
        (fingerprint(things.images), fingerprint(things.snaps), fingerprint(volumes), noted, *things.heirs.items())
    )
