"""Numbers as people read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.snapshots import START
from vmsnap_tui.present import sizes


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, ""),
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1_288_490_189, "1.2 GiB"),
        (5 << 40, "5.0 TiB"),
    ],
)
def test_size(count: int | None, words: str) -> None:
    assert sizes.size(count) == words


@given(st.integers(0, 1 << 60))
def test_size_keeps_to_its_column(count: int) -> None:
    assert len(sizes.size(count)) <= sizes.SIZE_WIDTH


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(seconds=-30), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=1), "1 m"),
        (timedelta(minutes=59, seconds=59), "59 m"),
        (timedelta(hours=23), "23 h"),
        (timedelta(days=3, hours=5), "3 d"),
        (timedelta(days=30), "30 d"),
        (timedelta(days=31), "1 mo"),
        (timedelta(days=364), "11 mo"),
        (timedelta(days=800), "2 y"),
        (timedelta(hours=-3), "ahead"),
    ],
)
def test_age(past: timedelta, words: str) -> None:
    assert sizes.age(START - past, START) == words


@given(st.timedeltas(min_value=timedelta(days=-40_000), max_value=timedelta(days=300_000)))
def test_age_keeps_to_its_column(past: timedelta) -> None:
    assert len(sizes.age(START, START + past)) <= sizes.AGE_WIDTH


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, ""), (0.9, "0:00"), (42, "0:42"), (723, "12:03"), (3723.4, "1:02:03"), (-1, "0:00")]
)
def test_clock(seconds: float | None, words: str) -> None:
    assert sizes.clock(seconds) == words


def test_rate_and_time_left() -> None:
    assert sizes.rate(125_829_120.0) == "120.0 MiB/s"
    assert sizes.rate(None) == ""
    assert sizes.left(42.0) == "0:42 left"
    assert sizes.left(None) == ""


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(days=3), "3 d ago"),
        (timedelta(hours=-3), "ahead of this machine's clock"),
    ],
)
def test_ago(past: timedelta, words: str) -> None:
    assert sizes.ago(START - past, START) == words
