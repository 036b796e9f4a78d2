"""Commands that change something see to guests that a run which died has left frozen; those that look do not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.engine.journal import CutOff
from vmsnap_tui.model.vm import VmRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.cli.conftest import Vmsnap

LEFT = CutOff("j", VmRef("kvm", "x"), "mail", "Take x", "cut", datetime(2026, 1, 1, tzinfo=UTC), froze=True)


@pytest.mark.parametrize(
    ("words", "acts"),
    [
        ("take db-prod-01 x", True),
        ("take --together db-prod-01 db-prod-02 --yes", True),
        ("take --together db-prod-01 db-prod-02 --dry-run", False),
        ("prune db-prod-01 --keep-last 99 --yes", True),
        ("prune db-prod-01 --keep-last 1 --dry-run", False),
        ("restore db-prod-01 --at -1h --yes", True),
        ("lab reset none --yes", True),
        ("lab start none --yes", True),
        ("lab baseline none --yes", True),
        ("lab list", False),
        ("thaw db-prod-01", False),
        ("ls", False),
    ],
)
def test_who_sees_to_it(vmsnap: Vmsnap, monkeypatch: pytest.MonkeyPatch, words: str, *, acts: bool) -> None:
    async def left(_engine: Engine) -> Sequence[CutOff]:
        return (LEFT,)

    monkeypatch.setattr(Engine, "settle_left", left)
    ended = vmsnap(*words.split())
    assert ("mail: Take x was cut off: its site does not answer yet" in ended.err) == acts


def test_a_journal_that_keeps_nothing_is_told(vmsnap: Vmsnap) -> None:
    """After a crash nobody would know then whom to thaw."""
    from vmsnap_tui.engine.locations import journal_file, state_folder

    file = journal_file(state_folder() / "demo")
    file.parent.mkdir(parents=True)
    file.write_text("no database" * 100)
    ended = vmsnap("take", "db-prod-01", "x")
    assert ended.code == Exit.OK
    assert "cannot be used" in ended.err
    assert "cannot be used" not in vmsnap("ls").err
