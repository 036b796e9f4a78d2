"""The cloud's database.

The first time on a machine it is made from nothing, and a copy of it is kept (`templates/`); every lab after that
starts from the copy, where only addresses change.
"""

from __future__ import annotations

import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.lab.libvirt.packages import LabError, locked

from . import identity, packages, settings
from .settings import APIS, DATABASES, HOSTS, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from .processes import Processes

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
class Database:
    """The one of a cloud."""

    place: Place
    processes: Processes

    def provide(self, *, start_keystone: Callable[[], None]) -> None:
        """Have it run, with all its contents and with Keystone's keys."""
        template = packages.folder() / "templates" / f"{self.processes.software.key}-{_contents_key()}"
        with locked(packages.folder() / "templates.lock"):
            if not template.exists():
                self._make(start_keystone)
                self.processes.stop("keystone")
                self.processes.stop("mariadb")
                unfinished = template.with_name(f"{template.name}.unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                for name in ("keystone", "mysql"):
                    _copy(self.place.folder / name, unfinished / name)
                unfinished.rename(template)
        for name in ("keystone", "mysql"):
            _copy(template / name, self.place.folder / name)
        self.start()
        self._set_addresses()

    def start(self) -> None:
        data, run = self.place.folder / "mysql", self.place.socket
        owner = ("--no-defaults", "--user=root", f"--datadir={data}", f"--socket={run}", f"--pid-file={run}.pid")
        self.processes.start("mariadb", "mariadbd", *owner, *MARIADB)
        self.processes.wait("mariadb", self._answers, 60)

    def sql(self, *statements: str, database: str = "mysql") -> str:
        """Run statements as the database's root; rows come back as lines, columns parted by tabs."""
        client = ("mariadb", "--no-defaults", "--user=root", f"--socket={self.place.socket}", "--skip-column-names")
        return self.processes.call(*client, "--batch", database, f"--execute={';'.join(statements)}")

    def _answers(self) -> bool:
        with suppress(LabError):
            return bool(self.sql("select 1"))
        return False

    def _make(self, start_keystone: Callable[[], None]) -> None:
        data = self.place.folder / "mysql"
        install = ("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db")
        self.processes.call(*install, "--auth-root-authentication-method=normal")
        self.start()
        self.sql(*(f"create database {name} character set utf8mb3" for name in DATABASES))
        for name in ("fernet", "credential"):
            (self.place.folder / "keystone" / name).mkdir(parents=True)

        def keystone() -> None:
            self._make_keystone()
            start_keystone()
            identity.populate(self.place)

        with ThreadPoolExecutor() as pool:
            for made in [pool.submit(make) for make in (keystone, self._make_nova, *self._syncs())]:
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


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _contents_key() -> str:
    """Another one when the contents of a new database would be others."""
    sources = (Path(__file__).read_bytes(), Path(identity.__file__).read_bytes())
    return hashlib.sha256(b"".join(sources)).hexdigest()[:8]
