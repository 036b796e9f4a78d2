"""Threads answer the loop, and one that hangs holds up neither the others nor the end of the program."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from functools import partial
from textwrap import dedent
from threading import Event, get_ident

import pytest

from tests.unit.engine.waiting import until
from vmsnap_tui.engine.lane import Lane, StopSign


async def test_answers_and_errors_come_back() -> None:
    lane = Lane("test", 1)
    assert await lane.call(lambda: 6 * 7) == 42
    assert await lane.call(get_ident) != get_ident()

    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await lane.call(fail)
    assert await lane.call(lambda: "goes on") == "goes on"
    lane.close()


async def test_no_more_at_a_time_than_it_is_wide() -> None:
    lane = Lane("test", 2)
    gates = [(Event(), Event()) for _ in range(3)]

    def work(entered: Event, go: Event) -> None:
        entered.set()
        go.wait(10)

    calls = [lane.call(partial(work, *pair)) for pair in gates]
    await until(lambda: gates[0][0].is_set() and gates[1][0].is_set())
    assert not gates[2][0].is_set()
    gates[0][1].set()
    await calls[0]
    await until(gates[2][0].is_set)
    for _, go in gates:
        go.set()
    await asyncio.gather(*calls)
    lane.close()


async def test_a_call_that_is_given_up_leaves_its_place_to_another() -> None:
    lane = Lane("test", 1)
    hung, entered = StopSign(), Event()

    def hang() -> None:
        entered.set()
        hung.wait(10)

    call = lane.call(hang)
    await until(entered.is_set)
    call.cancel()
    assert await asyncio.wait_for(lane.call(lambda: "served"), 5) == "served"
    hung.set()
    lane.close()


async def test_a_call_that_was_cancelled_before_its_turn_is_not_made() -> None:
    lane = Lane("test", 1)
    go = StopSign()
    made: list[str] = []
    first = lane.call(lambda: go.wait(10))
    second = lane.call(lambda: made.append("second"))
    third = lane.call(lambda: made.append("third"))
    second.cancel()
    go.set()
    await asyncio.gather(first, third)
    assert made == ["third"]
    with suppress(asyncio.CancelledError):
        await second
    lane.close()


def run_program(text: str, *, seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", dedent(text)], capture_output=True, text=True, timeout=seconds, check=False
    )


def test_an_answer_for_a_closed_loop_is_dropped_in_silence() -> None:
    done = run_program(
        """
        import asyncio, threading
        from vmsnap_tui.engine.lane import Lane
        go = threading.Event()
        def slow():
            go.wait(10)
        async def main():
            lane = Lane("test", 1)
            lane.call(slow)
            await asyncio.sleep(0)
        asyncio.run(main())
        go.set()
        for thread in threading.enumerate():
            if thread.name == "test":
                thread.join(1)
        print("left")
        """,
        seconds=30,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("left\n", "", 0)


def test_leaving_does_not_wait_for_a_call_that_hangs() -> None:
    done = run_program(
        """
        import asyncio, pathlib, tempfile, time
        from tests.unit.engine.fake import World, site
        from vmsnap_tui.engine.engine import Engine

        async def main():
            world = World().with_vms(3)
            opening, listing = world.gate("open"), world.gate("vms")
            opening.open.set()
            folder = pathlib.Path(tempfile.mkdtemp())
            engine = Engine([site()], state=folder, platform=world.create)
            await engine.start()
            while not listing.entered.is_set():
                await asyncio.sleep(0.01)
            closing = world.gate("close")
            began = time.monotonic()
            await engine.stop()
            assert closing.entered.is_set()
            print(f"{time.monotonic() - began:.1f}")

        asyncio.run(main())
        """,
        seconds=20,  # the gates hold for 30
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert float(done.stdout) < 3
