"""How far a step is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmsnap_tui.model.freeze import Freeze


@dataclass(frozen=True, slots=True)
class Progress:
    """What a running step reports. `done` and `total` are bytes, None where the platform gives no number."""

    phase: str
    done: int | None = None
    total: int | None = None
    freeze: Freeze | None = None

    @property
    def fraction(self) -> float | None:
        """0…1, or None: never an invented percentage."""
        if self.done is None or not self.total:
            return None
        return min(1.0, max(0.0, self.done / self.total))
