"""What the screen's tests share: a clean machine, and pictures to compare with."""

from __future__ import annotations

import os
import time
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.ui.stage import Stage

PICTURES = Path(__file__).parent / "pictures"

# Textual reads it when it is imported. Nobody sees the frames between two looks, and each is drawn in full.
os.environ["TEXTUAL_FPS"] = "20"


@pytest.fixture(autouse=True)
def _clean_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings of whoever runs the tests, one time zone, no animation."""
    for folder in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(folder, str(tmp_path / folder))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[Stage, str], None]:
    """Compare the screen with the picture of that name; `--update-pictures` writes it anew."""

    def compare(stage: Stage, name: str) -> None:
        path = PICTURES / f"{name}.txt"
        seen = stage.text + "\n"
        if request.config.getoption("--update-pictures"):
            PICTURES.mkdir(exist_ok=True)
            path.write_text(seen, encoding="utf-8")
            return
        kept = path.read_text(encoding="utf-8")
        assert seen == kept, "\n".join(unified_diff(kept.splitlines(), seen.splitlines(), "kept", "seen", lineterm=""))

    return compare
