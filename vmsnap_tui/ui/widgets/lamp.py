"""The freeze lamp: where a guest's file systems stand, with a running clock while they do not write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.present import marks, sizes

if TYPE_CHECKING:
    from datetime import datetime

    from vmsnap_tui.model.freeze import Freeze

_RUNNING = {FreezeState.FREEZING, FreezeState.FROZEN, FreezeState.THAWING}


def lamp(freeze: Freeze, now: datetime) -> marks.Mark:
    """The lamp's glyph, words and style at this moment."""
    mark = marks.mark(freeze.state)
    if freeze.state in _RUNNING and freeze.since:
        return marks.Mark(mark.glyph, f"{mark.word} {sizes.clock((now - freeze.since).total_seconds())}", mark.style)
    return mark


def is_lit(freeze: Freeze | None) -> bool:
    """Whether the guest stands still, or may."""
    return freeze is not None and freeze.state.may_be_frozen
