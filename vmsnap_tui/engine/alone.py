"""Some things are not done by two runs of the program at once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from vmsnap_tui.model.errors import Conflict, Failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_CALLED = {"lab": "run for a lab or a group"}
"""How what is done alone is called, where its lock is called otherwise."""


@contextmanager
def alone(what: str, state: Path) -> Iterator[None]:
    """Nobody else does this with the same state folder meanwhile.

    Raises Conflict where somebody does, Failed where that cannot be known.
    The lock ends with the process, however that ends.
    """
    lock = FileLock(state / f"{what}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise Conflict(f"another {_CALLED.get(what, what)} is under way", "wait until it is done") from error
    except (OSError, NotImplementedError) as error:  # the latter where the file system knows no locks
        why = f"no lock can be taken in {state}, so that nothing was begun: {error}"
        raise Failed(why, "name a folder that can be written to: XDG_STATE_HOME") from error
    try:
        yield
    finally:
        lock.release()
