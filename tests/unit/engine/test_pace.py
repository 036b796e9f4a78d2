"""The rate is smoothed, begins anew with each phase, and is never invented."""

from __future__ import annotations

import pytest

from vmsnap_tui.engine.pace import Pace
from vmsnap_tui.model.progress import Progress


def test_a_steady_copy_has_its_rate_and_its_end() -> None:
    pace = Pace()
    for second in range(5):
        pace.note(Progress("copying", second * 100, 1000), float(second))
    assert pace.rate == pytest.approx(100)
    assert pace.left == pytest.approx(6)


def test_a_burst_moves_the_rate_only_a_little() -> None:
    pace = Pace()
    for second in range(5):
        pace.note(Progress("copying", second * 100, 10_000), float(second))
    pace.note(Progress("copying", 1400, 10_000), 5.0)
    assert pace.rate is not None
    assert 100 < pace.rate < 500


def test_samples_in_quick_succession_are_taken_together() -> None:
    pace = Pace()
    for tick in range(101):
        pace.note(Progress("copying", tick * 10, 10_000), tick * 0.01)
    assert pace.rate == pytest.approx(1000, rel=0.01)


@pytest.mark.parametrize(
    "then",
    [
        Progress("merging", 10, 1000),
        Progress("copying", 10, 1000),
        Progress("copying", 500, 2000),
        Progress("copying"),
    ],
    ids=["another phase", "went back", "another total", "no number"],
)
def test_what_is_not_comparable_starts_anew(then: Progress) -> None:
    pace = Pace()
    pace.note(Progress("copying", 0, 1000), 0.0)
    pace.note(Progress("copying", 400, 1000), 1.0)
    assert pace.rate == pytest.approx(400)
    pace.note(then, 2.0)
    assert (pace.rate, pace.left) == (None, None)


def test_without_a_total_there_is_a_rate_and_no_end() -> None:
    pace = Pace()
    pace.note(Progress("copying", 0), 0.0)
    pace.note(Progress("copying", 400), 1.0)
    assert pace.rate == pytest.approx(400)
    assert pace.left is None


def test_nothing_moving_has_no_end() -> None:
    pace = Pace()
    pace.note(Progress("copying", 0, 100), 0.0)
    pace.note(Progress("copying", 0, 100), 1.0)
    assert pace.rate == 0
    assert pace.left is None
