"""The cloud's processes: each in a mount namespace where the unpacked packages lie over `/usr`.

They outlive the session that started them when the lab is kept, so nothing here relies on being their parent: a
process belongs to a lab when the lab's folder is mounted in its namespace. (Its environment says nothing certain:
some write their title over it.)
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.lab.libvirt.daemon import wait_until
from tests.lab.libvirt.packages import LabError, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .packages import Software

ENTER: Final = """set -e
mount -t overlay -o "ro,lowerdir=$1/usr:/usr" vmsnap-lab /usr
mount --bind "$2" "$2"
shift 2
exec "$@"
"""
# What OpenStack calls as root it finds here: in the namespace there is nobody else to be.
SUDO: Final = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
exec "$@"
"""


@dataclass
class Processes:
    """Those of the lab in `folder`."""

    software: Software
    folder: Path
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, repr=False)

    def prepare(self) -> None:
        for name in ("run", "log", "bin", "home"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        sudo = self.folder / "bin/sudo"
        sudo.write_text(SUDO)
        sudo.chmod(0o755)

    def _wrapped(self, command: tuple[str | Path, ...]) -> list[str]:
        alone = ("--mount", "--propagation", "private")
        user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
        whole = ("unshare", *user, *alone, "sh", "-c", ENTER, "enter", self.software.debian, self.folder, *command)
        return [str(part) for part in whole]

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        path = (self.folder / "bin", self.software.venv / "bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
        return {
            "PATH": ":".join(str(part) for part in path),
            "HOME": str(self.folder / "home"),
            "LC_ALL": "C.UTF-8",
            **extra,
        }

    def call(self, *command: str | Path, env: Mapping[str, str] | None = None, timeout: float = 300) -> str:
        """Run a command in a namespace like theirs and return what it printed."""
        return run(*self._wrapped(command), env=self._environment(env or {}), timeout=timeout)

    def start(self, name: str, *command: str | Path, env: Mapping[str, str] | None = None) -> None:
        """Start it, unless it runs."""
        if self.runs(name):
            return
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(
                self._wrapped(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(env or {}),
                cwd=self.folder,
                start_new_session=True,
            )
        self._children[name] = child
        self._pid_file(name).write_text(str(child.pid))

    def runs(self, name: str) -> bool:
        if child := self._children.get(name):
            return child.poll() is None
        with suppress(OSError, ValueError):
            return _belongs(Path("/proc", self._pid_file(name).read_text()), self.folder)
        return False

    def check(self, name: str) -> None:
        """Raise with its last words if it does not run."""
        if not self.runs(name):
            raise LabError(f"{name} ended; its log says:\n{self.last_words(name)}")

    def wait(self, name: str, condition: Callable[[], bool], timeout: float) -> None:
        """Until it answers, as `condition` tells; at once an error when it ends."""

        def ready() -> bool:
            self.check(name)
            return condition()

        try:
            wait_until(ready, timeout, f"{name} to answer", every=0.1)
        except LabError as error:
            raise LabError(f"{error}; its log says:\n{self.last_words(name)}") from error

    def stop(self, name: str, timeout: float = 15) -> None:
        """End it and its children, kindly at first; fine if it does not run."""
        if not self.runs(name):
            return
        pid = int(self._pid_file(name).read_text())
        for number, patience in ((signal.SIGTERM, timeout), (signal.SIGKILL, 10.0)):
            with suppress(ProcessLookupError):
                os.killpg(pid, number)
            with suppress(LabError):
                wait_until(lambda: not self.runs(name), patience, f"{name} to end")
                break
        with suppress(ProcessLookupError):  # children that did not go along
            os.killpg(pid, signal.SIGKILL)
        self._children.pop(name, None)
        self._pid_file(name).unlink(missing_ok=True)

    def kill_all(self) -> None:
        """End whatever belongs to this lab, at once."""
        for _ in range(3):  # a dying one may still have started something
            for pid in self.pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_until(self._all_ended, 20, f"the processes of {self.folder} to end")

    def _all_ended(self) -> bool:
        for child in self._children.values():
            child.poll()  # reaps
        return not self.pids()

    def pids(self) -> set[int]:
        """Everything that runs with this lab's mark, whatever became of pid files."""
        entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return {int(entry.name) for entry in entries if _belongs(entry, self.folder)}

    def memory(self) -> int:
        """Bytes that its processes take together, what they share counted once."""
        total = 0
        for pid in self.pids():
            with suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
        return total

    def log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def last_words(self, name: str) -> str:
        log = self.log(name)
        return log.read_text(errors="replace")[-3000:] if log.exists() else "(no log)"

    def _pid_file(self, name: str) -> Path:
        return self.folder / "run" / f"{name}.pid"


def _belongs(entry: Path, folder: Path) -> bool:
    # A zombie has no mounts: it counts as ended, whoever may have to reap it.
    with suppress(OSError):
        return f" {folder} " in (entry / "mountinfo").read_text()
    return False
