"""Bringing the cloud up: database and messaging first, then everything at once."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import settings
from .database import Database
from .settings import APIS, HOSTS, Place

if TYPE_CHECKING:
    from .processes import Processes

CLOUD: Final = Path(__file__).parent / "cloud"
"""What runs in the cloud's own Python."""
DAEMONS: Final = ("nova-conductor", "nova-scheduler", "cinder-scheduler", "cinder-volume")
TOKEN_LIFETIME: Final = 4 * 3600


@dataclass
class Services:
    """The services of one cloud."""

    place: Place
    processes: Processes
    hosts: tuple[str, ...] = HOSTS[:1]

    def names(self) -> list[str]:
        """All of them, in the order of starting."""
        return ["mariadb", "rabbitmq", *APIS.values(), *DAEMONS, *(f"nova-compute-{host}" for host in self.hosts)]

    # -- life

    def start(self) -> None:
        self.processes.prepare()
        settings.write(self.place, token_lifetime=TOKEN_LIFETIME)
        self._start_rabbitmq()
        Database(self.place, self.processes).provide(start_keystone=lambda: self.start_api("keystone"))
        for name in ("keystone", "placement", "nova", "cinder", "glance", "network"):
            self.start_api(name, wait=False)
        for name in DAEMONS:
            self.start_daemon(name)
        for name in ("keystone", "placement"):  # without them nova-compute waits a whole minute for its next try
            self.wait_api(name)
        for host in self.hosts:
            self.start_daemon(f"nova-compute-{host}")
        for name in APIS.values():
            self.wait_api(name)

    def start_api(self, name: str, *, wait: bool = True) -> None:
        """Start an API, by the name that `APIS` has for it."""
        etc = str(self.place.etc)
        module, environment, arguments = {
            "keystone": ("keystone.wsgi.api", {"OS_KEYSTONE_CONFIG_DIR": etc}, ()),
            "glance": ("glance.wsgi.api", {"OS_GLANCE_CONFIG_DIR": etc}, ()),
            "placement": ("placement.wsgi.api", {"OS_PLACEMENT_CONFIG_DIR": etc}, ()),
            "nova": (
                "nova.wsgi.osapi_compute",
                # The paste file first: it is read as configuration too.
                {"OS_NOVA_CONFIG_DIR": etc, "OS_NOVA_CONFIG_FILES": "nova-api-paste.ini;nova.conf"},
                (),
            ),
            "cinder": ("cinder.wsgi.api", {}, ("--config-file", f"{etc}/cinder.conf")),
            "network": ("network", {}, ()),
        }[name]
        python = self.place.venv / "bin/python"
        serve = (python, CLOUD / "serve.py", self.place.folder, name, str(self.place.ports[name]), module)
        self.processes.start(name, *serve, *arguments, env=environment)
        if wait:
            self.wait_api(name)

    def start_daemon(self, name: str) -> None:
        """Start one of `DAEMONS`, or `nova-compute-` with a host's name."""
        python, etc = self.place.venv / "bin/python", self.place.etc
        if name.startswith("nova-compute-"):
            own = etc / f"nova-{name.removeprefix('nova-compute-')}.conf"
            command: tuple[str | Path, ...] = (python, CLOUD / "compute.py", "--config-file", etc / "nova.conf")
            self.processes.start(name, *command, "--config-file", own)
            return
        config = etc / f"{name.split('-', maxsplit=1)[0]}.conf"
        command = (python, self.place.venv / "bin" / name, "--config-file", config)
        self.processes.start(name, *command, env={"PYTHONPATH": str(CLOUD)})

    def wait_api(self, name: str, timeout: float = 90) -> None:
        url = f"http://127.0.0.1:{self.place.ports[name]}/"
        self.processes.wait(name, lambda: _answers(url), timeout)

    def _start_rabbitmq(self) -> None:
        place = self.place
        (place.folder / "rabbitmq").mkdir(exist_ok=True)
        (place.etc / "rabbitmq-plugins").write_text("[].\n")
        (place.etc / "rabbitmq.conf").write_text("loopback_users = none\ndisk_free_limit.absolute = 50MB\n")
        quiet = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
        environment = {
            "RABBITMQ_NODENAME": f"vmsnap-{place.ports['rabbit']}@localhost",
            "RABBITMQ_MNESIA_BASE": str(place.folder / "rabbitmq"),
            "RABBITMQ_LOG_BASE": str(place.folder / "log"),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(place.ports["rabbit"]),
            "RABBITMQ_DIST_PORT": str(place.ports["erlang"]),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(place.etc / "rabbitmq-plugins"),
            "RABBITMQ_CONFIG_FILE": str(place.etc / "rabbitmq"),
            "RABBITMQ_PID_FILE": str(place.folder / "run/rabbitmq.erlang"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": quiet,
            "ERL_EPMD_PORT": str(place.ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        self.processes.start("rabbitmq", "/usr/lib/rabbitmq/bin/rabbitmq-server", env=environment)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500  # 300 lists versions, 401 wants a token
    except OSError:
        return False
