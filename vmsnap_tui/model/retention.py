"""Which snapshots are kept, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from vmsnap_tui.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Policy:
    """How many are kept: the last ones, and the newest of each of so many hours, days, weeks, months and years.

    Only periods in which there is a snapshot count, so that a machine that was off for a while loses nothing by that.
    """

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0

    @property
    def keeps_any(self) -> bool:
        """Whether it keeps anything at all: one that doesn't is a mistake."""
        return any(getattr(self, each.name) > 0 for each in fields(self))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a snapshot stays, and why it does: "last", "daily", …, "protected", "baseline", "in use",
    "not ready".
    """

    snapshot: Snapshot
    reasons: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether it stays."""
        return bool(self.reasons)


_PERIODS: dict[str, Callable[[datetime], tuple[int, ...]]] = {
    "hourly": lambda at: (at.year, at.month, at.day, at.hour),
    "daily": lambda at: (at.year, at.month, at.day),
    "weekly": lambda at: tuple(at.isocalendar()[:2]),
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: (at.year,),
}


def judged(
    snapshots: Iterable[Snapshot],
    policy: Policy,
    local: Callable[[datetime], datetime] = lambda at: at.astimezone(),
    baselines: Collection[str] = (),
) -> tuple[Verdict, ...]:
    """Of each snapshot of one vm, newest first.

    Protected ones stay, the baselines of labs (those that are marked as such, and those of the ids in `baselines`), and
    those that other vms were started from. One that is not ready stays too, for somebody
    to look at: it may be on its way, and it stands for no period. `local` turns a time into that of the user's zone.
    """
    ordered = sorted(snapshots, key=lambda each: (each.created, each.id), reverse=True)
    reasons: dict[str, list[str]] = {each.id: [] for each in ordered}
    ready = [each for each in ordered if each.ready]
    for each in ready[: max(0, policy.last)]:
        reasons[each.id].append("last")
    for name, period in _PERIODS.items():
        seen: set[tuple[int, ...]] = set()
        for each in ready:
            at = period(local(each.created))
            if at not in seen and len(seen) < getattr(policy, name):
                seen.add(at)
                reasons[each.id].append(name)
    for each in ordered:
        if each.protected:
            reasons[each.id].append("protected")
        if each.baseline or each.id in baselines:
            reasons[each.id].append("baseline")
        if each.forks:
            reasons[each.id].append("in use")
        if not each.ready:
            reasons[each.id].append("not ready")
    return tuple(Verdict(each, tuple(reasons[each.id])) for each in ordered)
