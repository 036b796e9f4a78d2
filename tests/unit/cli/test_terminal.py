"""On a real terminal: the bar, the question, and Ctrl-C."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE = 60.0

pytestmark = pytest.mark.usefixtures("config_file")


class Session:
    """`vmsnap` with a terminal around it."""

    def __init__(self, arguments: list[str], state: Path) -> None:
        self.terminal, inside = pty.openpty()
        environment = {**os.environ, "XDG_STATE_HOME": str(state), "TERM": "xterm-256color", "COLUMNS": "120"}
        command = [sys.executable, "-m", "vmsnap_tui", *arguments]
        self.process = subprocess.Popen(
            command, stdin=inside, stdout=inside, stderr=inside, env=environment, start_new_session=True
        )
        os.close(inside)
        self.said = ""

    def until(self, text: str) -> None:
        """Read until `text` is on the terminal."""
        end = time.monotonic() + _PATIENCE
        while text not in self.said:
            ready, _, _ = select.select([self.terminal], [], [], end - time.monotonic())
            assert ready, f"no {text!r} in {self.said!r}"
            self.said += self._more()

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.terminal, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self, *, impatient: bool = False) -> int:
        """The exit code, once all is read. Who is impatient presses Ctrl-C again where nothing happens."""
        deadline = time.monotonic() + _PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.terminal], [], [], min(left, 2.0))[0]:
                if impatient:
                    self.interrupt()
                continue
            if not (more := self._more()):
                return self.process.wait(_PATIENCE)
            self.said += more
        pytest.fail(f"it does not end: {self.said!r}")

    def _more(self) -> str:
        try:
            return os.read(self.terminal, 65536).decode(errors="replace")
        except OSError:  # the other end is closed
            return ""


@pytest.fixture
def slow(config_file: Path) -> None:
    """Jobs take as long as they really do."""
    config_file.write_text(config_file.read_text().replace("2000", "1"))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A deletion that asks first."""
    session = Session(["rm", "db-prod-01", "index-brin"], tmp_path / "state")
    yield session
    session.process.kill()
    session.process.wait()
    os.close(session.terminal)


def test_the_bar_fills_after_the_name_was_typed(session: Session) -> None:
    session.until("Type db-prod-01 to delete")
    session.type("db-prod-01\n")
    assert session.end() == Exit.OK
    assert "━" in session.said
    assert "\x1b[?25h" in session.said  # the cursor is back


@pytest.mark.usefixtures("slow")
def test_ctrl_c_asks_the_job_to_stop(session: Session) -> None:
    session.until("Type")
    session.type("db-prod-01\n")
    session.until(" of 6.4 GiB")
    session.interrupt()
    assert session.end() == Exit.CANCELLED
    assert "Asked to stop" in session.said


def test_ctrl_c_at_the_question_leaves(session: Session) -> None:
    session.until("Type")
    session.interrupt()  # which C's own reading misses where it comes in the instant before it begins
    assert session.end(impatient=True) == Exit.INTERRUPTED
    assert "Traceback" not in session.said
