"""Which run of the program something belongs to, and whether that run is over."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_PROC = Path("/proc")


def this_run() -> str:
    """A name for this process that no other one has: host, boot, process id and when it started."""
    return _name(os.getpid())


def is_over(run: str) -> bool:
    """Whether the process of that name is no more. False where this cannot be known: a run on another host."""
    host, boot, pid, _ = run.rsplit(" ", 3)
    if host != socket.gethostname():
        return False
    return boot != _boot() or not pid.isdecimal() or _name(int(pid)) != run


def _name(pid: int) -> str:
    return f"{socket.gethostname()} {_boot()} {pid} {_started(pid)}"


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "-"


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; "" where there is no such process."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        if _PROC.joinpath("self").exists():
            return ""
        return "?" if _answers(pid) else ""
    # The name of the command stands in brackets and may hold anything; the times come after it.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else fields[19]


def _answers(pid: int) -> bool:
    """Whether there is such a process, on a system without /proc."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
