"""What was asked and done, in SQLite: the audit log, and the memory of what a crash cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vmsnap_tui.model.vm import VmRef


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: a job begun, a step begun or ended, a job ended. `at` is aware UTC."""

    at: datetime
    job: str
    vm: VmRef
    vm_name: str
    what: str  # "job", "step", "freeze", …
    state: str  # "begun", "done", "failed", "cancelled", "cut off"
    text: str


@dataclass(frozen=True, slots=True)
class CutOff:
    """A job that an earlier run of the program began and did not end. `now` says what is known of it today."""

    job: str
    vm: VmRef
    vm_name: str
    title: str
    step: str
    began: datetime
    froze: bool
    now: str = ""


class Journal:
    """The journal file."""

    async def entries(self, limit: int = 500) -> Sequence[Entry]:
        """The newest lines, newest first."""
        raise NotImplementedError
