"""A figure: what was measured, beside what it is compared with, and what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """`ours` and `base` are in `unit`. `most` bounds their ratio, or `ours` itself where `is_absolute`."""

    what: str
    ours: float
    base: float
    against: str
    unit: str = "ms"
    most: float | None = None
    is_absolute: bool = False

    @property
    def ratio(self) -> float:
        """How many times the base."""
        return self.ours / self.base

    @property
    def is_missed(self) -> bool:
        """Whether it is more than it should be."""
        return self.most is not None and (self.ours if self.is_absolute else self.ratio) > self.most

    @property
    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        target = (
            "" if self.most is None else f"≤ {self.most:g} {self.unit}" if self.is_absolute else f"≤ {self.most:g}×"
        )
        verdict = "" if self.most is None else "MISSED" if self.is_missed else "ok"
        return (
            self.what,
            f"{self.ours:.1f} {self.unit}",
            f"{self.base:.1f} {self.unit}",
            self.against,
            f"{self.ratio:.2f}×",
            target,
            verdict,
        )


@dataclass(frozen=True, slots=True)
class Skipped:
    """What could not be measured here, and why."""

    what: str
    why: str

    is_missed = False

    @property
    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        return (self.what, "–", "–", f"skipped: {self.why}", "", "", "")


_HEADS = ("figure", "vmsnap", "baseline", "against", "ratio", "target", "")
_RIGHT = {1, 2, 4}


def table(figures: Iterable[Figure | Skipped]) -> Sequence[str]:
    """Lines to print."""
    rows = [_HEADS, *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    return [
        "  ".join(
            cell.rjust(width) if column in _RIGHT else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def percentile(values: Iterable[float], fraction: float) -> float:
    """The value that `fraction` (0…1) of all do not exceed."""
    ordered = sorted(values)
    return ordered[round(fraction * (len(ordered) - 1))]
