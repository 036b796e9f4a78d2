"""The OpenStack lab as tests use it: Keystone, Glance, Placement, Nova and Cinder as they are released, on loopback.

API, database, messaging, states and errors are the real ones. Machines are not: a server's root disk is a file that
nova's lab driver keeps, a volume is a file that cinder's lab driver keeps (see `cloud/`). So what a snapshot held and
what a restore brought back can be read from `root_disk` and `volume_file`, but no guest ever runs: that takes the
host of `virt.py`.

    with OpenStackLab() as lab:
        image = lab.seed_image("base", data=b"one")
        server = lab.seed_server("web", image=image)

`./dev lab openstack` keeps one running; its `clouds.yaml` is under the cache folder, in `openstack/labs/os`.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from tests.lab.libvirt.daemon import wait_until
from tests.lab.libvirt.packages import LabError, LabUnavailableError

from . import identity, many, packages, settings
from .database import Database
from .identity import ADMIN, LOGINS, MEMBER, OTHER, Login
from .processes import Processes
from .seed import Seeds
from .services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import IO

__all__ = ["ADMIN", "KEPT", "LOGINS", "MEMBER", "OTHER", "LabError", "LabUnavailableError", "Login", "OpenStackLab"]

KEPT: Final = "os"
"""Name of the lab that `./dev lab openstack` leaves running."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request that an API answered."""

    service: str
    """Name of the service, as in `APIS`."""
    time: float
    seconds: float
    method: str
    path: str
    query: str
    status: int
    agent: str
    """What the client calls itself."""

    @property
    def own(self) -> bool:
        """From one service of the cloud to another, or from this lab's readiness checks."""
        return "openstacksdk" not in self.agent


class OpenStackLab(Seeds):
    """A cloud; use it as a context manager, or `open` and `close`."""

    def __init__(self, name: str | None = None, *, hosts: int = 1) -> None:
        """`hosts` compute hosts, at most two."""
        self.name = name or f"t{os.getpid()}-{secrets.token_hex(2)}"
        self.folder = _labs() / self.name
        self.services: Services
        self._hosts = settings.HOSTS[:hosts]
        self._lock: IO[str] | None = None
        self._connections: dict[str, Any] = {}

    @property
    def cloud(self) -> str:
        """Name of the member's cloud in `clouds_yaml`; the admin's and the other project's are in `LOGINS`."""
        return MEMBER.cloud

    @property
    def clouds_yaml(self) -> Path:
        return self.folder / "clouds.yaml"

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs to find the member's cloud."""
        return {"OS_CLIENT_CONFIG_FILE": str(self.clouds_yaml), "OS_CLOUD": self.cloud}

    # -- life

    def open(self) -> Self:
        """Bring it up, after taking away what dead sessions left behind."""
        software = packages.prepare()
        sweep()
        ports = settings.free_ports(self.folder / "ports.json")
        _remove(self.folder)
        self.folder.mkdir(parents=True)
        (self.folder / "ports.json").write_text(json.dumps(ports))
        if self.name != KEPT:  # the lock tells the others that somebody is still here
            self._lock = _lock_file(self.name).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._take_up(software, ports)
        if len(str(self.services.place.socket)) > 100:
            raise LabUnavailableError(f"{self.folder} is too long for a socket; set XDG_CACHE_HOME to a shorter path")
        try:
            self.services.processes.prepare()
            self.services.processes.call("true")
        except LabError as error:
            raise LabUnavailableError(f"the lab needs a mount namespace with an overlay: {error}") from error
        identity.write_clouds(self.services.place)
        self.services.start()
        self.wait_ready()
        return self

    def attach(self) -> bool:
        """Take up a lab that runs; False if it does not."""
        ports = self.folder / "ports.json"
        if not ports.exists():
            return False
        self._take_up(packages.prepare(), json.loads(ports.read_text()))
        return all(self.services.processes.runs(name) for name in self.services.names())

    def _take_up(self, software: packages.Software, ports: dict[str, int]) -> None:
        place = settings.Place(self.folder, software.venv, ports)
        self.services = Services(place, Processes(software, self.folder), self._hosts)

    def close(self) -> None:
        """Take everything away: processes and files."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        _remove(self.folder)
        if self._lock:
            _lock_file(self.name).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        try:
            return self.open()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait_ready(self, timeout: float = 90) -> None:
        """Until every daemon reports to be up."""
        wanted = {"nova-conductor", "nova-scheduler", "cinder-scheduler", "cinder-volume", *self._hosts}
        missing = wanted

        def ready() -> bool:
            nonlocal missing
            for name in self.services.names():
                self.services.processes.check(name)
            admin = self.connect(ADMIN)
            compute, volume = list(admin.compute.services()), list(admin.block_storage.services())
            up = {service.binary for service in (*compute, *volume) if service.state == "up"}
            up |= {service.host for service in compute if service.state == "up" and service.binary == "nova-compute"}
            missing = wanted - up
            return not missing

        try:
            wait_until(ready, timeout, "the daemons", every=0.3)
        except LabError as error:
            raise LabError(f"{error}; not up: {', '.join(sorted(missing))}") from error

    # -- as whom

    def connect(self, login: Login = MEMBER) -> Any:
        """An `openstack.connection.Connection` of the tests' own, one for each login."""
        if login.cloud not in self._connections:
            self._connections[login.cloud] = identity.connect(self.clouds_yaml, login.cloud)
        return self._connections[login.cloud]

    def fresh_connection(self, login: Login = MEMBER) -> Any:
        """One that nobody else uses and no token was given to."""
        return identity.connect(self.clouds_yaml, login.cloud)

    # -- what goes wrong

    def stop_api(self, name: str) -> None:
        """Stop an API by its name: keystone, glance, placement, nova or cinder. Connections are refused then."""
        self.services.processes.stop(name)

    def start_api(self, name: str) -> None:
        """Start it again and wait until it answers."""
        self.services.start_api(name)

    def stop_daemon(self, name: str) -> None:
        """Stop nova-conductor, nova-scheduler, cinder-scheduler, cinder-volume or `nova-compute-lab-1`."""
        self.services.processes.stop(name)

    def start_daemon(self, name: str) -> None:
        self.services.start_daemon(name)
        self.wait_ready()

    def set_token_lifetime(self, seconds: int) -> None:
        """Of tokens that are given out from now on; Keystone starts anew."""
        settings.write(self.services.place, token_lifetime=seconds)
        self.stop_api("keystone")
        self.start_api("keystone")

    def fault(
        self,
        service: str,
        path: str,
        *,
        methods: tuple[str, ...] = ("GET",),
        status: int | None = None,
        body: str = "",
        headers: dict[str, str] | None = None,
        delay: float = 0,
        lost: bool = False,
        times: int = 1,
    ) -> None:
        """Let the next `times` requests whose path matches (a regular expression) fail.

        They are answered after `delay` seconds, with `status` instead of the service if it is given. When `lost`,
        the service does what it was asked first, as behind a proxy that gave up waiting.
        """
        path_of_faults = self._faults(service)
        faults = json.loads(path_of_faults.read_text()) if path_of_faults.exists() else []
        what = {"status": status, "body": body, "headers": headers or {}, "delay": delay, "lost": lost}
        faults.append({"path": path, "methods": methods, "times": times} | what)
        fresh = path_of_faults.with_suffix(".new")
        fresh.write_text(json.dumps(faults))
        fresh.rename(path_of_faults)

    def clear_faults(self) -> None:
        for name in settings.APIS.values():
            self._faults(name).unlink(missing_ok=True)

    def set_duration(self, what: str, seconds: float) -> None:
        """How long a phase takes from now on.

        `server-snapshot` (before the disk is copied), `server-upload`, `volume-snapshot`, `volume-delete`,
        `volume-revert`.
        """
        kind, _, phase = what.partition("-")
        if kind == "volume":
            folders = [self.folder / "cinder"]
        else:
            folders = [self.folder / "hosts" / host for host in settings.HOSTS]
        for folder in folders:
            (folder / f"{phase}.seconds").write_text(str(seconds))

    def set_agent(self, server: str, answers: bool | None) -> None:
        """A guest agent in the server (by id) that answers, one that is silent, or none (None), as at the start."""
        agent = self.root_disk(server).with_name("agent")
        if answers is None:
            agent.unlink(missing_ok=True)
        else:
            agent.write_text("answers" if answers else "silent")

    def is_frozen(self, server: str) -> bool:
        return self.root_disk(server).with_name("frozen").exists()

    # -- great numbers: copies in the database, for lists only (see many.py)

    def multiply_server(self, server: str, count: int) -> None:
        many.multiply(self._database, many.SERVER, server, count)

    def multiply_volume_snapshot(self, snapshot: str, count: int) -> None:
        many.multiply(self._database, many.VOLUME_SNAPSHOT, snapshot, count)

    def multiply_image(self, image: str, count: int) -> None:
        many.multiply(self._database, many.IMAGE, image, count)

    def seed_large(self, login: Login, *, servers: int, images: int, snapshots: int) -> str:
        """So many of each, the images and volume snapshots all of the one server that is returned."""
        self.set_quota(login, instances=-1, cores=-1, ram=-1, volumes=-1, snapshots=-1, gigabytes=-1)
        compute, glance = self.connect(login).compute, self.connect(login).image
        server = self.seed_server("scale", login=login)
        volume = self.seed_volume("scale", login=login)
        self.attach_volume(server, volume, login=login)
        image = compute.create_server_image(server, "scale").id
        glance.wait_for_status(glance.get_image(image), "active", ["killed"], interval=0.2, wait=60)
        (snapshot,) = self.seed_volume_snapshots(volume, 1, login=login)
        self.multiply_server(server, servers - 1)
        self.multiply_image(image, images - 1)
        self.multiply_volume_snapshot(snapshot, snapshots - 1)
        return server

    @property
    def _database(self) -> Database:
        return Database(self.services.place, self.services.processes)

    # -- what is really there

    def root_disk(self, server: str) -> Path:
        """The file that a server's root disk is, by the server's id; missing when it boots from a volume."""
        for folder in (self.folder / "hosts").glob(f"*/instances/{server}"):
            return folder / "disk"
        raise LabError(f"no host has the server {server}")

    def volume_file(self, volume: str) -> Path:
        """The file that a volume is, by its id; `volume_data` reads and writes its begin."""
        return self.folder / "cinder/volumes" / volume

    def write_volume(self, volume: str, data: bytes) -> None:
        """Put `data` at the begin of a volume, as its server would."""
        with self.volume_file(volume).open("r+b") as file:
            file.write(data)

    def read_volume(self, volume: str, size: int) -> bytes:
        with self.volume_file(volume).open("rb") as file:
            return file.read(size)

    # -- counting

    @contextmanager
    def counting(self) -> Iterator[list[Request]]:
        """The clients' requests while the block ran are in the list when it is left."""
        begin = time.time()
        requests: list[Request] = []
        yield requests
        requests += [request for request in self.requests(since=begin) if not request.own]

    def requests(self, *, since: float = 0) -> list[Request]:
        """Everything that the APIs answered, in order; `since` is seconds of the epoch."""
        found = []
        for name in settings.APIS.values():
            log = self.folder / "log" / f"{name}.access"
            lines = log.read_text().splitlines() if log.exists() else []
            found += [Request(service=name, **json.loads(line)) for line in lines]
        return sorted((request for request in found if request.time >= since), key=lambda request: request.time)

    def memory(self) -> int:
        """Bytes that the cloud takes."""
        return self.services.processes.memory()

    def _faults(self, service: str) -> Path:
        return self.folder / "run" / f"{service}.faults"


def sweep() -> list[str]:
    """Take away the labs of sessions that died; returns their names."""
    gone = []
    _labs().mkdir(parents=True, exist_ok=True)
    for folder in [path for path in _labs().iterdir() if path.is_dir() and path.name != KEPT]:
        with _lock_file(folder.name).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _remove(folder)
            _lock_file(folder.name).unlink(missing_ok=True)
            gone.append(folder.name)
    return gone


def _remove(folder: Path) -> None:
    Processes(packages.Software(folder, folder), folder).kill_all()
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _labs() -> Path:
    return packages.folder() / "labs"


def _lock_file(name: str) -> Path:
    return _labs() / f"{name}.lock"
