"""How layers stand on each other: of each disk the chain that "now" reads through, and what branches off it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import LayerKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vmsnap_tui.model.layer import Layer

_ON_A_LAYER = frozenset({LayerKind.INTERNAL})
"""Kinds that live inside the layer above them, and are no step of the chain."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Layers beside the chain, newest first. They read on through the layer at `joins`, "" where there is none."""

    layers: tuple[Layer, ...]
    joins: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """The layers of one disk. `chain` is what "now" reads through, newest first."""

    disk: str
    chain: tuple[Layer, ...]
    branches: tuple[Branch, ...] = ()

    @property
    def virtual(self) -> int | None:
        """The size that the guest sees, in bytes."""
        return next((layer.virtual for layer in self.chain if layer.virtual is not None), None)

    @property
    def used(self) -> int:
        """What all its layers take, in bytes, as far as is known."""
        layers = {layer.place: layer for layer in self.layers}
        return sum(layer.used or 0 for layer in layers.values() if layer.kind not in _ON_A_LAYER)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All of them, each once, in the order in which they are drawn."""
        return (*self.chain, *(layer for branch in self.branches for layer in branch.layers))


def stacks(layers: Iterable[Layer]) -> tuple[Stack, ...]:
    """A stack for each disk, in the order of their first layers. No layer is lost and none stands twice."""
    by_disk: dict[str, dict[tuple[str, LayerKind], Layer]] = {}
    for layer in layers:
        by_disk.setdefault(layer.disk, {}).setdefault((layer.place, layer.kind), layer)
    return tuple(_stack(disk, list(found.values())) for disk, found in by_disk.items())


def read_now(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Those that "now" reads through."""
    return tuple(layer for layer in layers if not layer.aside)


def held_by(layers: Iterable[Layer]) -> Mapping[tuple[str, str], frozenset[str]]:
    """By disk and place, the snapshots whose own data begins right there: those that need no layer above it."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    layers = list(layers)
    above: dict[tuple[str, str], set[str]] = {}
    for layer in layers:
        if layer.below:
            above.setdefault((layer.disk, layer.below), set()).update(layer.snapshots)
    for layer in layers:
        if layer.kind not in _ON_A_LAYER:
            key = layer.disk, layer.place
            found[key] = frozenset(layer.snapshots) - above.get(key, set())
    return found


def _stack(disk: str, layers: Sequence[Layer]) -> Stack:
    return Stack(disk, read_now(layers), tuple(_branches([layer for layer in layers if layer.aside])))


def _branches(layers: Sequence[Layer]) -> list[Branch]:
    """Runs of layers that read through each other. One that several read through stands in the first of them."""
    by_place = {layer.place: layer for layer in layers if layer.kind not in _ON_A_LAYER}
    inside: dict[str, list[Layer]] = {}
    for layer in layers:
        if layer.kind in _ON_A_LAYER:
            inside.setdefault(layer.below, []).append(layer)
    tops = {layer.below for layer in by_place.values()}
    found: list[Branch] = []
    placed: set[str] = set()
    # Those that nothing reads through come first; a circle has none such, and is cut where it is met.
    for top in sorted(by_place.values(), key=lambda layer: layer.place in tops):
        at: Layer | None = top
        below = ""
        run: list[Layer] = []
        while at is not None and at.place not in placed:
            placed.add(at.place)
            run += [at, *inside.pop(at.place, [])]
            below = at.below
            at = by_place.get(below)
        if run:
            found.append(Branch(tuple(run), below))
    # A broken record may name a place twice; nothing is left out for that.
    doubles = [layer for layer in layers if layer.kind not in _ON_A_LAYER and by_place[layer.place] is not layer]
    loose = [*(layer for left in inside.values() for layer in left), *doubles]
    return [*found, *(Branch((layer,), layer.below) for layer in loose)]
