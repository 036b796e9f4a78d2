"""The line of time: moments keep their places, round times are round, and moving about picks what it should."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs

from vmsnap_tui.model.moment import History, Side, wrong_clock
from vmsnap_tui.model.plan import Loss, LossKind, Plan, Refusal, Thaw
from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot
from vmsnap_tui.model.timeline import Timeline
from vmsnap_tui.model.timescale import LONGEST, SHORTEST, Scale, around
from vmsnap_tui.model.together import Group
from vmsnap_tui.model.vm import Vm, VmRef
from vmsnap_tui.present import marks
from vmsnap_tui.present import timeline as present

NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def history(name: str, *hours: float, ready: bool = True) -> History:
    ref = VmRef("site", name)
    snapshots = [
        Snapshot(SnapRef(ref, f"{name}{at:g}"), f"s{at:g}", NOW - at * HOUR, consistency=Consistency.CRASH, ready=ready)
        for at in hours
    ]
    return History(Vm(ref, name), snapshots)


@pytest.fixture(params=["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    return str(request.param)


scales = some.builds(
    Scale,
    some.floats(datetime(1990, 1, 1, tzinfo=UTC).timestamp(), NOW.timestamp()),
    some.floats(SHORTEST, LONGEST / 4),
    some.integers(10, 200),
)


@given(scales, some.integers(0, 9))
def test_a_round_time_lies_in_its_cell(scale: Scale, cell: int) -> None:
    at = scale.time(cell)
    start = scale.start + cell * scale.each
    assert start - 1e-3 <= at.timestamp() <= start + scale.each + 1e-3


@given(scales, some.floats(0.1, 10))
def test_zooming_leaves_the_moment_where_it_is(scale: Scale, factor: float) -> None:
    at = datetime.fromtimestamp(scale.start + scale.span / 3, UTC)
    closer = scale.zoomed(factor, at)
    assert SHORTEST <= closer.span <= LONGEST
    assert abs((at.timestamp() - closer.start) / closer.span - 1 / 3) < 0.01 or closer.start < 0


@given(scales, some.integers(4, 20))
def test_ticks_stand_apart_and_in_order(scale: Scale, room: int) -> None:
    ticks = list(scale.ticks(room))
    assert all(0 <= tick.cell < scale.width for tick in ticks)
    assert all(first.at < second.at for first, second in pairwise(ticks))
    # A month may have 28 days, a day 23 hours: a little closer is as round times are.
    assert all(second.cell - first.cell >= room * 0.85 - 1 for first, second in pairwise(ticks))


@given(some.floats(SHORTEST, LONGEST), some.integers(50, 160))
def test_a_line_never_bears_a_single_tick(span: float, width: int) -> None:
    """One round time says nothing of how long the line is."""
    scale = Scale(datetime(1990, 5, 1, 13, 7, tzinfo=UTC).timestamp(), span, width)
    assert len(list(scale.ticks(12))) > 1


@pytest.mark.parametrize("days", [2, 9, 40, 400, 4000])
def test_ticks_are_round_on_the_wall(zone: str, days: int) -> None:
    # The clock is put forward or back in it, wherever that is done.
    scale = Scale(datetime(2026, 3, 27, 22, tzinfo=UTC).timestamp(), days * 86_400, 100)
    ticks = list(scale.ticks(12))
    assert len(ticks) > 2
    for tick in ticks:
        assert tick.at.minute == tick.at.second == 0, zone
        assert days < 9 or tick.at.hour == 0
        assert days < 400 or tick.at.day == 1


@given(some.lists(some.floats(0, 9e4), max_size=20), some.integers(10, 200))
def test_all_are_in_sight(hours: list[float], width: int) -> None:
    times = [NOW - at * HOUR for at in hours]
    scale = around(times, NOW, width)
    assert all(0 <= scale.cell(at) < width for at in (*times, NOW))


def timeline() -> Timeline:
    line = Timeline(NOW)
    line.take_in([history("a", 30, 20, 10), history("b", 25, 5), history("none"), history("late", 2)])
    line.show_all()
    return line


def names(line: Timeline) -> list[str | None]:
    return [each.snapshot.name if each.snapshot else None for each in line.picks()]


def test_jumps_from_snapshot_to_snapshot() -> None:
    line = timeline()
    seen = []
    while line.jump(-1):
        seen.append((NOW - line.moment) / HOUR)
    assert seen == [2, 5, 10, 20, 25, 30]
    assert names(line) == ["s30", None, None, None]
    ref = VmRef("site", "b")
    assert line.jump(1, ref)
    assert names(line) == ["s30", "s25", None, None]
    assert line.jump(1, ref)
    assert not line.jump(1, ref)
    assert not line.jump(1, VmRef("site", "none"))


def test_sides_and_pins() -> None:
    line = timeline()
    line.go_to(NOW - 22 * HOUR)
    assert names(line) == ["s30", "s25", None, None]
    line.turn()
    assert line.side is Side.AFTER
    assert names(line) == ["s20", "s5", None, "s2"]
    a = VmRef("site", "a")
    assert line.pin(a)
    assert not line.pin(VmRef("site", "none"))
    line.go_to(NOW)
    assert names(line) == ["s20", None, None, None]
    assert line.pick(a).off == -20 * HOUR
    line.take_in([history("a", 30, 10)])
    assert not line.is_pinned(a)
    assert line.pin(VmRef("site", "b"), line.histories[VmRef("site", "b")].snapshots[0])
    assert names(line)[1] == "s25"
    assert line.pin(VmRef("site", "b"))
    assert not line.is_pinned(VmRef("site", "b"))
    assert not line.pin(a, history("a", 3, ready=False).snapshots[0])


@given(some.lists(some.sampled_from(["left", "right", "in", "out", "back", "on", "earlier", "later"]), max_size=40))
def test_the_moment_stays_in_sight_and_never_lies_ahead(keys: list[str]) -> None:
    line = timeline()
    for key in keys:
        match key:
            case "left" | "right":
                line.step(-1 if key == "left" else 1)
            case "in" | "out":
                line.zoom(1 if key == "in" else -1)
            case "back" | "on":
                line.jump(-1 if key == "back" else 1)
            case _:
                line.pan(-7 if key == "earlier" else 7)
                line.step(0)
        assert line.moment <= NOW
        assert 0 <= line.scale.cell(line.moment) < line.scale.width


def test_a_step_is_one_cell() -> None:
    line = timeline()
    line.step(-9)
    before = line.scale.cell(line.moment)
    for _ in range(20):
        line.step(-1)
    assert before - line.scale.cell(line.moment) == 20


def test_clocks_that_cannot_be_right() -> None:
    ref = VmRef("site", "a")

    def taken(id_: str, hours: float, parent: str | None = None, *, inferred: bool = False) -> Snapshot:
        return Snapshot(SnapRef(ref, id_), id_, NOW - hours * HOUR, parent=parent, inferred=inferred)

    good = taken("1", 9)
    assert wrong_clock([good, taken("2", 8, "1"), taken("3", 10, "1"), taken("4", -1, "2")], NOW) == {"3", "4"}
    assert wrong_clock([good, taken("5", 10, "1", inferred=True), taken("6", 7, "gone")], NOW) == frozenset()


def test_another_one_is_pinned_by_hand() -> None:
    line = timeline()
    a, none, late = (VmRef("site", name) for name in ("a", "none", "late"))
    line.go_to(NOW - 7 * HOUR)
    assert line.pin_beside(a, -1)
    assert line.is_pinned(a)
    assert names(line) == ["s20", "s25", None, None]
    assert line.pin_beside(a, -1)
    assert not line.pin_beside(a, -1)
    assert names(line)[0] == "s30"
    assert line.pin_beside(a, 1)
    assert names(line)[0] == "s20"
    # Where the moment picks nothing, the nearest that way is meant.
    assert not line.pin_beside(late, -1)
    assert line.pin_beside(late, 1)
    assert names(line)[3] == "s2"
    assert not line.pin_beside(none, 1)


def test_what_is_not_ready_is_passed_over_when_pinning() -> None:
    line = Timeline(NOW)
    ref = VmRef("site", "a")
    snapshots = [*history("a", 9, 1).snapshots, *history("a", 5, ready=False).snapshots]
    line.take_in([History(Vm(ref, "a"), snapshots)])
    assert line.pin_beside(ref, -1)
    assert names(line) == ["s9"]


def test_zooming_keeps_in_sight_what_is_looked_at() -> None:
    line = timeline()
    line.pan(-300)
    middle = line.scale.start + line.scale.span / 2
    line.zoom(1)
    assert line.scale.start < middle < line.scale.start + line.scale.span


def test_the_latest_moment_is_now_or_a_snapshot_that_lies_ahead() -> None:
    line = Timeline(NOW)
    assert line.latest == NOW
    line.take_in([history("a", 5)])
    assert line.latest == NOW
    line.take_in([history("b", -2)])
    assert line.latest == NOW + 2 * HOUR


PLAN = Plan(Thaw(VmRef("site", "a")), "x", "a")


@pytest.mark.parametrize(
    ("plan", "signs"),
    [
        (PLAN, marks.READY.glyph),
        (replace(PLAN, refusals=(Refusal("x", "y"),)), marks.REFUSED.glyph),
        (
            replace(
                PLAN, losses=(Loss(LossKind.MEMORY, "a"), Loss(LossKind.CHANGES, "a"), Loss(LossKind.CHANGES, "b"))
            ),
            marks.mark(LossKind.MEMORY).glyph + marks.mark(LossKind.CHANGES).glyph,
        ),
    ],
)
def test_what_is_lost_as_signs(plan: Plan, signs: str) -> None:
    assert "".join(piece.text for piece in present.losses(plan)) == signs


def test_a_wrong_clock_has_a_sign_and_words() -> None:
    line = Timeline(NOW)
    line.take_in([history("a", -5, 3)])
    line.go_to(NOW + 6 * HOUR)
    assert picture(line, 80)[-1].startswith(f"a   {marks.CAUTION.glyph}")
    assert f"{marks.CAUTION.glyph} \u22121 h" in picture(line, 80)[-1]
    assert "“s-5” lies ahead" in present.clock_words(["s-5"])
    assert "“a”, “b”, “c” and 2 more lie ahead" in present.clock_words(list("abcde"))


def picture(line: Timeline, width: int) -> list[str]:
    columns = present.columns(width, 4, 4)
    line.resize(columns.line)
    line.show_all()
    rows = [*present.heading(columns, present.axis(line.scale, line.moment, line.now))]
    rows += (
        present.line(
            columns,
            each,
            line.scale,
            line.pick(ref),
            line.moment,
            present.rail(each, line.scale, line.now),
            pinned=line.is_pinned(ref),
            wrong=line.wrong(ref),
            lost=present.losses(PLAN),
        )
        for ref, each in line.histories.items()
    )
    return ["".join(piece.text for piece in row).rstrip() for row in rows]


def test_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    line = timeline()
    line.go_to(NOW - 7 * HOUR)
    line.pin(VmRef("site", "a"), line.histories[VmRef("site", "a")].snapshots[0])
    assert picture(line, 100) == [
        "          2026-03-13       2026-03-14           ◎",
        "VM        ╷12:00           ╷00:00     ┃     ╷12:00 PICK                        OFF WORTH        LOST",
        "a     ○━━━━━━━━━━━━━○━━━━━━━━━━━━━○━━━┃─────────┊  ▸ s30                     −23 h ○ crash      ✓",
        "b            ○━━━━━━━━━━━━━━━━━━━━━━━━┃──○──────┊  s25                       −18 h ○ crash      ✓",
        "none                                  ┃         ┊  ▲ no snapshots",
        "late                                  ┃      ○──┊  ▲ no snapshot that fits",
    ]


@pytest.mark.parametrize(
    ("hours", "lower"),
    [
        (-40, "    ╷12:00   ╷18:00   ╷00:00   ╷06:00   ╷12:00 ▸"),
        (4, "    ╷12:00   ╷18:00   ╷00:00   ╷06:00  ┃╷12:00  "),
        (7, "    ╷12:00   ╷18:00   ╷00:00   ╷  ┃     ╷12:00  "),
        (40, "◂   ╷12:00   ╷18:00   ╷00:00   ╷06:00   ╷12:00  "),
    ],
)
def test_the_moment_cuts_through_no_label(monkeypatch: pytest.MonkeyPatch, hours: int, lower: str) -> None:
    """And where it is out of sight an arrow says which way."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    now = datetime(2026, 3, 14, 15, tzinfo=UTC)
    scale = Scale((now - 30 * HOUR).timestamp(), 32 * 3600, 48)
    assert "".join(piece.text for piece in present.axis(scale, now - hours * HOUR, now)[1]) == lower


def test_now_cuts_through_no_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    now = datetime(2026, 3, 14, 4, tzinfo=UTC)
    scale = Scale((now - 19 * HOUR).timestamp(), 32 * 3600, 48)
    upper = "".join(piece.text for piece in present.axis(scale, now, now)[0])
    assert upper == "    2026-03-13              ◎  2026-03-14       "


@given(some.integers(60, 160))
def test_no_line_is_too_wide(width: int) -> None:
    assert max(map(len, picture(timeline(), width))) <= width


def test_the_parts_of_a_group_stand_in_one_cell() -> None:
    """Also when the second one becomes known only later, or goes."""
    group = Group("g", 0.3)
    histories = []
    for name, late in (("a", 0), ("b", 3), ("c", 4)):
        [snapshot] = history(name, 5).snapshots
        taken = structs.replace(snapshot, created=snapshot.created + late * HOUR, group=group)
        histories.append(History(Vm(VmRef("site", name), name), [taken]))
    line = Timeline(NOW)
    line.take_in(histories[:1])
    assert line.histories[VmRef("site", "a")].snapshots[0].created == NOW - 5 * HOUR
    line.take_in(histories[1:])
    assert {each.snapshots[0].created for each in line.histories.values()} == {NOW - 2 * HOUR}
    line.go_to(NOW - 3 * HOUR)
    assert [pick.snapshot for pick in line.picks()] == [None] * 3
    assert line.jump(1)
    assert "one moment" in "".join(piece.text for piece in present.summary(line.picks(), line.side, 0))
    assert not line.jump(1)
    line.take_in([], [VmRef("site", "c"), VmRef("site", "b")])
    assert line.histories[VmRef("site", "a")].snapshots[0].created == NOW - 5 * HOUR
