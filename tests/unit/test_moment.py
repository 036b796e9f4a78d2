"""Which snapshot stands for a moment, how far off it is, and the words for both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from vmsnap_tui.model.moment import Moments, Pick, Side, is_group, pick, picks_of, spread
from vmsnap_tui.model.snapshot import SnapRef, Snapshot
from vmsnap_tui.model.together import Group
from vmsnap_tui.model.vm import Vm, VmRef
from vmsnap_tui.present import when

REF = VmRef("s", "vm")
VM = Vm(REF, "web")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def taken(id_: str, hours: float, *, ready: bool = True) -> Snapshot:
    return Snapshot(SnapRef(REF, id_), id_, NOON + hours * HOUR, ready=ready)


HISTORY = (taken("a", -3), taken("b", -1), taken("broken", -0.5, ready=False), taken("c", 2), taken("d", 5))


@pytest.mark.parametrize(
    ("hours", "side", "chosen", "off"),
    [
        (0, Side.BEFORE, "b", -1.0),
        (0, Side.AFTER, "c", 2.0),
        (0, Side.NEAREST, "b", -1.0),
        (0.5, Side.NEAREST, "b", -1.5),
        (0.6, Side.NEAREST, "c", 1.4),
        (-1, Side.BEFORE, "b", 0.0),
        (-1, Side.AFTER, "b", 0.0),
        (-4, Side.BEFORE, None, None),
        (9, Side.AFTER, None, None),
        (9, Side.NEAREST, "d", -4.0),
    ],
)
def test_what_stands_for_a_moment(hours: float, side: Side, chosen: str | None, off: float | None) -> None:
    found = pick(VM, HISTORY, NOON + hours * HOUR, side)
    assert (found.snapshot.id if found.snapshot else None) == chosen
    assert found.off == (None if off is None else off * HOUR)


histories = some.lists(
    some.tuples(some.integers(-1000, 1000), some.booleans()), max_size=20, unique_by=lambda each: each[0]
)


@given(histories, some.integers(-1100, 1100), some.sampled_from(Side))
def test_nothing_that_is_ready_lies_nearer(history: list[tuple[int, bool]], hours: int, side: Side) -> None:
    snapshots = [taken(str(at), at, ready=ready) for at, ready in history]
    moment = NOON + hours * HOUR
    found = pick(VM, snapshots, moment, side)
    fitting = [
        each
        for each in snapshots
        if each.ready
        and (each.created <= moment or side is not Side.BEFORE)
        and (each.created >= moment or side is not Side.AFTER)
    ]
    if found.snapshot is None:
        assert not fitting
        return
    assert found.snapshot in fitting
    assert found.off == found.snapshot.created - moment
    assert abs(found.off) == min(abs(each.created - moment) for each in fitting)


@given(histories)
def test_the_spread_is_from_the_oldest_to_the_newest(history: list[tuple[int, bool]]) -> None:
    picks = [Pick(VM, taken(str(at), at)) for at, _ in history]
    hours = [at for at, _ in history]
    assert spread([*picks, Pick(VM, None)]) == ((max(hours) - min(hours)) * HOUR if hours else None)


NOW = datetime.fromisoformat("2026-03-04 15:00").astimezone()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-03-02 14:00", "2026-03-02 14:00:00"),
        ("2026-03-02", "2026-03-02 00:00:00"),
        ("2026-02-03 07:30:15", "2026-02-03 07:30:15"),
        ("yesterday noon", "2026-03-03 12:00:00"),
        ("last tuesday", "2026-03-03 00:00:00"),
        ("before last tuesday", "2026-03-03 00:00:00"),
        ("-3h", "2026-03-04 12:00:00"),
        ("90 minutes ago", "2026-03-04 13:30:00"),
        ("monday 9:00", "2026-03-02 09:00:00"),
        ("now", "2026-03-04 15:00:00"),
        ("-1w", "2026-02-25 15:00:00"),
        ("-1h30m", "2026-03-04 13:30:00"),
        ("yesterday", "2026-03-03 00:00:00"),
        ("before yesterday", "2026-03-03 00:00:00"),
        ("Before Last Tuesday", "2026-03-03 00:00:00"),
        ("16:00", "2026-03-03 16:00:00"),
        ("02.03.2026", "2026-03-02 00:00:00"),
        ("march", "2026-03-01 00:00:00"),
        ("Sept. 2025", "2025-09-01 00:00:00"),
        ("2025", "2025-01-01 00:00:00"),
        ("2025-06", "2025-06-01 00:00:00"),
        ("2025 june", "2025-06-01 00:00:00"),
        ("day before yesterday", "2026-03-02 00:00:00"),
        ("-1440m", "2026-03-03 15:00:00"),
    ],
)
def test_moments_as_people_type_them(text: str, meant: str) -> None:
    assert f"{when.parse(text, NOW):%Y-%m-%d %H:%M:%S}" == meant


def test_a_zone_that_is_named_counts() -> None:
    assert when.parse("2026-03-02T14:00:00Z", NOW) == datetime(2026, 3, 2, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("whenever", "no time that is understood"),
        ("", "no time"),
        ("before", "no time"),
        ("32 march", "no time"),
        ("0001-01-01", "no time"),
        ("-99999y", "no time"),
        ("-5000y", "no time"),
        ("1 hour before yesterday noon", "no time"),
        ("2 hours after midnight", "no time"),
        ("the day before march", "no time"),
        ("-2026", "a number alone"),
        ("-3", 'a number alone: write "-3h"'),
        ("02/03/2026", "read in two ways: begin with the year"),
        ("3-2", "read in two ways"),
    ],
)
def test_what_is_not_understood_says_what_is(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        when.parse(text, NOW)


def test_what_lies_ahead_is_no_moment_to_go_back_to() -> None:
    with pytest.raises(ValueError, match="lies ahead"):
        when.parse("in 3 hours", NOW)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(), "0 s"),
        (timedelta(seconds=61), "1 m 1 s"),
        (timedelta(hours=2, seconds=5), "2 h"),
        (timedelta(days=400, hours=3, minutes=9), "400 d 3 h"),
        (-timedelta(minutes=5), "5 m"),
    ],
)
def test_lengths_of_time(length: timedelta, words: str) -> None:
    assert when.span(length) == words


def test_how_far_off() -> None:
    before = pick(VM, HISTORY, NOON)
    assert when.off(before) == "1 h before"
    assert when.off(pick(VM, HISTORY, NOON, Side.AFTER)) == "2 h after"
    assert when.off(pick(VM, HISTORY, NOON - HOUR)) == "exactly"
    assert when.off(Pick(VM, None)) == ""


def part(vm: Vm, at: datetime, group: Group | None) -> Snapshot:
    return Snapshot(SnapRef(vm.ref, f"{vm.name}-{at:%H%M%S}"), "s", at, group=group)


def vm_called(name: str) -> Vm:
    return Vm(VmRef("site", name), name)


def test_a_group_is_one_moment_whatever_the_clocks_say() -> None:
    """One host is five minutes behind: between the two times nobody is put back to half of the group."""
    group, late = Group("g", 0.4), timedelta(minutes=5)
    one, two = vm_called("one"), vm_called("two")
    known = [
        (one, [part(one, NOON - HOUR, None), part(one, NOON, group)]),
        (two, [part(two, NOON - HOUR, None), part(two, NOON - late, group)]),
    ]
    for moment in (NOON - late, NOON - late / 2, NOON + HOUR):
        picks = picks_of(known, moment)
        assert is_group(picks)
        assert spread(picks) == timedelta(0)
    assert not is_group(picks_of(known, NOON - late * 2))
    assert not is_group(picks_of(known, NOON - 2 * HOUR))


def test_what_was_not_one_moment_is_not_drawn_together() -> None:
    group = Group("g")
    one, two = vm_called("one"), vm_called("two")
    known = [(one, [part(one, NOON, group)]), (two, [part(two, NOON - HOUR, group)])]
    picks = picks_of(known, NOON)
    assert spread(picks) == HOUR
    assert not is_group(picks)


def test_a_vm_that_changes_takes_its_part_along() -> None:
    group, moments = Group("g", 0.1), Moments()
    vms = [vm_called(name) for name in "abc"]
    for hours, vm in enumerate(vms):
        moments.take_in(vm.ref, [part(vm, NOON + hours * HOUR, group)])
    [only] = moments.aligned([part(vms[2], NOON + 2 * HOUR, group)])
    assert only.created == NOON + HOUR
    assert moments.take_in(vms[1].ref, ()) == {vms[0].ref, vms[2].ref}
    [only] = moments.aligned([part(vms[2], NOON + 2 * HOUR, group)])
    assert only.created == NOON
    assert moments.take_in(vms[0].ref, ()) == {vms[2].ref}
    [only] = moments.aligned([part(vms[2], NOON + 2 * HOUR, group)])
    assert only.created == NOON + 2 * HOUR
