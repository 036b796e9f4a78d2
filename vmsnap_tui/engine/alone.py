"""Some things are not done by two runs of the program at once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from vmsnap_tui.model.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_CALLED = {"lab": "run for a lab or a group"}
"""How what is done alone is called, where its lock is called otherwise."""


@contextmanager
def alone(what: str, state: Path) -> Iterator[None]:
    """Nobody else does this with the same state folder meanwhile. Raises Conflict where somebody does.

    The lock ends with the process, however that ends.
    """
    try:
        with FileLock(state / f"{what}.lock", timeout=0):
            yield
    except Timeout as error:
        raise Conflict(f"another {_CALLED.get(what, what)} is under way", "wait until it is done") from error
