"""Whether several cuts show one moment, concluded from what each part saw."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmsnap_tui.model.together import Group, Hold, Stand, group_of, window_of

FROZEN = Stand(1.0, None, 2.0, 3.0, Hold.HELD)
FREED = Stand(1.0, None, 2.0, 2.1, Hold.FREED)
LOOSE = Stand(0.5, None, 2.0, 3.0, Hold.LOOSE)


@pytest.mark.parametrize(
    ("stands", "window"),
    [
        ([], None),
        ([FROZEN], 3.0),
        ([FROZEN, Stand(1.5, None, 2.5, 4.0, Hold.HELD)], 4.0),
        ([LOOSE], 3.0),  # alone it is an instant
        ([FROZEN, LOOSE], 3.0),
        ([FROZEN, Stand(0.5, None, 3.5, 3.6, Hold.LOOSE)], None),  # cut when the other went on already
        ([FROZEN, LOOSE, LOOSE], None),  # two instants
        ([FREED, FROZEN], 3.0),  # what goes on after its own cut writes into nobody's
        ([FREED, LOOSE], None),  # but may send something to one that is still to be cut
        ([Stand(1.0, 1.9, 2.4, 2.5, Hold.FREED), LOOSE], None),
        ([Stand(1.0, 2.0, 2.4, 2.5, Hold.FREED), LOOSE], 3.0),  # it was begun only when that was cut
        ([FROZEN, Stand(1.0, None, 2.0, 3.0, Hold.TORN)], None),
        ([FROZEN, Stand(2.5, None, 2.7, 3.0, Hold.HELD)], None),  # not still yet when the other was cut
        ([FROZEN, Stand(1.0, None, 2.0)], None),  # not over
        ([FROZEN, Stand(1.0)], None),
        ([FROZEN, Stand()], None),
    ],
)
def test_window(stands: list[Stand], window: float | None) -> None:
    assert window_of(stands, 0.0) == window


TIMES = st.floats(0, 10)


@st.composite
def parts(draw: st.DrawFn) -> Stand:
    still, last, cut, over = sorted(draw(st.tuples(TIMES, TIMES, TIMES, TIMES)))
    hold = draw(st.sampled_from(Hold))
    return Stand(still, last if hold is Hold.FREED and draw(st.booleans()) else None, cut, over, hold)


@given(st.lists(parts(), min_size=1, max_size=5))
def test_one_moment_is_never_overstated(stands: list[Stand]) -> None:
    """Where it is said to be one, there is an instant at which every guest that was held stood still and none was cut,
    and nothing that happened after it can be in any part.
    """
    window = window_of(stands, 0.0)
    if window is None:
        return
    moment = max(each.still or 0.0 for each in stands)
    held = [each for each in stands if each.hold in {Hold.HELD, Hold.FREED}]
    loose = [each for each in stands if each not in held]
    assert all((each.still or 0.0) <= moment <= (each.cut or 0.0) for each in stands)
    assert len(loose) <= 1
    assert all(each.hold is Hold.LOOSE for each in loose)
    # One that is not held may write until its cut: nobody may have told it anything new by then.
    for each in loose:
        for other in held:
            freed = other.last if other.last is not None else other.still
            assert (each.cut or 0.0) <= ((freed if other.hold is Hold.FREED else other.over) or 0.0)
    assert window >= max(each.over or 0.0 for each in stands) - moment


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Stand, float, float]]:
    """Parts that wait for each other as they do, up to a limit; and of each when it is really cut and goes on."""
    lasts = st.floats(0, 3)
    some = [(draw(TIMES), draw(st.sampled_from(Hold)), draw(lasts), draw(st.floats(0, 1)), draw(lasts)) for _ in
            range(draw(st.integers(1, 4)))]  # fmt: skip
    limit, all_still = draw(TIMES), max(still for still, *_ in some)
    begun = [max(still, min(all_still, limit)) for still, *_ in some]
    others = [at + takes for at, (_, hold, takes, *_) in zip(begun, some, strict=True) if hold is not Hold.FREED]
    others_cut = max(others, default=0.0)
    begun = [
        max(at, min(others_cut, limit)) if hold is Hold.FREED else at
        for at, (_, hold, *_) in zip(begun, some, strict=True)
    ]
    all_cut = max(at + takes for at, (_, _, takes, *_) in zip(begun, some, strict=True))
    found = []
    for at, (still, hold, takes, share, thaw) in zip(begun, some, strict=True):
        cut = at + takes
        free = max(cut, min(all_cut, limit))
        really_cut = at + takes * share
        goes_on = really_cut if hold in {Hold.FREED, Hold.LOOSE} else free
        last = at if hold is Hold.FREED else None
        early = max(still, min(all_still, limit)) < all_still
        found.append((Stand(still, last, cut, free + thaw, hold, free, early), really_cut, goes_on))
    return found


@given(histories())
def test_nothing_from_after_the_moment_is_in_any_part(history: list[tuple[Stand, float, float]]) -> None:
    """What a guest sends once it is cut and goes on must not reach one that takes it in and is cut only then."""
    if window_of([stand for stand, _, _ in history], 0.0) is None:
        return
    for (_, _, goes_on), (stand, cut, _) in permutations(history, 2):
        assert goes_on >= (cut if stand.hold is Hold.LOOSE else min(stand.still or 0.0, cut))


@pytest.mark.parametrize("group", [Group("5e1f0c77a3d2"), Group("5e1f0c77a3d2", 0.0), Group("a", 12.346)])
def test_kept_as_it_is(group: Group) -> None:
    assert group_of(group.written()) == group


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("", None),
        ("  ", None),
        ("abc nonsense", Group("abc")),
        ("abc -1", Group("abc")),
        ("abc nan", Group("abc")),
        ("abc inf", Group("abc")),
        ("abc 0.5 more", Group("abc")),
    ],
)
def test_what_others_wrote_proves_nothing(text: str, group: Group | None) -> None:
    assert group_of(text) == group
