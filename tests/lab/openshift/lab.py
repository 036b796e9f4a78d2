"""The OpenShift lab as tests use it: a real Kubernetes API server with KubeVirt's and CSI's snapshots, on loopback.

The API, its admission and its rights, the resource definitions, and the controllers of snapshots, restores, clones,
volumes and garbage are the real ones, compiled from their modules (`software.py`). What needs a machine to run on is
stood in for: guests, and what virt-api answers for them, by `stand_in`; the storage system by `programs/storage`,
which keeps each volume and snapshot as a file. So what a snapshot held and what a restore brought back can be read,
but no guest ever runs.

    with OpenShiftLab() as lab:
        lab.seed_vm("web")
        lab.write_volume("web-0", b"one")

`./dev lab openshift` keeps one running; its kubeconfig is under the cache folder, in `openshift/labs/os`.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from tests.lab.libvirt.daemon import wait_until
from tests.lab.libvirt.packages import LabError, LabUnavailableError

from . import cluster, identity, many, settings, software
from .api import Api
from .identity import ADMIN, EDITOR, READER, TENANT, USERS
from .processes import Processes
from .seed import Seeds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import IO

__all__ = ["ADMIN", "EDITOR", "KEPT", "READER", "TENANT", "USERS", "LabError", "LabUnavailableError", "OpenShiftLab"]

KEPT: Final = "os"
"""Name of the lab that `./dev lab openshift` leaves running."""
CLUSTER: Final = "lab"
CONTROLLERS: Final = (
    "kube-controller-manager",
    "storage",
    "csi-provisioner",
    "snapshot-controller",
    "csi-snapshotter",
    "virt-controller",
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a user that the API server answered."""

    user: str
    time: float
    """Seconds of the epoch when it came."""
    verb: str
    """As in roles: get, list, watch, create, update, patch, delete."""
    path: str
    """With its query."""
    status: int
    agent: str
    """What the client calls itself."""


class OpenShiftLab(Seeds):
    """A cluster; use it as a context manager, or `open` and `close`."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name or f"t{os.getpid()}-{secrets.token_hex(2)}"
        self.folder = _labs() / self.name
        self.processes = Processes(self.folder)
        self.place: settings.Place
        self.api: Api
        self._commands: dict[str, list[str | Path]]
        self._lock: IO[str] | None = None

    @property
    def kubeconfig(self) -> Path:
        """With a context for each of `USERS`; the admin's is the current one."""
        return self.place.kubeconfig

    @property
    def kubectl(self) -> Path:
        """The cluster's own client."""
        return software.prepare().program("kubectl")

    @property
    def context(self) -> str:
        """Name of the admin's context."""
        return self.context_of(ADMIN)

    @staticmethod
    def context_of(user: str) -> str:
        return f"{CLUSTER}-{user}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs to find the cluster."""
        return {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.kubeconfig.parent / "kube-cache")}

    # -- life

    def open(self) -> Self:
        """Bring it up, after taking away what dead sessions left behind."""
        programs = software.prepare()
        sweep()
        ports = settings.free_ports(self.folder / "ports.json")
        self._remove()
        (self.folder / "run").mkdir(parents=True)
        if self.name != KEPT:  # the lock tells the others that somebody is still here
            self._lock = _lock_file(self.name).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (self.folder / "ports.json").write_text(json.dumps(ports))
        place = settings.Place(self.folder, ports)
        if len(str(place.socket)) > 100:
            raise LabUnavailableError(f"{self.folder} is too long for a socket; set XDG_CACHE_HOME to a shorter path")
        place.keys.write(stand_in=settings.STAND_IN)
        place.guests.mkdir()
        identity.write_kubeconfig(place.kubeconfig, place.keys, place.url("api"), CLUSTER)
        identity.write_controllers(place.controllers, place.keys, place.url("api"))
        self._take_up(programs, place)
        for name in ("etcd", "kube-apiserver", "storage"):
            self._start(name)
        self.processes.wait("kube-apiserver", self.api.is_ready, 180)
        cluster.define(self.api, programs)
        for name in self._commands:
            self._start(name)
        cluster.enrol_stand_in(self.api, place)
        self.wait_ready()
        return self

    def attach(self) -> bool:
        """Take up a lab that runs; False if it does not."""
        ports = self.folder / "ports.json"
        if not ports.exists():
            return False
        self._take_up(software.prepare(), settings.Place(self.folder, json.loads(ports.read_text())))
        return all(self.processes.runs(name) for name in self._commands)

    def _take_up(self, programs: software.Software, place: settings.Place) -> None:
        self.place = place
        self.api = Api(place)
        self._commands = settings.commands(place, programs)

    def _start(self, name: str) -> None:
        self.processes.start(name, *self._commands[name], env={"PYTHONPATH": str(Path(__file__).parents[3])})

    def wait_ready(self, timeout: float = 180) -> None:
        """Until every controller is at work."""

        def ready() -> bool:
            for name in self._commands:
                self.processes.check(name)
            return cluster.answers_subresources(self.api) and self._leads()

        wait_until(ready, timeout, "the controllers", every=0.1)

    def _leads(self) -> bool:
        """Whether this virt-controller holds its lease: it starts its controllers then."""
        lease = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.KUBEVIRT_NAMESPACE}/leases"
        began = self.processes.began("virt-controller")
        return any(
            _time(item["spec"]["renewTime"]) > began
            for item in self.api.ask("GET", lease)["items"]
            if item["metadata"]["name"] == "virt-controller"
        )

    def close(self) -> None:
        """Take everything away: processes and files."""
        self._remove()
        if self._lock:
            _lock_file(self.name).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _remove(self) -> None:
        _remove(self.processes)

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

    def api_of(self, user: str) -> Api:
        """The API as one of `USERS` sees it; `api` is the lab's own."""
        return Api(self.place, user)

    # -- what goes wrong

    def stop_api(self) -> None:
        """Stop the API server; connections are refused then, and those that there are break."""
        self.processes.stop("kube-apiserver", timeout=1)  # it would wait for its watchers to leave

    def start_api(self) -> None:
        """Start it again and wait until it answers, for the stand-in too."""
        self._start("kube-apiserver")
        self.processes.wait("kube-apiserver", self.api.is_ready, 180)
        for name in CONTROLLERS:  # as in a cluster, where they give up with their leases and the kubelet starts them
            self.processes.stop(name)
            self._start(name)
        self.wait_ready()

    def compact(self) -> None:
        """Let etcd forget all but what is: the next pages of lists that were begun before are 410 Gone.

        Watches only are after a restart of the API server, which remembers the last changes by itself.
        """
        etcd = self.place.url("etcd")
        revision = many.call(etcd, "kv/range", {"key": "AA=="})["header"]["revision"]
        many.call(etcd, "kv/compaction", {"revision": revision, "physical": True})

    @contextmanager
    def pause_controllers(self, *names: str) -> Iterator[None]:
        """These, or else all, do nothing while the block runs: what is created stays as it is."""
        pids = [self.processes.pid(name) for name in names or CONTROLLERS]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    # -- great numbers

    def many(self, vms: int, snapshots: int, namespaces: int = 10) -> None:
        """VMs with snapshots in the namespaces `many-0` and so on, as objects (see many.py).

        The controllers end: they would take 5,000 VMs for things to care for.
        """
        for name in CONTROLLERS:
            self.processes.stop(name)
        for number in range(namespaces):
            self.seed_namespace(f"many-{number}")
        many.write(self.place.url("etcd"), vms, snapshots, namespaces)

    # -- counting

    def requests(self, *, since: float = 0) -> list[Request]:
        """What the users' clients asked, in order, as it was answered; `since` is seconds of the epoch."""
        found = []
        for line in self.place.audit.read_text().splitlines():
            with suppress(ValueError):  # the last may be half written
                entry = json.loads(line)
                if entry["stage"] == "ResponseComplete" or entry["verb"] == "watch":
                    found.append(_request(entry))
        return sorted((request for request in found if request.time >= since), key=lambda request: request.time)

    @contextmanager
    def counting(self) -> Iterator[list[Request]]:
        """The clients' requests while the block ran are in the list when it is left."""
        begin = time.time()
        requests: list[Request] = []
        yield requests
        requests += self.requests(since=begin)

    def memory(self) -> int:
        """Bytes that the cluster takes."""
        return self.processes.memory()


def _request(entry: dict[str, object]) -> Request:
    user, answer = entry["user"], entry.get("responseStatus")
    assert isinstance(user, dict)
    return Request(
        user=user["username"],
        time=_time(str(entry["requestReceivedTimestamp"])),
        verb=str(entry["verb"]),
        path=str(entry["requestURI"]),
        status=answer.get("code", 0) if isinstance(answer, dict) else 0,
        agent=str(entry.get("userAgent", "")),
    )


def _time(stamp: str) -> float:
    """Seconds of the epoch."""
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()


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
            _remove(Processes(folder))
            _lock_file(folder.name).unlink(missing_ok=True)
            gone.append(folder.name)
    return gone


def _remove(processes: Processes) -> None:
    processes.kill_all()
    with suppress(FileNotFoundError):
        shutil.rmtree(processes.folder)


def _labs() -> Path:
    return software.folder() / "labs"


def _lock_file(name: str) -> Path:
    return _labs() / f"{name}.lock"
