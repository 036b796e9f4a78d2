"""Who comes up before whom, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.model.vm import Vm

_NAMED = 4


def in_words(waves: Sequence[Sequence[Vm]]) -> str:
    """ "first dc-01, then db-01, db-02, then 12 others"; "" where all come up together."""
    if len(waves) < 2:
        return ""
    said = [
        ", ".join(clean(vm.name) for vm in wave) if len(wave) <= _NAMED else f"{len(wave)} others" for wave in waves
    ]
    return "first " + ", then ".join(said)
