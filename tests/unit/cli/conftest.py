"""The command line in this process, on sites of its own and with state and config of its own."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from vmsnap_tui.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path

DEMO = """
[[sites]]
name = "kvm"
kind = "demo"
options = { shape = "libvirt", speed = "2000" }
"""


class Terminal(io.StringIO):
    """A stdin with somebody in front of it."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)


class Vmsnap(Protocol):
    """`vmsnap ARGUMENTS`; `typed` is what somebody types at a terminal, None where there is no terminal."""

    def __call__(self, *arguments: str, typed: str | None = None) -> Ended:
        """Run it."""
        ...


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config file with a quick demo site, named in the environment."""
    path = tmp_path / "config.toml"
    path.write_text(DEMO)
    monkeypatch.setenv("VMSNAP_CONFIG", str(path))
    return path


@pytest.fixture
def vmsnap(
    config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Vmsnap:
    """The command, on the config file."""
    assert config_file.exists()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")

    def command(*arguments: str, typed: str | None = None) -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Terminal(typed))
        capsys.readouterr()
        code = run(arguments)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ended(code, said.out, said.err)

    return command
