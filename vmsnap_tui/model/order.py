"""What is done before what: waves, each of which is begun once the one before it is over. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


def waves(things: Iterable[T], rank: Callable[[T], int], *, last_first: bool = False) -> tuple[tuple[T, ...], ...]:
    """Those of a rank together, the lowest first; within a wave as they were given."""
    sign = -1 if last_first else 1
    ranked = sorted(things, key=lambda each: sign * rank(each))
    return tuple(tuple(wave) for _, wave in groupby(ranked, key=rank))
