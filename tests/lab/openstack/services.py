"""Bringing the cloud up: database and messaging first, then everything at once.

The first time on a machine the database is made from nothing and a copy of it is kept (`templates/`); every lab after
that starts from the copy, where only addresses change.
"""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.lab.libvirt.daemon import wait_until
from tests.lab.libvirt.packages import LabError, locked

from . import identity, packages, settings
from .settings import APIS, DATABASES, HOSTS, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from .processes import Processes

CLOUD: Final = Path(__file__).parent / "cloud"
"""What runs in the cloud's own Python."""
DAEMONS: Final = ("nova-conductor", "nova-scheduler", "cinder-scheduler", "cinder-volume")
TOKEN_LIFETIME: Final = 4 * 3600

# All of it may be lost with the power: it is a toy, and syncing is what takes long.
MARIADB: Final = (
    "--skip-networking",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-file-per-table=0",
    "--innodb-buffer-pool-size=96M",
    "--innodb-log-file-size=16M",
    "--innodb-flush-method=nosync",
    "--performance-schema=OFF",
    "--max-connections=800",
    "--skip-name-resolve",
)


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
        self._provide_database()
        self.start_database()
        self._set_addresses()
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

    def start_database(self) -> None:
        data, run = self.place.folder / "mysql", self.place.socket
        owner = ("--no-defaults", "--user=root", f"--datadir={data}", f"--socket={run}", f"--pid-file={run}.pid")
        self.processes.start("mariadb", "mariadbd", *owner, *MARIADB)
        self._wait("mariadb", self._database_answers, 60)

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
        self._wait(name, lambda: _answers(url), timeout)

    def sql(self, *statements: str, database: str = "mysql") -> str:
        """Run statements as the database's root; rows come back as lines, columns parted by tabs."""
        client = ("mariadb", "--no-defaults", "--user=root", f"--socket={self.place.socket}", "--skip-column-names")
        return self.processes.call(*client, "--batch", database, f"--execute={';'.join(statements)}")

    def _wait(self, name: str, condition: Callable[[], bool], timeout: float) -> None:
        def ready() -> bool:
            self.processes.check(name)
            return condition()

        try:
            wait_until(ready, timeout, f"{name} to answer", every=0.1)
        except LabError as error:
            raise LabError(f"{error}; its log says:\n{self.processes.last_words(name)}") from error

    def _database_answers(self) -> bool:
        with suppress(LabError):
            return bool(self.sql("select 1"))
        return False

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

    # -- the database's contents

    def _provide_database(self) -> None:
        """Database and keys, copied from those that were made once."""
        template = packages.folder() / "templates" / f"{self.processes.software.key}-{_contents_key()}"
        with locked(packages.folder() / "templates.lock"):
            if not (template / "mysql").exists():
                self._make_database()
                self.processes.stop("keystone")
                self.processes.stop("mariadb")
                unfinished = template.with_name(f"{template.name}.unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                for name in ("keystone", "mysql"):
                    _copy(self.place.folder / name, unfinished / name)
                unfinished.rename(template)
                return
        for name in ("keystone", "mysql"):
            _copy(template / name, self.place.folder / name)

    def _make_database(self) -> None:
        data = self.place.folder / "mysql"
        install = ("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db")
        self.processes.call(*install, "--auth-root-authentication-method=normal")
        self.start_database()
        self.sql(*(f"create database {name} character set utf8mb3" for name in DATABASES))
        for name in ("fernet", "credential"):
            (self.place.folder / "keystone" / name).mkdir(parents=True)
        with ThreadPoolExecutor() as pool:
            for made in [pool.submit(make) for make in (self._make_keystone, self._make_nova, *self._syncs())]:
                made.result()
        cell = "(select id from cell_mappings where name = 'cell1')"
        rows = ", ".join(f"(now(), {cell}, '{host}')" for host in HOSTS)
        self.sql(f"insert into host_mappings (created_at, cell_id, host) values {rows}", database="nova_api")

    def _syncs(self) -> list[Callable[[], object]]:
        etc = self.place.etc
        return [
            lambda: self._tool("cinder-manage", etc / "cinder.conf", "db", "sync"),
            lambda: self._tool("glance-manage", etc / "glance-api.conf", "db_sync"),
            lambda: self._tool("placement-manage", etc / "placement.conf", "db", "sync"),
        ]

    def _make_keystone(self) -> None:
        config = self.place.etc / "keystone.conf"
        for name in ("fernet_setup", "credential_setup"):
            self._tool("keystone-manage", config, name, "--keystone-user", "root", "--keystone-group", "root")
        self._tool("keystone-manage", config, "db_sync")
        password = ("--bootstrap-password", identity.ADMIN.password)
        region = ("--bootstrap-region-id", settings.REGION)
        url = self.place.url("identity")
        urls = ("--bootstrap-public-url", url, "--bootstrap-internal-url", url)
        self._tool("keystone-manage", config, "bootstrap", *password, *region, *urls)
        self.start_api("keystone")
        identity.populate(self.place)

    def _make_nova(self) -> None:
        config = self.place.etc / "nova.conf"
        self._tool("nova-manage", config, "api_db", "sync")
        self._tool(
            "nova-manage", config, "cell_v2", "map_cell0", "--database_connection", self.place.database("nova_cell0")
        )
        self._tool("nova-manage", config, "cell_v2", "create_cell", "--name", "cell1")
        self._tool("nova-manage", config, "db", "sync")

    def _tool(self, name: str, config: Path, *arguments: str) -> str:
        environment = {"OS_PLACEMENT_CONFIG_DIR": str(self.place.etc)}
        return self.processes.call(
            self.place.venv / "bin" / name, "--config-file", config, *arguments, env=environment, timeout=300
        )

    def _set_addresses(self) -> None:
        """Where things are differs from lab to lab, and is noted in the database."""
        services = "(select id from service where type = '{kind}')"
        endpoints = [
            f"update endpoint set url = '{self.place.url(kind)}' where service_id in {services.format(kind=kind)}"
            for kind in APIS
        ]
        self.sql(*endpoints, database="keystone")
        set_database = "update cell_mappings set database_connection = '{}' where name = '{}'"
        self.sql(
            set_database.format(self.place.database("nova_cell0"), "cell0"),
            set_database.format(self.place.database("nova"), "cell1"),
            f"update cell_mappings set transport_url = '{self.place.messaging}' where name = 'cell1'",
            database="nova_api",
        )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500  # 300 lists versions, 401 wants a token
    except OSError:
        return False


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _contents_key() -> str:
    """Another one when the contents of a new database would be others."""
    sources = (Path(__file__).read_bytes(), Path(identity.__file__).read_bytes())
    return hashlib.sha256(b"".join(sources)).hexdigest()[:8]
