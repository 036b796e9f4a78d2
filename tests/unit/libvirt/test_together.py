"""A part of a group snapshot: whatever goes wrong with its guest, it is thawed, and worth no more than was proven."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import libvirt
import pytest

from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.together import Group, Hold
from vmsnap_tui.platforms.libvirt.errors import AGENT_COMMAND_FAILED, AGENT_COMMAND_TIMEOUT
from vmsnap_tui.platforms.libvirt.steps import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmsnap_tui.model.progress import Progress


def wrong(code: int, words: str) -> libvirt.libvirtError:
    error = libvirt.libvirtError(words)
    error.err = (code, 0, words, 2, "", "", "", -1, -1)
    return error


@dataclass
class Guest:
    """A domain whose agent counts one file system."""

    running: bool = True
    frozen: bool = False
    thaw_error: libvirt.libvirtError | None = None
    thaws: int = 0

    def UUIDString(self) -> str:  # noqa: N802  (libvirt's)
        return "uuid"

    def state(self) -> list[int]:
        return [libvirt.VIR_DOMAIN_RUNNING if self.running else libvirt.VIR_DOMAIN_SHUTOFF, 0]

    def agentSetResponseTimeout(self, seconds: int, flags: int) -> None:  # noqa: N802
        del seconds, flags

    def fsFreeze(self) -> int:  # noqa: N802
        self.frozen = True
        return 1

    def fsThaw(self) -> int:  # noqa: N802
        self.thaws += 1
        if self.thaw_error and self.thaws == 1:
            raise self.thaw_error
        was, self.frozen = self.frozen, False
        return int(was)

    def getTime(self) -> dict[str, int]:  # noqa: N802
        if self.frozen:
            raise wrong(AGENT_COMMAND_FAILED, "the command guest-get-time has been disabled: the agent is frozen")
        return {}


@dataclass
class Meeting:
    """A gate that is open, and does what a test wants of it."""

    limit: float = 10.0
    hold: Hold | None = None
    at: dict[str, Callable[[], object]] = field(default_factory=dict)

    def _come(self, place: str) -> None:
        self.at.get(place, lambda: None)()

    def ready(self) -> None:
        self._come("ready")

    def still(self) -> None:
        self._come("still")

    def last(self) -> None:
        self._come("last")

    def cut(self) -> None:
        self._come("cut")

    def over(self, hold: Hold) -> Group | None:
        self.hold = hold
        return Group("g")


@pytest.fixture(autouse=True)
def nobody_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "beside", lambda *_: nullcontext())


def taken(guest: Guest, meeting: Meeting, *, freezes: bool = True) -> tuple[together.Part, list[Progress]]:
    reports: list[Progress] = []
    made: Any = object()
    either: Any = guest
    part = together.taken_together(either, either, lambda: made, reports.append, meeting, freezes=freezes)
    return part, reports


def test_frozen_until_all_are_cut() -> None:
    meeting = Meeting()
    part, reports = taken(Guest(), meeting)
    assert (part.consistency, meeting.hold) == (Consistency.FILESYSTEM, Hold.HELD)
    assert [each.freeze.state for each in reports if each.freeze][-1] is FreezeState.THAWED


def test_one_that_somebody_thawed_is_not_said_to_have_stood_still() -> None:
    guest = Guest()
    meeting = Meeting(at={"cut": guest.fsThaw})
    part, _ = taken(guest, meeting)
    assert (part.consistency, meeting.hold) == (None, Hold.LOOSE)


@pytest.mark.parametrize("code", [AGENT_COMMAND_TIMEOUT, AGENT_COMMAND_FAILED, libvirt.VIR_ERR_AGENT_UNRESPONSIVE])
def test_a_thaw_that_fails_is_tried_again_and_the_snapshot_is_not_forgotten(code: int) -> None:
    """It is cut by then, and there; Windows says at the thaw that it had let go before (VSS allows ten seconds)."""
    guest = Guest(thaw_error=wrong(code, "fsfreeze is limited up to 10 seconds"))
    meeting = Meeting()
    part, _ = taken(guest, meeting)
    assert not guest.frozen
    assert (part.consistency, meeting.hold) == (None, Hold.LOOSE)
    assert "fsfreeze is limited" in part.said
    assert part.group == Group("g")


def test_one_that_was_started_meanwhile_was_not_held() -> None:
    guest = Guest(running=False)

    def start() -> None:
        guest.running = True

    for place in ("still", "cut"):
        guest.running = False
        meeting = Meeting(at={place: start})
        taken(guest, meeting, freezes=False)
        assert meeting.hold is Hold.TORN
    guest.running = False
    meeting = Meeting()
    taken(guest, meeting, freezes=False)
    assert meeting.hold is Hold.HELD
