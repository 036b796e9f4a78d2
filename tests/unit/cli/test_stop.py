"""Ctrl-C while several vms are at work: nothing more is begun, and what came of each is told."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.model.vm import PlatformKind, Site
from vmsnap_tui.platforms.demo.platform import DemoPlatform

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Vmsnap
    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.together import Gate


@pytest.mark.parametrize(
    "words",
    [
        ("prune", "web-02", "--keep-last", "1", "--yes"),
        ("restore", "--at=-1h", "student-*", "--yes"),
        ("lab", "reset", "networks-101", "--yes"),
        ("take", "--lab", "networks-101"),
    ],
)
def test_nothing_more_is_begun(vmsnap: Vmsnap, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    real = DemoPlatform.run
    begun: list[Step] = []

    def run(
        self: DemoPlatform, step: Step, report: Callable[[Progress], None], stop: threading.Event, *gate: Gate
    ) -> str:
        begun.append(step)
        if len(begun) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        stop.wait(10)
        return real(self, step, report, threading.Event(), *gate)

    monkeypatch.setattr(DemoPlatform, "run", run)
    ended = vmsnap(*words)
    assert ended.code == Exit.CANCELLED, ended.err
    assert "Asked to stop" in ended.err
    assert len(begun) <= Site("demo", PlatformKind.DEMO, "").jobs
    assert "not begun" in ended.err or "cancelled before it began" in ended.err
