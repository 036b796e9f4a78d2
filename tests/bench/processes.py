"""Processes that are measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tests.bench.sink import LEAVE_AT
from tests.lab.libvirt.packages import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
_DRIVER = "tests.bench.sink:Sink"


def environment(home: Path, **more: str) -> dict[str, str]:
    """A user's environment, without this one's settings: bytecode is kept, and the screen goes to the sink."""
    unset = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}
    folders = {name: str(home / name) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return {**kept, **folders, "TEXTUAL_DRIVER": _DRIVER, **more}


def python(*arguments: str) -> list[str]:
    """The command for a module of ours."""
    return [sys.executable, "-m", *arguments]


@cache
def virsh() -> tuple[str, Mapping[str, str]] | None:
    """virsh and the environment that it needs: the machine's, else the one that the lab has unpacked."""
    if found := shutil.which("virsh"):
        return found, {}
    roots = sorted((cache_folder() / "roots").glob("*/host"), key=lambda root: root.stat().st_mtime)
    for root in reversed(roots):
        command = root / "usr/bin/virsh"
        if command.exists():
            # Libraries that the machine has were not unpacked, and it finds those by itself.
            return str(command), {"LD_LIBRARY_PATH": ":".join(map(str, root.glob("usr/lib/*-linux-gnu")))}
    return None


NO_VIRSH = "no virsh on this machine, nor unpacked by ./dev lab"


def seconds(command: Sequence[str], env: Mapping[str, str], patience: float = 60) -> float:
    """How long a process takes from its start to its end, `patience` at most.

    Its input is a terminal, its output may be one too.
    """
    terminal, its_end = os.openpty()
    try:
        began = time.perf_counter()
        out = its_end if LEAVE_AT in env else subprocess.PIPE
        done = subprocess.run(
            command, env=env, cwd=ROOT, stdin=its_end, stdout=out, stderr=subprocess.PIPE, check=False, timeout=patience
        )
        passed = time.perf_counter() - began
    finally:
        os.close(terminal)
        os.close(its_end)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return passed


def race(runs: int, *contestants: tuple[Sequence[str], Mapping[str, str]], patience: float = 60) -> list[float]:
    """The median milliseconds of each, in turns, after a round that warms all caches."""
    taken: list[list[float]] = [[] for _ in contestants]
    for run in range(runs + 1):
        for times, (command, env) in zip(taken, contestants, strict=True):
            passed = seconds(command, env, patience)
            if run:
                times.append(passed * 1000)
    return [median(times) for times in taken]
