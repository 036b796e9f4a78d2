"""The built wheel carries what the program needs besides its modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=100)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as file:
        return set(file.namelist())


def test_themes_are_in_it(names: set[str]) -> None:
    themes = {f"vmsnap_tui/themes/{file.name}" for file in (ROOT / "themes").glob("*.toml")}
    assert len(themes) >= 4
    assert themes <= names


def test_marker_and_style_are_in_it(names: set[str]) -> None:
    assert {"vmsnap_tui/py.typed", "vmsnap_tui/ui/app.tcss"} <= names


def test_every_module_is_in_it_and_nothing_else(names: set[str]) -> None:
    modules = {str(file.relative_to(ROOT)) for file in (ROOT / "vmsnap_tui").rglob("*.py")}
    assert modules <= names
    assert not [name for name in names if name.startswith(("tests/", "screenshots/"))]
