"""The configuration of the cloud's services."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

Sections = dict[str, dict[str, object]]

REGION: Final = "RegionOne"
HOSTS: Final = ("lab-1", "lab-2")
"""Compute hosts; the second one only runs where it is asked for."""

APIS: Final = {
    "identity": "keystone",
    "image": "glance",
    "placement": "placement",
    "compute": "nova",
    "block-storage": "cinder",
    "network": "network",
}
"""Names of the services that have an API, by their type in the catalog."""
PATHS: Final = {"identity": "/v3", "compute": "/v2.1", "block-storage": "/v3"}
DATABASES: Final = ("keystone", "glance", "placement", "nova_api", "nova", "nova_cell0", "cinder")
SERVICE_PASSWORD: Final = "service-secret"


@dataclass(frozen=True, slots=True)
class Place:
    """Where this cloud lives: its folder and its ports on loopback."""

    folder: Path
    venv: Path
    ports: dict[str, int]

    @property
    def socket(self) -> Path:
        return self.folder / "run/mysql.sock"

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    @property
    def messaging(self) -> str:
        return f"rabbit://guest:guest@127.0.0.1:{self.ports['rabbit']}/"

    def database(self, name: str) -> str:
        return f"mysql+pymysql://root@localhost/{name}?unix_socket={self.socket}&charset=utf8mb3"

    def url(self, kind: str) -> str:
        """Address of the API of this type, without a trailing slash."""
        return f"http://127.0.0.1:{self.ports[APIS[kind]]}{PATHS.get(kind, '')}"


def free_ports(path: Path) -> dict[str, int]:
    """Ports that nobody listens on, the ones noted in `path` if they still are free."""
    names = (*APIS.values(), "rabbit", "erlang", "epmd")
    known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    result = {}
    held = []
    for name in names:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", known.get(name, 0)))
        except OSError:
            listener.bind(("127.0.0.1", 0))
        held.append(listener)
        result[name] = listener.getsockname()[1]
    for listener in held:
        listener.close()
    return result


def write(place: Place, *, token_lifetime: int) -> None:
    """All configuration files; `token_lifetime` is in seconds."""
    place.etc.mkdir(parents=True, exist_ok=True)
    files = {
        "keystone": _keystone(place, token_lifetime),
        "glance-api": _glance(place),
        "placement": _placement(place),
        "nova": _nova(place),
        "cinder": _cinder(place),
    }
    for host in HOSTS:
        write_host(place, host)
    for name, sections in files.items():
        _write_ini(place.etc / f"{name}.conf", sections)
    for name in ("nova", "cinder"):
        given = place.venv / "etc" / name
        (place.etc / f"{name}-api-paste.ini").write_text((given / "api-paste.ini").read_text())
        filters = ",".join(str(place.venv / "etc" / part / "rootwrap.d") for part in (name, "os-brick"))
        paths = f"{place.venv / 'bin'},/sbin,/usr/sbin,/bin,/usr/bin"
        _write_ini(place.etc / f"{name}-rootwrap.conf", {"DEFAULT": {"filters_path": filters, "exec_dirs": paths}})
    for name in ("cinder", "glance", "glance-staging", "glance-tasks", "nova", "locks"):
        (place.folder / name).mkdir(exist_ok=True)


def write_host(place: Place, host: str, options: Sections | None = None) -> Path:
    """The folder of one compute host and, beside those of all, its own `options`; returns the folder."""
    state = place.folder / "hosts" / host
    (state / "instances").mkdir(parents=True, exist_ok=True)
    own: dict[str, object] = {"host": host, "state_path": state, "instances_path": state / "instances"}
    sections = options or {}
    _write_ini(place.etc / f"nova-{host}.conf", sections | {"DEFAULT": own | sections.get("DEFAULT", {})})
    return state


def _write_ini(path: Path, sections: Sections) -> None:
    blocks = []
    for name, options in sections.items():
        lines = (
            f"{key} = {str(value).lower() if isinstance(value, bool) else value}" for key, value in options.items()
        )
        blocks.append(f"[{name}]\n" + "".join(f"{line}\n" for line in lines))
    path.write_text("\n".join(blocks))


def _credentials(place: Place) -> dict[str, object]:
    return {
        "auth_url": place.url("identity"),
        "auth_type": "password",
        "username": "service",
        "password": SERVICE_PASSWORD,
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "region_name": REGION,
    }


def _shared(place: Place, database: str) -> Sections:
    """What every service but Keystone wants."""
    return {
        "database": _pool(place, database),
        "keystone_authtoken": _credentials(place)
        | {
            "www_authenticate_uri": place.url("identity"),
            "service_token_roles": "service",
            "service_token_roles_required": True,
        },
        "oslo_concurrency": {"lock_path": place.folder / "locks"},
        "service_user": _credentials(place) | {"send_service_user_token": True},
    }


def _pool(place: Place, database: str) -> dict[str, object]:
    return {"connection": place.database(database), "max_pool_size": 10, "max_overflow": 20}


def _keystone(place: Place, token_lifetime: int) -> Sections:
    return {
        "DEFAULT": {},
        "database": _pool(place, "keystone"),
        "fernet_tokens": {"key_repository": place.folder / "keystone/fernet"},
        "credential": {"key_repository": place.folder / "keystone/credential"},
        "token": {"provider": "fernet", "expiration": token_lifetime},
        # One process serves: without a cache, looking at a token takes a second of its time.
        "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
        # The default takes half a second for each token.
        "identity": {"password_hash_algorithm": "bcrypt", "password_hash_rounds": 4},
    }


def _glance(place: Place) -> Sections:
    return _shared(place, "glance") | {
        "DEFAULT": {"enabled_backends": "file:file", "workers": 1},
        "glance_store": {"default_backend": "file"},
        "file": {"filesystem_store_datadir": place.folder / "glance"},
        "os_glance_staging_store": {"filesystem_store_datadir": place.folder / "glance-staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": place.folder / "glance-tasks"},
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": place.venv / "etc/glance/glance-api-paste.ini",
        },
    }


def _placement(place: Place) -> Sections:
    return _shared(place, "placement") | {
        "DEFAULT": {},
        "placement_database": _pool(place, "placement"),
        "api": {"auth_strategy": "keystone"},
    }


def _nova(place: Place) -> Sections:
    credentials = _credentials(place)
    return _shared(place, "nova") | {
        "DEFAULT": {
            "state_path": place.folder / "nova",
            "my_ip": "127.0.0.1",
            "host": "lab",
            "transport_url": place.messaging,
            "compute_driver": "lab_compute.LabDriver",
            "max_concurrent_snapshots": 0,
            "vif_plugging_is_fatal": False,
            "vif_plugging_timeout": 0,
            "rootwrap_config": place.etc / "nova-rootwrap.conf",
            "resume_guests_state_on_host_boot": False,
            "reserved_host_memory_mb": 0,
            "initial_cpu_allocation_ratio": 1000,
            "initial_ram_allocation_ratio": 1000,
            "initial_disk_allocation_ratio": 1000,
            "running_deleted_instance_action": "noop",
            "sync_power_state_interval": -1,
            "report_interval": 5,
        },
        "api": {"response_validation": "ignore"},
        "api_database": _pool(place, "nova_api"),
        "conductor": {"workers": 1},
        "scheduler": {"workers": 1},
        "quota": {"instances": 2000, "cores": -1, "ram": -1},
        "glance": credentials,
        "placement": credentials,
        "cinder": credentials | {"catalog_info": "block-storage::publicURL", "os_region_name": REGION},
        "neutron": credentials,
        "vnc": {"enabled": False},
        "spice": {"enabled": False},
    }


def _cinder(place: Place) -> Sections:
    return _shared(place, "cinder") | {
        "DEFAULT": {
            "state_path": place.folder / "cinder",
            "my_ip": "127.0.0.1",
            "host": "lab",
            "transport_url": place.messaging,
            "auth_strategy": "keystone",
            "rootwrap_config": place.etc / "cinder-rootwrap.conf",
            "api_paste_config": place.venv / "etc/cinder/api-paste.ini",
            "resource_query_filters_file": place.venv / "etc/cinder/resource_filters.json",
            "enabled_backends": "files",
            "glance_api_servers": place.url("image"),
            "osapi_volume_workers": 1,
            "quota_volumes": 2000,
            "quota_snapshots": 5000,
            "quota_gigabytes": 100000,
            "report_interval": 5,
        },
        "files": {"volume_driver": "lab_volume.LabVolumeDriver", "volume_backend_name": "files"},
        "nova": _credentials(place),
    }
