"""Everything the lab runs, fetched from the machine's own Debian archive and unpacked, never installed.

The packages go into a cache folder and are laid over `/usr` in the lab's own mount namespace (see `daemon.py`), so
that a developer's libvirt, QEMU and package database stay as they are. apt is called with its own lists and its own
sources: the Debian entries that the machine has, and where its libvirt is too old the backports of the same archive.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# Laid over /usr of the lab: the packages that apt finds missing on this machine, with what they depend on.
HOST_PACKAGES: Final = (
    "libvirt-daemon",
    "libvirt-daemon-driver-qemu",
    "libvirt-daemon-driver-storage",
    "libvirt-clients",
    "qemu-system-x86",
    "qemu-utils",
    "e2fsprogs",
)
# Unpacked by themselves: they end up in the guest's initramfs, with the libraries that they need.
GUEST_PACKAGES: Final = ("busybox-static", "qemu-guest-agent")
KERNEL_PACKAGE: Final = "linux-image-cloud-amd64"
# Only upgraded along with the rest, and of no use without being PID 1.
UNUSED: Final = ("systemd", "libpam-systemd", "libnss-systemd")

MINIMUM: Final = "9.9"  # restores external snapshots
LAYOUT: Final = 3  # raise when the contents of the cache change shape
STATUS: Final = Path("/var/lib/dpkg/status")


class LabError(Exception):
    """The lab failed at something it should be able to do."""


class LabUnavailableError(LabError):
    """This machine cannot run the lab; the message says why."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The unpacked packages."""

    host: Path
    """Root folder to lay over the machine's."""
    guest: Path
    """Root folder with kernel, busybox and guest agent."""
    versions: dict[str, str]

    @property
    def kernel(self) -> Path:
        return next((self.guest / "boot").glob("vmlinuz-*"))

    @property
    def modules(self) -> Path:
        return next((self.guest / "usr/lib/modules").glob("*"))


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "vmsnap-lab"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock; it falls with the process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(*command: str | Path, timeout: float = 300, env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=env,
        )
    except FileNotFoundError as error:
        raise LabUnavailableError(f"the libvirt lab needs the command {command[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{command[0]} took more than {timeout:.0f} s") from error
    if done.returncode:
        words = " ".join(str(part) for part in command)
        raise LabError(f"{words}\nended with {done.returncode}:\n{(done.stderr or done.stdout).strip()[-3000:]}")
    return done.stdout


def prepare() -> Tools:
    """The packages, from the cache or fetched now."""
    release = check_machine()
    cache = cache_folder()
    with locked(cache / "lock"):
        wanted = (LAYOUT, HOST_PACKAGES, GUEST_PACKAGES, KERNEL_PACKAGE, STATUS.read_text(errors="replace"))
        folder = cache / "roots" / hashlib.sha256(repr(wanted).encode()).hexdigest()[:16]
        stamp = folder / "versions.json"
        if not stamp.exists():
            shutil.rmtree(folder, ignore_errors=True)
            versions = _unpack(Apt(cache / "apt", release), folder)
            stamp.write_text(json.dumps(versions, indent=1))
        os.utime(folder)
        return Tools(folder / "host", folder / "guest", json.loads(stamp.read_text()))


def check_machine() -> dict[str, str]:
    """What `/etc/os-release` says, if this machine can run the lab at all."""
    if os.geteuid() != 0:
        raise LabUnavailableError("the libvirt lab needs root (mount namespaces, libvirtd)")
    if platform.machine() != "x86_64":
        raise LabUnavailableError(f"the libvirt lab boots an x86_64 guest, and this machine is {platform.machine()}")
    release = platform.freedesktop_os_release()
    if release.get("ID") != "debian" or shutil.which("apt-get") is None:
        raise LabUnavailableError("the libvirt lab takes its packages from Debian's archive, and this is no Debian")
    return release


def _unpack(apt: Apt, folder: Path) -> dict[str, str]:
    try:
        host = apt.fetch(*HOST_PACKAGES, newest=True)
        guest = apt.download(*GUEST_PACKAGES, apt.dependency(KERNEL_PACKAGE, "linux-image-"))
    except LabError as error:
        raise LabUnavailableError(f"no packages for the libvirt lab: {error}") from error
    versions = unpack(host, folder / "host") | unpack(guest, folder / "guest")
    _check_version(versions)
    # AppArmor profiles of an installed libvirt go by path: under another name the lab's daemon is not confined.
    daemon = folder / "host/usr/sbin/libvirtd"
    if not daemon.exists():
        daemon = Path("/usr/sbin/libvirtd")
        (folder / "host/usr/sbin").mkdir(exist_ok=True)
    shutil.copy2(daemon, folder / "host/usr/sbin/vmsnap-lab-libvirtd")
    return versions


class Apt:
    """apt with sources, lists and archives of its own; only the package database is the machine's."""

    def __init__(self, folder: Path, release: dict[str, str]) -> None:
        self._archives = folder / "archives"
        self._lists = folder / "lists"
        self._sources = folder / "debian.sources"
        for path in (self._archives / "partial", self._lists / "partial"):
            path.mkdir(parents=True, exist_ok=True)
        codename = release["VERSION_CODENAME"]
        old = int(release.get("VERSION_ID", "99").split(".")[0]) < 13
        self._suite = f"{codename}-backports" if old else None
        self._sources.write_text(debian_sources(codename, extra=self._suite))

    def fetch(self, *packages: str, newest: bool = False) -> list[Path]:
        """These and what they need, as far as the machine lacks it; `newest` takes them from backports."""
        self._get("update", timeout=300)
        for old in self._archives.glob("*.deb"):
            old.unlink()
        target = ("--target-release", self._suite) if newest and self._suite else ()
        self._get("install", "--download-only", *target, *packages)
        return list(self._archives.glob("*.deb"))

    def dependency(self, package: str, prefix: str) -> str:
        """The name behind a package that only depends on the current version of another."""
        for line in self._cache("depends", package).splitlines():
            kind, _, name = line.strip().partition(": ")
            if kind == "Depends" and name.startswith(prefix):
                return name
        raise LabError(f"{package} names no {prefix}…")

    def download(self, *packages: str) -> list[Path]:
        before = set(self._archives.glob("*.deb"))
        # `download` writes into the current folder and takes no other.
        script = 'cd "$1" && shift && exec "$@"'
        run("sh", "-c", script, "sh", self._archives, *self._command("apt-get"), "download", *packages)
        return sorted(set(self._archives.glob("*.deb")) - before)

    def _get(self, *arguments: str, timeout: float = 600) -> str:
        return run(*self._command("apt-get"), "--yes", "--no-install-recommends", *arguments, timeout=timeout)

    def _cache(self, *arguments: str) -> str:
        return run(*self._command("apt-cache"), *arguments)

    def _command(self, name: str) -> tuple[str, ...]:
        options = {
            "Dir::Etc::SourceList": str(self._sources),
            "Dir::Etc::SourceParts": "-",
            "Dir::State::Lists": f"{self._lists}/",
            "Dir::Cache::Archives": f"{self._archives}/",
            "Dir::Cache::PkgCache": "",
            "Dir::Cache::SrcPkgCache": "",
            "APT::Sandbox::User": "root",
            "APT::Get::List-Cleanup": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "DPkg::Lock::Timeout": "300",  # seconds: also what is only fetched waits for who installs, or fetches too
        }
        env = ("env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
        return (*env, name, "--quiet", *(f"-o{key}={value}" for key, value in options.items()))


def debian_sources(codename: str, *, extra: str | None, etc: Path = Path("/etc/apt")) -> str:
    """The machine's own entries for this release, in deb822 form; `extra` is one more suite of the same archive."""
    entries: list[dict[str, str]] = []
    for path in sorted(etc.glob("sources.list.d/*.sources")):
        entries += _stanzas(path.read_text())
    for path in (etc / "sources.list", *sorted(etc.glob("sources.list.d/*.list"))):
        if path.exists():
            entries += [entry for line in path.read_text().splitlines() if (entry := _one_line(line))]
    chosen: list[dict[str, str]] = []
    for entry in entries:
        suites = [s for s in entry.get("suites", "").split() if s == codename or s.startswith(f"{codename}-")]
        components = entry.get("components", "").split()
        off = entry.get("enabled", "yes").lower() in {"no", "false"}
        if off or "deb" not in entry.get("types", "").split() or not suites or "main" not in components:
            continue
        keep = {k: v for k, v in entry.items() if k in {"uris", "signed-by", "trusted", "check-valid-until"}}
        chosen.append({"types": "deb", "suites": " ".join(suites), "components": "main"} | keep)
    suites = [suite for entry in chosen for suite in entry["suites"].split()]
    if extra and extra not in suites:
        base = next((entry for entry in chosen if codename in entry["suites"].split()), None)
        if base is None:
            raise LabUnavailableError(f"apt has no entry for {codename} to find {extra} by")
        chosen.append(base | {"suites": extra})
    return "\n".join("".join(f"{key.title()}: {value}\n" for key, value in entry.items()) for entry in chosen)


def _stanzas(text: str) -> list[dict[str, str]]:
    result = []
    for block in text.split("\n\n"):
        entry: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t" and key:  # a continued value, such as a key in place
                entry[key] += f"\n{line}"
            elif ":" in line:
                name, _, value = line.partition(":")
                key = name.strip().lower()
                entry[key] = value.strip()
        if entry:
            result.append(entry)
    return result


def _one_line(line: str) -> dict[str, str] | None:
    words = line.split("#", maxsplit=1)[0]
    if not words.startswith("deb "):
        return None
    options: dict[str, str] = {}
    rest = words[4:].strip()
    if rest.startswith("["):
        inside, _, rest = rest[1:].partition("]")
        options = {k.lower(): v for k, _, v in (part.partition("=") for part in inside.split())}
    uri, suite, *components = rest.split()
    return {"types": "deb", "uris": uri, "suites": suite, "components": " ".join(components)} | options


def unpack(debs: list[Path], root: Path) -> dict[str, str]:
    """Lay the packages into `root`, merged into one `/usr`, and drop their files; returns the versions."""
    _skeleton(root)
    versions = {}
    for deb in debs:
        package, version = run("dpkg-deb", "--show", "--showformat=${Package} ${Version}", deb).split()
        if not package.startswith(UNUSED):
            _extract(deb, root)
            versions[package] = version
        deb.unlink()
    return versions


def _skeleton(root: Path) -> None:
    """A merged /usr, so that old paths in packages land where the overlay shows them."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")


def _extract(deb: Path, root: Path) -> None:
    unwanted = " ".join(f"--exclude=./usr/share/{name}" for name in ("doc", "man", "locale", "bug", "lintian"))
    script = f'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink --no-same-owner {unwanted} -C "$2"'
    run("sh", "-c", script, "sh", deb, root)


def _check_version(versions: dict[str, str]) -> None:
    version = versions.get("libvirt-daemon") or run("dpkg-query", "--show", "--showformat=${Version}", "libvirt-daemon")
    try:
        run("dpkg", "--compare-versions", version, "ge", MINIMUM)
    except LabError as error:
        raise LabUnavailableError(f"libvirt {version} is too old for the lab, which needs {MINIMUM}") from error


def sweep_roots(keep: Path, seconds: float = 3600) -> None:
    """Forget what was unpacked for an earlier state of the package database, unless a lab still runs on it."""
    mounted = set()
    for process in Path("/proc").glob("[0-9]*/mountinfo"):
        with suppress(OSError):
            mounted.update(re.findall(r"lowerdir=\S*/roots/([0-9a-f]+)/host", process.read_text()))
    for folder in (cache_folder() / "roots").glob("*"):
        old = folder.stat().st_mtime < time.time() - seconds
        if old and folder != keep and folder.name not in mounted:
            shutil.rmtree(folder, ignore_errors=True)
