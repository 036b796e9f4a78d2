"""Which of this machine's paths lie on NFS."""

from __future__ import annotations

import time
from pathlib import Path

_KEPT = 30.0  # seconds for which the list of mounts is believed
_ESCAPES = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}


def nfs_mounts(mounts: str) -> dict[str, bool]:
    """Each mount point of a /proc/mounts text, and whether it is NFS. Of two on one point the later one counts."""
    found = {}
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) > 2:  # device, mount point, type
            point = fields[1]
            for escape, char in _ESCAPES.items():
                point = point.replace(escape, char)
            found[point] = fields[2].startswith("nfs")
    return found


def on_nfs(path: str, mounts: dict[str, bool]) -> bool:
    """Whether the innermost mount point above `path` is NFS. Touches no file: a dead NFS server would hang."""
    for point in (path, *map(str, Path(path).parents)):
        if point in mounts:
            return mounts[point]
    return False


class Mounts:
    """The mounts of this machine, read anew once in a while."""

    def __init__(self, source: Path = Path("/proc/self/mounts")) -> None:
        self._source = source
        self._mounts: dict[str, bool] = {}
        self._read_at = float("-inf")

    def is_nfs(self, path: str) -> bool:
        """Whether the path lies on NFS."""
        if time.monotonic() - self._read_at > _KEPT:
            try:
                self._mounts = nfs_mounts(self._source.read_text(errors="surrogateescape"))
            except OSError:
                self._mounts = {}
            self._read_at = time.monotonic()
        return any(self._mounts.values()) and on_nfs(path, self._mounts)
