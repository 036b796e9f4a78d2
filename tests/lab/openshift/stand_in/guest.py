"""What the stand-in's guests are like: one JSON file each, `NAMESPACE/NAME.json`, written by the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


class Guest(msgspec.Struct, frozen=True):
    """One guest; without a file it has no agent."""

    agent: bool = False
    """Whether a guest agent is connected."""
    freeze_fails: str = ""
    """Words that a freeze fails with, if any."""
    thaw_fails: str = ""
    freeze_seconds: float = 0
    """How long a freeze takes."""
    boot_seconds: float = 0
    """How long it takes from its start until it runs."""
    stop_seconds: float = 0


class Guests:
    """The folder with the files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, int] = {}

    def __call__(self, namespace: str, name: str) -> Guest:
        try:
            return msgspec.json.decode((self._folder / namespace / f"{name}.json").read_bytes(), type=Guest)
        except FileNotFoundError:
            return Guest()

    def changed(self) -> list[tuple[str, str]]:
        """Namespace and name of those whose file was written since the last call."""
        fresh = {path: path.stat().st_mtime_ns for path in self._folder.glob("*/*.json")}
        found = [path for path, time in fresh.items() if self._seen.get(path) != time]
        self._seen = fresh
        return [(path.parent.name, path.stem) for path in found]
