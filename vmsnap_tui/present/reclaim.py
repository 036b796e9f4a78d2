"""An estimate of freed space in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.present import sizes

if TYPE_CHECKING:
    from vmsnap_tui.model.reclaim import Reclaim


def in_words(freed: Reclaim) -> str:
    """ "frees 1.2 GiB", "frees 0 B to 3.4 GiB (estimate)", and what is not known."""
    if freed.upper == 0:
        return "frees nothing" if freed.is_complete else "frees what the storage does not tell"
    if freed.lower == freed.upper and freed.is_complete:
        return f"frees {sizes.size(freed.upper)}"
    least = f"{sizes.size(freed.lower)} to " if freed.lower else "up to "
    more = "" if freed.is_complete else ", and what the storage does not tell"
    return f"frees {least}{sizes.size(freed.upper)} (estimate{more})"
