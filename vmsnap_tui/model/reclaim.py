"""How much space deleting snapshots would free. An estimate from the sizes of layers, with a lower and an upper bound.

What is not known is told as such: storage that keeps snapshots in its own way says nothing of what they share.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import FILES, LayerKind
from vmsnap_tui.model.stack import held_by, stacks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.stack import Stack


@dataclass(frozen=True, slots=True)
class Reclaim:
    """Bytes that are freed at least and at most. `is_complete` is False where some layer's size is not known."""

    lower: int = 0
    upper: int = 0
    is_complete: bool = True

    def __add__(self, other: Reclaim) -> Reclaim:
        return Reclaim(self.lower + other.lower, self.upper + other.upper, self.is_complete and other.is_complete)


NOTHING = Reclaim()
_UNKNOWN = Reclaim(is_complete=False)


def reclaim(layers: Iterable[Layer], doomed: Collection[str]) -> Reclaim:
    """What deleting the snapshots of these ids, all together, would free."""
    layers = tuple(layers)
    gone = frozenset(doomed)
    total = NOTHING
    seen: set[str] = set()
    for stack in stacks(layers):
        for each, places in _of_stack(stack, gone):
            if not seen & places:
                total += each
            seen |= places
    return total


def _of_stack(stack: Stack, gone: frozenset[str]) -> Iterator[tuple[Reclaim, frozenset[str]]]:
    for layer in stack.layers:
        if layer.kind in FILES or layer.kind is LayerKind.INTERNAL:
            continue
        if layer.snapshots and gone.issuperset(layer.snapshots):
            yield _alone(layer), frozenset({layer.place})
    yield from _internal(stack, gone)
    aside = [layer for layer in stack.layers if layer.aside and layer.kind in FILES]
    freed = [layer for layer in aside if _is_needed_by_none_else(layer, gone)]
    for layer in freed:
        yield _exactly(layer.used), frozenset({layer.place})
    kept = {layer.below for layer in aside if layer not in freed}
    for run in _merged([layer for layer in stack.chain if layer.kind in FILES], stack.layers, gone, kept):
        yield _merge(run), frozenset(layer.place for layer in run)


def _is_needed_by_none_else(layer: Layer, gone: frozenset[str]) -> bool:
    return bool(layer.snapshots) and not layer.users and gone.issuperset(layer.snapshots)


def _exactly(used: int | None) -> Reclaim:
    return _UNKNOWN if used is None else Reclaim(used, used)


def _alone(layer: Layer) -> Reclaim:
    match layer.kind:
        case LayerKind.MISSING:
            return NOTHING
        case LayerKind.VOLUME_SNAPSHOT | LayerKind.VOLUME:
            # Blocks that it shares with its volume or other snapshots stay; how many, the storage alone knows.
            most = layer.used if layer.used is not None else layer.virtual
            return _UNKNOWN if most is None else Reclaim(0, most, is_complete=False)
        case _ if layer.users:
            # Others were started from it: whether they have copies or read it still, the storage alone knows.
            return Reclaim(0, layer.used or 0, is_complete=False)
        case _:
            return _exactly(layer.used)


def _internal(stack: Stack, gone: frozenset[str]) -> Iterator[tuple[Reclaim, frozenset[str]]]:
    """Inside an image file. Its clusters may be handed back to the host, or be used again by the file alone."""
    files = {layer.place: layer for layer in stack.layers if layer.kind in FILES}
    freed: dict[str, list[Layer]] = {}
    for layer in stack.layers:
        if layer.kind is LayerKind.INTERNAL and _is_needed_by_none_else(layer, gone):
            freed.setdefault(layer.below, []).append(layer)
    for place, inside in freed.items():
        file = files.get(place)
        places = frozenset(layer.place for layer in inside)
        yield (_UNKNOWN if file is None or file.used is None else Reclaim(0, file.used)), places


def _merged(
    chain: Sequence[Layer], layers: Sequence[Layer], gone: frozenset[str], kept: Collection[str]
) -> Iterator[list[Layer]]:
    """The runs of layers that become one: a layer goes down into the next where nothing that stays begins there."""
    held = held_by(layers)
    run = list(chain[:1])
    for upper, lower in pairwise(chain):
        here = held.get((lower.disk, lower.place), frozenset())
        if here and here <= gone and lower.place not in kept and not lower.users and not upper.users:
            run.append(lower)
            continue
        if len(run) > 1:
            yield run
        run = [lower]
    if len(run) > 1:
        yield run


def _merge(run: Sequence[Layer]) -> Reclaim:
    """At best all blocks of one lie over blocks of another; at worst none do, up to the size of the disk."""
    sizes = [layer.used for layer in run if layer.used is not None]
    if len(sizes) < len(run):
        return _UNKNOWN if len(sizes) < 2 else Reclaim(0, sum(sizes) - max(sizes), is_complete=False)
    virtual = max((layer.virtual or 0 for layer in run), default=0)
    most = min(sum(sizes), max(virtual, *sizes)) if virtual else sum(sizes)
    return Reclaim(sum(sizes) - most, sum(sizes) - max(sizes))
