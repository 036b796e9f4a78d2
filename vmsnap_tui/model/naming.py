"""Names that vmsnap proposes for snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime


def fresh_name(now: datetime, taken: Collection[str], *, prefix: str = "") -> str:
    """A name by date and time in the zone of `now` that none of `taken` has: 2026-03-02-1405, then …-2, …-3."""
    name = f"{prefix}{now:%Y-%m-%d-%H%M}"
    if name not in taken:
        return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"
