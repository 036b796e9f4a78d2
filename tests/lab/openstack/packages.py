"""What the cloud runs on: OpenStack's current releases from the package index, MariaDB and RabbitMQ from Debian.

Both are kept in the cache folder and installed nowhere: Debian's packages are unpacked as those of the libvirt lab
are, the Python ones are in a virtual environment of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.lab.libvirt.packages import (
    STATUS,
    Apt,
    LabError,
    LabUnavailableError,
    cache_folder,
    locked,
    run,
    unpack,
)

if TYPE_CHECKING:
    from collections.abc import Callable

DEBIAN: Final = ("mariadb-server-core", "mariadb-client-core", "rabbitmq-server", "qemu-utils")
PYTHON: Final = (
    "keystone==30.*",
    "glance==33.*",
    "openstack-placement==16.*",
    "nova==34.*",
    "cinder==29.*",
    "pymysql",
    "waitress",
)
CLIENT: Final = ("python-openstackclient",)
LAYOUT: Final = 1  # raise when what is cached changes shape


@dataclass(frozen=True, slots=True)
class Software:
    debian: Path
    """Root folder of the unpacked packages, to lay over the machine's."""
    venv: Path

    @property
    def key(self) -> str:
        """Another one for other versions."""
        return f"{self.debian.name}-{self.venv.name}"


def folder() -> Path:
    return cache_folder() / "openstack"


def prepare() -> Software:
    """The software, from the cache or fetched now; the two halves at the same time would fight for the machine."""
    release = _check_machine()
    base = folder()
    with locked(base / "lock"):
        debian = _made(base / "roots", (LAYOUT, DEBIAN, STATUS.read_text(errors="replace")), _unpacker(base, release))
        venv = _made(base / "venvs", (LAYOUT, PYTHON, sys.version), _installer(PYTHON))
    return Software(debian, venv)


def client() -> Path:
    """The command `openstack`, in an environment of its own, to compare with."""
    base = folder()
    with locked(base / "lock"):
        venv = _made(base / "venvs", (LAYOUT, CLIENT, sys.version), _installer(CLIENT))
    return venv / "bin/openstack"


def _check_machine() -> dict[str, str]:
    release = platform.freedesktop_os_release()
    if release.get("ID") != "debian" or shutil.which("apt-get") is None:
        raise LabUnavailableError("the OpenStack lab takes its database from Debian's archive, and this is no Debian")
    if shutil.which("unshare") is None:
        raise LabUnavailableError("the OpenStack lab needs the command unshare")
    return release


def _made(parent: Path, wanted: object, make: Callable[[Path], None]) -> Path:
    """The folder for `wanted`, made anew unless it was finished before."""
    path = parent / hashlib.sha256(repr(wanted).encode()).hexdigest()[:16]
    stamp = path / "made.json"
    if not stamp.exists():
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            make(path)
        except LabError as error:
            raise LabUnavailableError(f"no packages for the OpenStack lab: {error}") from error
        stamp.write_text(json.dumps(repr(wanted)[:500]))
    return path


def _unpacker(base: Path, release: dict[str, str]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        unpack(Apt(base / "apt", release).fetch(*DEBIAN), path)

    return make


def _installer(packages: tuple[str, ...]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        uv = Path(sys.executable).with_name("uv")
        found = str(uv) if uv.exists() else shutil.which("uv")
        if found is None:
            raise LabError("there is no uv to install OpenStack with")
        run(found, "venv", "--quiet", "--python", sys.executable, path)
        environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
        install = (found, "pip", "install", "--quiet", "--compile-bytecode", "--python", path / "bin/python")
        run(*install, *packages, timeout=900, env=environment)

    return make
