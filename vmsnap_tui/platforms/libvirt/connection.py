"""One libvirt connection that can be lost and taken up again, and the one event loop that all of them need."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import libvirt

from vmsnap_tui.model.errors import Denied, Unreachable
from vmsnap_tui.platforms.libvirt.errors import translated, typed_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vmsnap_tui.model.errors import VmsnapError

_KEEPALIVE_PAUSE = 5  # seconds between two probes of a silent connection
_KEEPALIVE_COUNT = 3  # unanswered ones after which it counts as broken
_SPARE = 8  # connections that are kept for the next steps, and for who polls beside them
_NOT_OPEN = Unreachable("not connected", "refresh the site to connect now")

_once = threading.Lock()
_running = False


def _silent(_context: object, _error: object) -> None:
    """Keeps libvirt from printing its errors to stderr, in the middle of the screen."""


def _run_events() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            time.sleep(0.1)  # a failing poll must not turn into a busy loop


def _start_events() -> None:
    """Start libvirt's event loop. It must be registered before the first connection is opened."""
    global _running  # noqa: PLW0603 - libvirt itself has one event loop a process
    with _once:
        if _running:
            return
        libvirt.registerErrorHandler(_silent, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_run_events, name="libvirt-events", daemon=True).start()
        _running = True


def _nobody() -> None:
    """Nobody wants to know."""


def without_prompt(uri: str) -> str:
    """The URI, told not to let ssh ask for anything on the terminal that the screen is drawn on."""
    parts = urlsplit(uri)
    if not parts.scheme.endswith("+ssh") or "no_tty=" in parts.query:
        return uri
    # By hand: urlunsplit would drop the empty host of a `qemu+ssh:///…`.
    base, _, fragment = uri.partition("#")
    return base + ("&" if parts.query else "?") + "no_tty=1" + (f"#{fragment}" if fragment else "")


def _cannot_open(error: libvirt.libvirtError) -> VmsnapError:
    typed = translated(error)
    if isinstance(typed, Unreachable | Denied):
        return typed
    return Unreachable(typed.words, "check the site's URI")  # such as a file missing behind a test:/// URI


class Connection:
    """A connection that many threads share; libvirt keeps it safe for that. Only opening is serialized."""

    def __init__(self, uri: str, *, read_only: bool = False) -> None:
        self.uri = uri
        self.read_only = read_only
        self._opening = threading.Lock()
        self._conn: libvirt.virConnect | None = None
        self._error: VmsnapError = _NOT_OPEN
        self._handles: dict[str, libvirt.virDomain] = {}
        self._knows_all = False
        self._spare: list[libvirt.virConnect] = []
        self._one_by_one = threading.Lock()
        self.away: dict[str, frozenset[str]] = {}
        """The domains that this program is putting back to a snapshot, by id, with the places that they needed before.

        libvirt answers nothing about such a domain until it is back, nor any question about all domains.
        """
        self.stirred: Callable[[], None] = _nobody
        """Called, in any thread, when the connection was opened, lost or closed, or something seems wrong with it."""

    @property
    def is_local(self) -> bool:
        """Whether the host's files are this machine's files."""
        parts = urlsplit(self.uri)
        return not parts.hostname and parts.scheme in {"qemu", "qemu+unix", "ch", "xen", "lxc", "bhyve"}

    @property
    def raw(self) -> libvirt.virConnect:
        """libvirt's own connection. Raises Unreachable at once while there is none."""
        conn = self._conn
        if conn is None:
            raise type(self._error)(self._error.words, self._error.hint)
        return conn

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._conn is not None

    def open(self) -> libvirt.virConnect:
        """Connect, or keep a connection that still stands. Raises Unreachable or Denied."""
        with self._opening:
            if self._conn is not None and self._stands(self._conn):
                return self._conn
            try:
                self._conn = conn = self._connected()
            except libvirt.libvirtError as error:
                self._conn, self._error = None, _cannot_open(error)
                self._forget()
                raise self._error from error
            self._forget()
        self.stirred()
        return conn

    def close(self) -> None:
        """Let the connection go."""
        self.lose(_NOT_OPEN)

    def lose(self, error: VmsnapError, conn: libvirt.virConnect | None = None) -> None:
        """Count the connection as broken: every call raises `error` until it is opened again.

        Given `conn`, only if that is still the one: another thread may have opened a new one by now.
        """
        if conn is not None and self._conn is not conn:
            return
        conn, self._conn, self._error = self._conn, None, error
        self._forget()
        # Not closed by force: other threads may be in a call of its. The last of them lets go of it.
        for each in filter(None, (conn, *self._spare)):
            with suppress(libvirt.libvirtError):  # the driver may have none
                each.unregisterCloseCallback()
        self._spare = []
        self.stirred()

    def check(self) -> None:
        """See whether the connection still stands, without asking the other side. Raises Unreachable."""
        conn = self.raw
        if not self._stands(conn):
            lost = Unreachable("the connection to libvirt broke", "vmsnap takes it up again by itself")
            self.lose(lost, conn)
            raise lost

    def domain(self, vm_id: str) -> libvirt.virDomain:
        """The domain of a UUID. Raises Missing."""
        try:
            domain = self.raw.lookupByUUIDString(vm_id)
        except libvirt.libvirtError as error:
            raise translated(error) from error
        self._handles[vm_id] = domain
        return domain

    def handle(self, vm_id: str) -> libvirt.virDomain:
        """The same from memory where it was seen before, which saves a call; it may be gone, or renamed, by now."""
        conn, handle = self.raw, self._handles.get(vm_id)
        return handle if handle is not None and handle.connect() is conn else self.domain(vm_id)

    def known(self) -> list[str]:
        """The ids of the domains that were seen."""
        return list(self._handles)

    def remember(self, domains: Iterable[libvirt.virDomain]) -> dict[str, libvirt.virDomain]:
        """Take these, by id, for all the domains that there are."""
        self._handles = {domain.UUIDString(): domain for domain in domains}
        self._knows_all = True
        return self._handles

    def domains(self) -> list[libvirt.virDomain]:
        """All domains; while some of them are away, all that were seen. Raises libvirtError."""
        if not (self.away and self._knows_all):
            self.remember(self.raw.listAllDomains())
        return list(self._handles.values())

    @contextmanager
    def putting_back(self, vm_id: str, places: frozenset[str]) -> Iterator[None]:
        """Inside, nobody asks libvirt about this domain, which needs these places as long as nobody can look."""
        self.away[vm_id] = places
        try:
            yield
        finally:
            del self.away[vm_id]
            self.stirred()

    def snapshot(self, domain: libvirt.virDomain, name: str) -> libvirt.virDomainSnapshot:
        """The snapshot of that name. Raises Missing."""
        try:
            return domain.snapshotLookupByName(name)
        except libvirt.libvirtError as error:
            raise translated(error) from error

    @contextmanager
    def acting(self, vm_id: str) -> Iterator[libvirt.virDomain]:
        """The domain of a UUID for one step, on a connection that nobody else uses. Raises Unreachable and Missing.

        On a shared one a question may wait for another's call to end, such as a restore that takes a minute: a client
        of libvirt 9 at times misses that a second thread has something to send (measured with 9.0).
        """
        if self.raw.getType() == "TEST":  # it works within this process, and each connection may have its own world
            yield self.domain(vm_id)
            return
        with self.second() as conn:
            with typed_errors():
                domain = conn.lookupByUUIDString(vm_id)
            yield domain

    @contextmanager
    def second(self) -> Iterator[libvirt.virConnect]:
        """A connection that nobody else uses, also for polling beside a call that takes long. Raises Unreachable.

        It is kept for the next one who needs such: to log in may take a second.
        """
        main = self._conn
        conn = self._spare_one()
        try:
            yield conn
        finally:
            if main is not None and self._conn is main and len(self._spare) < _SPARE and self._stands(conn):
                self._spare.append(conn)
            else:
                with suppress(libvirt.libvirtError):  # it may have broken meanwhile
                    conn.close()

    def _spare_one(self) -> libvirt.virConnect:
        """New ones are opened one by one: an ssh server turns away who comes with many that are not logged in yet."""
        with self._one_by_one:
            while self._spare:
                if self._stands(conn := self._spare.pop()):
                    return conn
            with typed_errors():
                return self._connected()

    def _forget(self) -> None:
        """Handles are of one connection."""
        self._handles, self._knows_all = {}, False

    def _connected(self) -> libvirt.virConnect:
        _start_events()
        uri = without_prompt(self.uri)
        conn = libvirt.openReadOnly(uri) if self.read_only else libvirt.open(uri)
        # A driver in this very process has no need of it; one that broke meanwhile is found out by the first call. The
        # code can't tell: a handle that is freed just then (by Python's collector) wipes the error.
        with suppress(libvirt.libvirtError):
            conn.setKeepAlive(_KEEPALIVE_PAUSE, _KEEPALIVE_COUNT)
            conn.registerCloseCallback(self._closed, None)
        return conn

    def _closed(self, _conn: object, _reason: int, _opaque: object) -> None:
        """Called by libvirt's event loop: wake the watch, which finds out what is the matter."""
        self.stirred()

    def _stands(self, conn: libvirt.virConnect) -> bool:
        try:
            return bool(conn.isAlive())
        except libvirt.libvirtError:
            return False
