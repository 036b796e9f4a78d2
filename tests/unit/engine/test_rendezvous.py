"""Steps that wait for each other, each in a thread."""

from __future__ import annotations

import asyncio
import time
from threading import Event
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.engine import rendezvous
from vmsnap_tui.engine.rendezvous import Place, Rendezvous
from vmsnap_tui.model.errors import Cancelled, Failed
from vmsnap_tui.model.together import Group, Hold

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 30.0


async def together(*steps: Callable[[], object]) -> list[object]:
    return await asyncio.wait_for(asyncio.gather(*map(asyncio.to_thread, steps)), LONG)


def part(place: Place, told: list[str], name: str, hold: Hold = Hold.HELD) -> Callable[[], Group | None]:
    def step() -> Group | None:
        try:
            place.ready()
            told.append(f"{name} freezes")
            place.still()
            told.append(f"{name} cuts")
            place.cut()
            told.append(f"{name} thaws")
            return place.over(hold)
        finally:
            place.leave()

    return step


async def test_all_freeze_then_all_cut_then_all_thaw() -> None:
    told: list[str] = []
    opened: list[float] = []
    meeting = Rendezvous("g", 4, LONG, lambda: opened.append(time.monotonic()))
    groups = await together(*(part(meeting.gate(), told, str(number)) for number in range(4)))
    assert [word.split()[1] for word in told] == ["freezes"] * 4 + ["cuts"] * 4 + ["thaws"] * 4
    assert len(opened) == 1
    assert groups == [Group("g", meeting.window)] * 4
    assert meeting.window is not None
    assert meeting.window <= round(time.monotonic() - opened[0], 3)


async def test_one_that_fails_is_not_waited_for() -> None:
    told: list[str] = []
    meeting = Rendezvous("g", 3, LONG)
    first, second, third = (meeting.gate() for _ in range(3))

    def fails() -> None:
        second.ready()
        second.leave()

    third.leave()  # its job never began
    groups = await together(part(first, told, "a"), fails)
    assert groups[0] == Group("g", meeting.window)
    assert meeting.parts == 1


async def test_at_the_limit_nobody_waits() -> None:
    told: list[str] = []
    meeting = Rendezvous("g", 2, 0.05)
    go = Event()

    def slow() -> Group | None:
        place.ready()
        go.wait(LONG)
        place.still()
        place.cut()
        return place.over(Hold.LOOSE)

    quick, place = meeting.gate(), meeting.gate()
    slow_one = asyncio.create_task(asyncio.to_thread(slow))
    first = await asyncio.wait_for(asyncio.to_thread(part(quick, told, "a")), LONG)
    go.set()
    assert first == Group("g")
    assert await slow_one == Group("g")


async def test_one_that_did_not_wait_for_a_late_one_is_no_part_of_its_moment() -> None:
    """It is cut while the other still writes, may then tell it something, and says that it is done only later."""
    meeting = Rendezvous("g", 2, 0.2)
    loose, late = meeting.gate(), meeting.gate()
    begun, frozen, done = Event(), Event(), Event()

    def cuts_at_the_limit() -> Group | None:
        loose.ready()
        loose.still()
        begun.set()
        frozen.wait(LONG)
        loose.cut()
        done.set()
        return loose.over(Hold.LOOSE)

    def freezes_late() -> Group | None:
        late.ready()
        begun.wait(LONG)
        late.still()
        frozen.set()
        done.wait(LONG)
        late.cut()
        return late.over(Hold.HELD)

    assert await together(cuts_at_the_limit, freezes_late) == [Group("g")] * 2


async def test_one_that_is_let_go_at_the_limit_does_not_count_as_held_until_it_is_thawed() -> None:
    """It writes as soon as its thaw has begun, and may tell something to one that is still to be cut."""
    meeting = Rendezvous("g", 2, 0.2)
    held, slow = meeting.gate(), meeting.gate()
    thaws, done = Event(), Event()

    def thaws_at_the_limit() -> Group | None:
        held.ready()
        held.still()
        held.cut()
        thaws.set()
        done.wait(LONG)
        return held.over(Hold.HELD)

    def is_cut_late() -> Group | None:
        slow.ready()
        slow.still()
        thaws.wait(LONG)
        slow.cut()
        done.set()
        return slow.over(Hold.LOOSE)

    assert await together(thaws_at_the_limit, is_cut_late) == [Group("g")] * 2


async def test_one_that_was_given_up_is_no_part_of_their_moment() -> None:
    """Its job was broken off while its thread went on: nothing waited for it, and it waited for nobody."""
    told: list[str] = []
    meeting = Rendezvous("g", 2, LONG)
    place, other = meeting.gate(), meeting.gate()
    at_work, given_up = Event(), Event()

    def goes_on() -> Group | None:
        place.ready()
        at_work.set()
        given_up.wait(LONG)
        place.still()
        place.cut()
        return place.over(Hold.HELD)

    def gives_up() -> None:
        at_work.wait(LONG)
        place.leave()

    late = asyncio.create_task(asyncio.to_thread(goes_on))
    groups = await together(part(other, told, "other"), gives_up)
    assert groups[0] == Group("g", meeting.window)
    given_up.set()
    assert await late == Group("g")


async def test_all_are_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose thaw takes so long that nobody waits for it cannot make it one moment behind the others' backs."""
    monkeypatch.setattr(rendezvous, "_NOTING", 0.0)
    meeting = Rendezvous("g", 2, 0.2)
    told: list[str] = []
    slow, go = meeting.gate(), Event()

    def thaws_slowly() -> Group | None:
        slow.ready()
        slow.still()
        slow.cut()
        go.wait(LONG)
        return slow.over(Hold.HELD)

    late = asyncio.create_task(asyncio.to_thread(thaws_slowly))
    [first] = await together(part(meeting.gate(), told, "quick"))
    assert first == Group("g")
    go.set()
    assert await late == Group("g")
    assert meeting.window is None


async def test_stopped_while_it_waits_for_the_others() -> None:
    meeting = Rendezvous("g", 2, LONG)
    place, other, stop = meeting.gate(), meeting.gate(), Event()
    place.bind(stop)
    stop.set()
    with pytest.raises(Cancelled):
        await asyncio.to_thread(place.ready)
    place.leave()
    told: list[str] = []
    assert await asyncio.to_thread(part(other, told, "b")) == Group("g", meeting.window)


async def test_one_whose_platform_lets_it_go_on_is_cut_last() -> None:
    told: list[str] = []
    meeting = Rendezvous("g", 3, LONG)
    freed, loose, held = (meeting.gate() for _ in range(3))

    def last() -> Group | None:
        freed.ready()
        freed.still()
        freed.last()
        told.append("last cuts")
        freed.cut()
        return freed.over(Hold.FREED)

    groups = await together(last, part(loose, told, "loose", Hold.LOOSE), part(held, told, "held"))
    assert told.index("last cuts") > max(told.index("loose cuts"), told.index("held cuts"))
    assert groups == [Group("g", meeting.window)] * 3
    assert meeting.window is not None


async def test_without_its_watchdog_nobody_begins() -> None:
    def gone() -> None:
        raise BrokenPipeError("the pipe is broken")

    meeting = Rendezvous("g", 2, LONG, gone)
    told: list[str] = []
    steps = [part(meeting.gate(), told, name) for name in "ab"]
    ended = await asyncio.gather(*(asyncio.to_thread(step) for step in steps), return_exceptions=True)
    assert all(isinstance(each, Failed) for each in ended)
    assert not told
