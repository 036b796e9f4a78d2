"""libvirtd in a mount namespace of its own.

Inside, the unpacked packages lie over `/usr`, and folders of this lab lie over those that libvirt has its
configuration and state in. Outside, nothing changes but the few empty folders that serve as mount points.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .packages import LabError, LabUnavailableError, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from .packages import Tools

MOUNTS: Final = {
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
    "run": "/run/libvirt",
}

# $1 the unpacked packages, $2 the lab's folder, the rest a command.
# Without D-Bus libvirt leaves the machine's systemd, polkit and firewall alone.
ENTER: Final = """set -e
mount -t overlay -o "ro,lowerdir=$1/usr:/usr" vmsnap-lab /usr
{binds}
for name in passwd group; do mount --bind "$2/$name" "/etc/$name"; done
if [ -d /run/dbus ]; then mount -t tmpfs -o size=4k none /run/dbus; fi
shift 2
exec "$@"
""".format(binds="\n".join(f'mount --bind "$2/{name}" {path}' for name, path in MOUNTS.items()))

QEMU_USER: Final = "libvirt-qemu"

QEMU_CONF: Final = """user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
"""

LIBVIRTD_CONF: Final = """unix_sock_group = "root"
unix_sock_rw_perms = "0700"
unix_sock_ro_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:file:{log}"
"""


SLACK: Final = 3.0
"""How many times as long as a quiet machine takes at most a loaded one may take."""


def wait_until(condition: Callable[[], bool], timeout: float, what: str, *, every: float = 0.05) -> None:
    """`timeout` is in seconds of a quiet machine."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() > began + timeout * SLACK:
            raise LabError(f"after {time.monotonic() - began:.0f} s still waiting for {what}")
        time.sleep(every)


class Daemon:
    """One libvirtd, its state under `folder`."""

    def __init__(self, tools: Tools, folder: Path) -> None:
        self._tools = tools
        self.folder = folder
        self.socket = folder / "run/libvirt-sock"
        self.log = folder / "libvirtd.log"
        self._pid_file = folder / "libvirtd.pid"
        if len(str(self.socket)) > 100:
            raise LabUnavailableError(f"{self.socket} is too long for a socket; set XDG_CACHE_HOME to a shorter path")

    def prepare(self) -> None:
        # Asking QEMU for its abilities takes seconds, and the answer stays the same.
        shared = self._tools.host.parent / "cache"
        shared.mkdir(exist_ok=True)
        if not (self.folder / "cache").is_symlink():
            (self.folder / "cache").symlink_to(shared)
        for name, path in MOUNTS.items():
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            Path(path).mkdir(parents=True, exist_ok=True)
        (self.folder / "etc/qemu.conf").write_text(QEMU_CONF)
        (self.folder / "etc/libvirtd.conf").write_text(LIBVIRTD_CONF.format(log=self.log))
        # Debian's QEMU driver insists on its own user, although the configuration names another.
        for name, line in (("passwd", f"{QEMU_USER}:x:64055:64055::/:/bin/false"), ("group", f"{QEMU_USER}:x:64055:")):
            known = Path("/etc", name).read_text().rstrip("\n")
            missing = not any(entry.startswith(f"{QEMU_USER}:") for entry in known.splitlines())
            (self.folder / name).write_text(f"{known}\n{line}\n" if missing else f"{known}\n")
        try:
            self.enter("true")
        except LabError as error:
            raise LabUnavailableError(f"the libvirt lab needs a mount namespace with an overlay: {error}") from error

    def enter(self, *command: str | Path, timeout: float = 60) -> str:
        """Run a command in a namespace like the daemon's."""
        wrapped = ("sh", "-c", ENTER, "enter", self._tools.host, self.folder, *command)
        return run("unshare", "--mount", "--propagation", "private", *wrapped, timeout=timeout)

    @property
    def pid(self) -> int | None:
        """The daemon's process, if it runs."""
        with suppress(OSError, ValueError):
            pid = int(self._pid_file.read_text())
            if pid in processes(self.folder):
                return pid
        return None

    def start(self, timeout: float = 30) -> None:
        """Start it; it returns when the daemon has taken up its guests and answers."""
        if self.pid is not None:
            return
        config = "/etc/libvirt/libvirtd.conf"
        try:
            self.enter("vmsnap-lab-libvirtd", "-d", "-f", config, "-p", self._pid_file, timeout=timeout)
        except LabError as error:
            raise LabError(f"libvirtd did not start: {error}\n{self.last_words()}") from error

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else "(no log)"

    def kill(self, number: signal.Signals = signal.SIGKILL, timeout: float = 20) -> None:
        """End the daemon; guests go on."""
        if (pid := self.pid) is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        wait_until(lambda: pid not in processes(self.folder), timeout, "libvirtd to end")

    def remove(self) -> None:
        """End everything that this lab ever started, the guests too, and its files."""
        for _ in range(3):  # a dying daemon may still have started something
            for pid in processes(self.folder):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not processes(self.folder), 20, f"the processes of {self.folder} to end")
        shutil.rmtree(self.folder, ignore_errors=True)


def processes(folder: Path) -> set[int]:
    """Those that live in a namespace of this lab: whatever became of pid files, its mounts give a process away."""
    mark = f"/{folder.parent.name}/{folder.name}/run {MOUNTS['run']} "
    found = set()
    for entry in Path("/proc").iterdir():
        # A zombie has no mounts: it counts as ended, whoever may have to reap it.
        with suppress(OSError):
            if entry.name.isdigit() and mark in (entry / "mountinfo").read_text():
                found.add(int(entry.name))
    return found
