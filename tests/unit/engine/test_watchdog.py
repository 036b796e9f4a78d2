"""The watchdog: when it acts, when it does not, and that it thaws."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.fake import FakePlatform, World, site, vm
from vmsnap_tui.engine import guard as guard_module
from vmsnap_tui.engine import watchdog
from vmsnap_tui.engine.guard import Guard
from vmsnap_tui.engine.watchdog import GO, OVER, Watch, thaw_all, wait_for_end, watch_of
from vmsnap_tui.model.errors import Failed, Unreachable
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def waits(pipe: tuple[int, int], *said: bytes, closes: bool = False, limit: float = 60.0) -> bool:
    """What it comes to when this is said to it."""
    for text in said:
        os.write(pipe[1], text)
    if closes:
        os.close(pipe[1])
    answers: list[bool] = []
    thread = Thread(target=lambda: answers.append(wait_for_end(pipe[0], limit)))
    thread.start()
    thread.join(30)
    return answers[0]


def test_all_is_well(pipe: tuple[int, int]) -> None:
    assert not waits(pipe, GO, OVER)


def test_nothing_was_frozen_yet(pipe: tuple[int, int]) -> None:
    assert not waits(pipe, closes=True)


def test_it_died_while_somebody_was_frozen(pipe: tuple[int, int]) -> None:
    assert waits(pipe, GO, closes=True)


def test_it_hangs(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "GRACE", 0.0)
    assert waits(pipe, GO, limit=0.01)


def test_what_is_written_is_read() -> None:
    here = Site("a", PlatformKind.LIBVIRT, "qemu:///system", options={"key": "value"})
    watch = Watch((here,), (VmRef("a", "1"),), 10.0)
    assert watch_of(watch.written()) == watch
    assert watch.written().count(b"\n") == 1
    assert json.loads(watch.written())


def test_the_frozen_are_thawed() -> None:
    world = World().with_vms(3)
    world.frozen = {vm(1).ref}
    platform = FakePlatform(site(), world)
    platform.open()
    refs = [vm(1).ref, vm(2).ref, vm(9).ref]  # the last one is gone
    assert thaw_all([platform], refs, settle=0.01) == dict.fromkeys(refs, "")
    assert not world.frozen
    assert world.count("thaw") == 1


def test_one_that_comes_to_be_frozen_later_is_thawed() -> None:
    """A freeze that was under way when the program died."""
    world = World().with_vms(2)
    looks = 0

    def freeze_late() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            world.frozen.add(vm(1).ref)

    world.hooks["facts"] = freeze_late
    platform = FakePlatform(site(), world)
    assert thaw_all([platform], [vm(1).ref], settle=1.0) == {vm(1).ref: ""}
    assert world.count("thaw") == 1


def test_a_site_that_is_away_is_opened_again() -> None:
    world = World().with_vms(2)
    world.frozen = {vm(1).ref}
    looks = 0

    def lost() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise Unreachable("the connection broke")

    world.hooks["facts"] = lost
    platform = FakePlatform(site(), world)
    assert thaw_all([platform], [vm(1).ref], settle=0.5) == {vm(1).ref: ""}
    assert world.count("open")
    assert not world.frozen


async def test_a_real_one_comes_and_goes() -> None:
    """A process of its own, on a site that needs no daemon."""
    guard = Guard([Site("demo", PlatformKind.DEMO, "demo:")], [VmRef("demo", "none")], 10.0)
    await guard.ready()
    assert guard._process
    guard.go()
    await guard.over()
    assert guard._process.returncode == 0


async def test_it_takes_nothing_from_where_it_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of somebody else's, called like a module, must not keep it from thawing, nor run in its place."""
    for name in ("json", "msgspec", "vmsnap_tui"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken from where it was started')")
    monkeypatch.chdir(tmp_path)
    guard = Guard([Site("demo", PlatformKind.DEMO, "demo:")], [VmRef("demo", "none")], 10.0)
    await guard.ready()
    await guard.over()


async def test_one_that_cannot_reach_its_site_says_so() -> None:
    guard = Guard([Site("gone", PlatformKind.LIBVIRT, "qemu:///system?socket=/nowhere")], [VmRef("gone", "x")], 10.0)
    with pytest.raises(Failed, match="the watchdog cannot look after the guests"):
        await guard.ready()
    await guard.over()


async def test_one_whose_site_hangs_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the call, and says nothing: a daemon that is stuck, or a host that is gone."""
    monkeypatch.setattr(guard_module, "_PATIENCE", 1.0)
    place = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(place))
        silent.listen()
        guard = Guard([Site("stuck", PlatformKind.LIBVIRT, f"qemu:///system?socket={place}")], [], 10.0)
        with pytest.raises(Failed, match="has not reached its sites within 1 s"):
            await asyncio.wait_for(guard.ready(), 20)
        await asyncio.wait_for(guard.over(), 20)
    assert guard._process
    assert guard._process.returncode is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_what_ends_the_program_does_not_end_it(number: signal.Signals) -> None:
    """systemd sends SIGTERM to all processes of a service: to those that outlive its program too."""
    guard = Guard([Site("demo", PlatformKind.DEMO, "demo:")], [VmRef("demo", "none")], 10.0)
    await guard.ready()
    assert guard._process
    guard.go()
    guard._process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        guard._process.wait(0.3)
    await guard.over()
    assert guard._process.returncode == 0


def test_it_ends_where_nothing_is_asked_of_it() -> None:
    command = [sys.executable, "-m", "vmsnap_tui.engine.watchdog"]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, timeout=60, check=False).returncode == 0
