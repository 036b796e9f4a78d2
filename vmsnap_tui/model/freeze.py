"""The state of a guest's file systems."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class FreezeState(Enum):
    """As the lamp shows it."""

    THAWED = "thawed"
    FREEZING = "freezing"
    FROZEN = "frozen"
    THAWING = "thawing"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"  # no agent
    HIDDEN = "hidden"  # the platform does it and does not tell

    @property
    def may_be_frozen(self) -> bool:
        """Whether the guest may stand frozen now. Where something failed, nobody has seen that it does not."""
        return self in {FreezeState.FREEZING, FreezeState.FROZEN, FreezeState.THAWING, FreezeState.FAILED}


@dataclass(frozen=True, slots=True)
class Freeze:
    """A freeze state, since when (aware UTC) and, where it failed, why."""

    state: FreezeState
    since: datetime | None = None
    why: str = ""
