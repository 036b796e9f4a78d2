"""Labs: named sets of vms, and for each the baseline snapshot that it is reset to. Pure.

A lab stands in the config file, or on the platforms themselves: a snapshot that is marked as a lab's baseline makes
its vm a member, for everybody who looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from vmsnap_tui.model.retention import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm


LONGEST_NAME = 63
"""Characters of a lab's name that every platform can keep."""


def bad_name(name: str) -> str:
    """Why a lab cannot be called that, "" where it can."""
    if not name:
        return "a lab needs a name"
    if name.isprintable() and name == name.strip() and len(name) <= LONGEST_NAME and "/" not in name:
        return ""
    return f"a lab's name has at most {LONGEST_NAME} characters, no slash, and no blanks at its ends"


@dataclass(frozen=True, slots=True)
class LabRule:
    """A lab as somebody wrote it down.

    `vms` are names, patterns ("student-*", "site/web-*") or tags ("tag:lab:networks"), `baseline` the name of the
    snapshot that counts for vms where none is marked. `keep` is what pruning leaves of each. `order` are names or
    patterns of vms that others depend on: they come up in this order, and all others after them.
    """

    name: str
    vms: tuple[str, ...] = ()
    baseline: str = ""
    keep: Policy = field(default_factory=Policy)
    order: tuple[str, ...] = ()

    def has(self, vm: Vm) -> bool:
        """Whether a vm belongs to it."""
        return any(_fits(vm, wanted) for wanted in self.vms)

    def unmet(self, vms: Sequence[Vm]) -> tuple[str, ...]:
        """Those of its names, patterns and tags that none of these fits."""
        return tuple(wanted for wanted in self.vms if not any(_fits(vm, wanted) for vm in vms))

    def rank(self, vm: Vm) -> int:
        """Its place in the order: 0 comes up first."""
        return next((place for place, wanted in enumerate(self.order) if _fits(vm, wanted)), len(self.order))


def _fits(vm: Vm, wanted: str) -> bool:
    if wanted.startswith("tag:"):
        return any(fnmatchcase(tag, wanted.removeprefix("tag:")) for tag in vm.tags)
    return any(fnmatchcase(name, wanted) for name in (vm.name, f"{vm.ref.site}/{vm.name}", vm.ref.id))


@dataclass(frozen=True, slots=True)
class Seat:
    """One vm of a lab. `baseline` is what it is reset to, `here` the snapshot that it goes on from now.

    Both are None where there is none, or `known` is False: its snapshots have not been read yet. `left` is when it had
    left its baseline at the latest, None where it stands there, or nobody can tell.
    """

    vm: Vm
    baseline: Snapshot | None = None
    here: Snapshot | None = None
    known: bool = True
    left: datetime | None = None

    @property
    def is_off_baseline(self) -> bool:
        """Whether it stands on another snapshot than its baseline. What was written since, nobody tells for nothing."""
        return self.baseline is not None and (self.here is None or self.here.id != self.baseline.id)


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab with its vms, by name. `unmet` are the names, patterns and tags of its rule that no vm fits."""

    name: str
    seats: tuple[Seat, ...]
    unmet: tuple[str, ...] = ()


def labs_of(
    rules: Sequence[LabRule], vms: Iterable[Vm], snapshots: Callable[[Vm], Sequence[Snapshot] | None]
) -> tuple[Lab, ...]:
    """All labs, those of `rules` first. `snapshots` gives what is known of a vm, None while that is nothing yet."""
    vms = tuple(vms)
    seats: dict[str, list[Seat]] = {rule.name: [] for rule in rules}
    by_name = {rule.name: rule for rule in rules}
    for vm in vms:
        known = snapshots(vm)
        found = known or ()
        marked = {each.baseline for each in found if each.baseline}
        for name in marked | {rule.name for rule in rules if rule.has(vm)}:
            rule = by_name.get(name) or LabRule(name)
            here = next((each for each in found if each.current), None)
            base = baseline_of(rule, found)
            seat = Seat(vm, base, here, known is not None, _left(found, base, here))
            seats.setdefault(name, []).append(seat)
    return tuple(
        Lab(
            name,
            tuple(sorted(members, key=lambda seat: (seat.vm.ref.site, seat.vm.group, seat.vm.name))),
            by_name[name].unmet(vms) if name in by_name else (),
        )
        for name, members in seats.items()
    )


def baseline_of(rule: LabRule, snapshots: Sequence[Snapshot]) -> Snapshot | None:
    """The one that is marked, else the one of the rule's name; of several the newest."""
    marked = [each for each in snapshots if each.baseline == rule.name]
    named = [each for each in snapshots if rule.baseline and each.name == rule.baseline]
    return max(marked or named, key=lambda each: (each.created, each.id), default=None)


def _left(snapshots: Sequence[Snapshot], baseline: Snapshot | None, here: Snapshot | None) -> datetime | None:
    """When the first snapshot after the baseline was taken, on the way to where the vm stands."""
    if baseline is None or here is None or here.id == baseline.id:
        return None
    by_id = {each.id: each for each in snapshots}
    first, seen = here, {here.id}
    while first.parent != baseline.id:
        before = by_id.get(first.parent or "")
        if before is None or before.id in seen:
            return here.created  # it does not come from its baseline
        seen.add(before.id)
        first = before
    return first.created
