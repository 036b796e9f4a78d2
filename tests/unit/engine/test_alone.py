"""Some things are done by one run at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.engine.alone import alone
from vmsnap_tui.model.errors import Conflict

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_one_is_turned_away_until_the_first_has_ended(tmp_path: Path) -> None:
    with alone("prune", tmp_path):
        with pytest.raises(Conflict, match="another prune is under way"), alone("prune", tmp_path):
            pass
        with alone("something-else", tmp_path):
            pass
    with alone("prune", tmp_path):
        pass
