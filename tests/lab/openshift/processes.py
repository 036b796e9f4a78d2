"""The processes of a lab that outlive the session that started them.

Nothing here relies on being their parent: a process belongs to a lab when it works in the lab's folder, which none
of them ever leaves. (Its environment says nothing certain: some write their title over it.)
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.libvirt.daemon import wait_until
from tests.lab.libvirt.packages import LabError

if TYPE_CHECKING:
    from collections.abc import Callable


class Processes:
    """Those of the lab in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str | Path, env: dict[str, str] | None = None) -> None:
        """Start it, unless it runs."""
        if self.runs(name):
            return
        self.log(name).parent.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | (env or {}),
                cwd=self.folder,
                start_new_session=True,
            )
        self._children[name] = child
        self._pid_file(name).parent.mkdir(exist_ok=True)
        self._pid_file(name).write_text(str(child.pid))

    def runs(self, name: str) -> bool:
        if child := self._children.get(name):
            return child.poll() is None
        with suppress(OSError, ValueError):
            return self._belongs(Path("/proc", self._pid_file(name).read_text()))
        return False

    def pid(self, name: str) -> int:
        """Of one that runs."""
        self.check(name)
        return int(self._pid_file(name).read_text())

    def began(self, name: str) -> float:
        """When it was started, in seconds of the epoch."""
        return self._pid_file(name).stat().st_mtime

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
            wait_until(ready, timeout, f"{name} to answer")
        except LabError as error:
            raise LabError(f"{error}; its log says:\n{self.last_words(name)}") from error

    def stop(self, name: str, timeout: float = 15) -> None:
        """End it and its children, kindly at first; fine if it does not run."""
        if not self.runs(name):
            return
        pid = self.pid(name)
        for number, patience in ((signal.SIGTERM, timeout), (signal.SIGKILL, 10.0)):
            with suppress(ProcessLookupError):
                os.killpg(pid, number)
            with suppress(LabError):
                wait_until(lambda: not self.runs(name), patience, f"{name} to end")
                break
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
        """Everything that works in the lab's folder, whatever became of pid files."""
        entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return {int(entry.name) for entry in entries if self._belongs(entry)}

    def _belongs(self, entry: Path) -> bool:
        with suppress(OSError):  # gone meanwhile, or another user's
            return (entry / "cwd").readlink() == self.folder
        return False

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
