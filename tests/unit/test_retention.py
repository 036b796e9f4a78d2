"""Which snapshots are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from vmsnap_tui.model.retention import Policy, judged
from vmsnap_tui.model.snapshot import SnapRef, Snapshot
from vmsnap_tui.model.vm import VmRef

VM = VmRef("s", "vm")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday


def taken(hours: float, **more: object) -> Snapshot:
    id_ = str(more.pop("id", hours))
    found = Snapshot(SnapRef(VM, id_), id_, NOON + timedelta(hours=hours))
    return replace(found, **more) if more else found


def as_utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def kept(policy: Policy, *hours: float) -> dict[float, tuple[str, ...]]:
    found = judged(map(taken, hours), policy, as_utc)
    return {float(each.snapshot.id): each.reasons for each in found if each.is_kept}


DAYS = tuple(-24.0 * day for day in range(40))


@pytest.mark.parametrize(
    ("policy", "hours", "stay"),
    [
        (Policy(last=2), (0.0, -1.0, -2.0), [0, -1]),
        (Policy(hourly=2), (0.0, -0.2, -0.9, -1.1, -5.0), [0, -0.2]),
        (Policy(daily=3), DAYS, [0, -24, -48]),
        (Policy(weekly=2), DAYS, [0, -72]),  # of last week the Sunday
        (Policy(monthly=2), DAYS, [0, -96]),
        (Policy(yearly=3), DAYS, [0]),
        (Policy(daily=2), (0.0, -24.0 * 30, -24.0 * 31), [0, -720]),  # days without any do not count
    ],
)
def test_what_stays(policy: Policy, hours: tuple[float, ...], stay: list[float]) -> None:
    assert sorted(kept(policy, *hours), reverse=True) == stay


def test_reasons_add_up() -> None:
    assert kept(Policy(last=1, daily=2, monthly=1), 0.0, -24.0, -48.0) == {
        0.0: ("last", "daily", "monthly"),
        -24.0: ("daily",),
    }


def test_what_never_goes() -> None:
    found = judged(
        [
            taken(0),
            taken(-1, protected=True),
            taken(-2, forks=("other",)),
            taken(-3, ready=False),
            taken(-4),
            taken(-5, baseline="course"),
            taken(-6, id="named"),
        ],
        Policy(last=1),
        as_utc,
        baselines={"named"},
    )
    assert [each.reasons for each in found] == [
        ("last",),
        ("protected",),
        ("in use",),
        ("not ready",),
        (),
        ("baseline",),
        ("baseline",),
    ]


def test_the_users_own_day_counts() -> None:
    eastwards = [taken(11.5), taken(12.5)]  # the day ends between them in Greenwich, and not in Japan

    def in_japan(at: datetime) -> datetime:
        return at + timedelta(hours=9)

    assert sum(each.is_kept for each in judged(eastwards, Policy(daily=5), as_utc)) == 2
    assert sum(each.is_kept for each in judged(eastwards, Policy(daily=5), in_japan)) == 1


counts = some.integers(0, 5)
policies = some.builds(Policy, counts, counts, counts, counts, counts, counts)
histories = some.lists(
    some.tuples(some.integers(-20_000, 0), some.booleans(), some.booleans()),
    max_size=40,
    unique_by=lambda each: each[0],
)


@given(policies, histories)
def test_whatever_the_history(policy: Policy, history: list[tuple[int, bool, bool]]) -> None:
    snapshots = [taken(at, ready=ready, protected=protected) for at, ready, protected in history]
    found = judged(snapshots, policy, as_utc)
    assert {each.snapshot.id for each in found} == {each.id for each in snapshots}
    staying = {each.snapshot.id for each in found if each.is_kept}
    assert all(each.id in staying for each in snapshots if each.protected or not each.ready)
    ready = sorted((each for each in snapshots if each.ready), key=lambda each: each.created, reverse=True)
    assert all(each.id in staying for each in ready[: policy.last])
    if ready and policy.keeps_any:
        assert ready[0].id in staying  # the newest always stands for its periods
    most = policy.last + policy.hourly + policy.daily + policy.weekly + policy.monthly + policy.yearly
    assert sum(each.id in staying for each in ready if not each.protected) <= most


@given(policies, histories)
def test_pruned_twice_is_pruned_once(policy: Policy, history: list[tuple[int, bool, bool]]) -> None:
    snapshots = [taken(at, ready=ready, protected=protected) for at, ready, protected in history]
    left = [each.snapshot for each in judged(snapshots, policy, as_utc) if each.is_kept]
    assert all(each.is_kept for each in judged(left, policy, as_utc))
