"""What takes how much space, by site, vm, snapshot or age. Pure.

Sizes are in bytes. A layer that several vms read through is counted once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import LayerKind
from vmsnap_tui.model.reclaim import NOTHING, Reclaim, reclaim
from vmsnap_tui.model.stack import held_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.survey import Holdings, Survey
    from vmsnap_tui.model.vm import VmRef

SHARED = "shared by several vms"
_ELDEST = "older"
_AGES = (
    (timedelta(days=1), "today"),
    (timedelta(days=7), "this week"),
    (timedelta(days=31), "this month"),
    (timedelta(days=366), "this year"),
)


class By(Enum):
    """What is put together."""

    SITE = "site"
    VM = "vm"
    SNAPSHOT = "snapshot"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Use:
    """One heap: what it takes, and of how many layers the size is not known.

    Of a snapshot, `used` is what its deletion frees at most, and `freed` the whole estimate; else that is None.
    """

    label: str
    used: int = 0
    unknown: int = 0
    freed: Reclaim | None = None
    site: str = ""
    vm: VmRef | None = None


def space(surveys: Mapping[str, Survey], by: By, now: datetime) -> tuple[Use, ...]:
    """All heaps, the largest first. `surveys` are by site; `now` is aware UTC."""
    if by is By.SNAPSHOT:
        found = list(_snapshots(surveys))
    else:
        heaps: dict[tuple[str, str], Use] = {}
        for use in _layers(surveys, by, now):
            key = (use.site if by is By.VM else "", use.label if use.vm is None else use.vm.id)
            before = heaps.get(key, replace(use, used=0, unknown=0))
            heaps[key] = replace(before, used=before.used + use.used, unknown=before.unknown + use.unknown)
        found = list(heaps.values())
    return tuple(sorted(found, key=lambda use: (-use.used, -use.unknown, use.site, use.label)))


def _snapshots(surveys: Mapping[str, Survey]) -> Iterator[Use]:
    for site, survey in surveys.items():
        for vm, held in survey.holdings.items():
            for snapshot in held.snapshots:
                freed = reclaim(held.layers, {snapshot.id})
                if freed != NOTHING:
                    label = f"{held.vm.name} {snapshot.name}"
                    yield Use(label, freed.upper, int(not freed.is_complete), freed, site, vm)


def _layers(surveys: Mapping[str, Survey], by: By, now: datetime) -> Iterator[Use]:
    """Each layer as a heap of its own."""
    for site, survey in surveys.items():
        owners: dict[str, set[VmRef]] = {}
        for vm, held in survey.holdings.items():
            for layer in held.layers:
                owners.setdefault(layer.place, set()).add(vm)
        seen: set[str] = set()
        for vm, held in survey.holdings.items():
            ages = _ages(held, now) if by is By.AGE else {}
            for layer in _in_files(held.layers):
                if layer.place in seen:
                    continue
                seen.add(layer.place)
                use = Use(site, layer.used or 0, int(layer.used is None), site=site)
                if by is By.AGE:
                    yield replace(use, label=ages.get((layer.disk, layer.place), "in use now"), site="")
                elif by is By.SITE:
                    yield use
                elif len(owners[layer.place]) > 1 or layer.users:
                    yield replace(use, label=SHARED)
                else:
                    yield replace(use, label=held.vm.name, vm=vm)


def _in_files(layers: Iterable[Layer]) -> Iterator[Layer]:
    """What takes space of its own: what is inside an image is part of that."""
    for layer in layers:
        if layer.kind not in {LayerKind.INTERNAL, LayerKind.MISSING}:
            yield layer


def _ages(held: Holdings, now: datetime) -> Mapping[tuple[str, str], str]:
    """By disk and place: how old the newest snapshot is whose data begins there."""
    created = {snapshot.id: snapshot.created for snapshot in held.snapshots}
    ages: dict[tuple[str, str], str] = {}
    for key, ids in held_by(held.layers).items():
        newest = max((created[id_] for id_ in ids if id_ in created), default=None)
        if newest is not None:
            ages[key] = next((word for limit, word in _AGES if now - newest <= limit), _ELDEST)
    return ages
