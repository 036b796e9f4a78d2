"""Where each snapshot is drawn: one row each, time going down, branches in lanes to the right.

The line that leads to "now" keeps its lane, and so does, in a tree or branch without it, the larger subtree. All
other children are branches: each is drawn whole, one lane to the right and right below the row where it leaves,
before its parent's lane goes on. So a lane is free again for the next branch, every lane left of a row is in use, no
two lines ever cross, and the number of lanes grows with the logarithm of the number of snapshots.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vmsnap_tui.model.forest import Forest


class Here(Enum):
    """The node that is no snapshot."""

    NOW = "now"


NOW: Final = Here.NOW


class Fork(NamedTuple):
    """Another vm, by name, that was started from a snapshot. Nothing hangs below it here: it has a tree of its own."""

    snapshot: str
    vm: str


Node = str | Fork | Literal[Here.NOW]


class Join(Enum):
    """How a row hangs on what stands above it."""

    ROOT = "root"  # on nothing
    STRAIGHT = "straight"  # on the last row above in the same lane
    BRANCH = "branch"  # on the last row above in the lane to the left


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the graph.

    `rails` are the lanes left of the node, as many as `lane` says: each holds the node that its line leads down to,
    None where there is no line.
    """

    node: Node
    lane: int
    rails: tuple[Node | None, ...]
    join: Join


def lay_out(forest: Forest) -> tuple[Row, ...]:
    """Every snapshot and fork once, and "now" below the current one (by itself where none is current)."""
    below = _children(forest)
    trees: list[Node] = list(forest.roots)
    if forest.current is None:
        trees.append(NOW)
    # Trees that stand one upon the other need a sign where each begins: the lane left of them is kept for it.
    rails: tuple[Node | None, ...] = (None,) if len(trees) > 1 else ()
    waiting = [Row(root, len(rails), rails, Join.ROOT) for root in reversed(trees)]
    rows: list[Row] = []
    while waiting:
        row = waiting.pop()
        rows.append(row)
        children = below.get(row.node)
        if not children:
            continue
        *sides, main = children
        waiting.append(Row(main, row.lane, row.rails, Join.STRAIGHT))
        if sides:
            beside = (*row.rails, main)
            waiting.extend(Row(side, row.lane + 1, beside, Join.BRANCH) for side in reversed(sides))
    return tuple(rows)


def lane_count(rows: Iterable[Row]) -> int:
    """How many lanes the drawing takes."""
    return max((row.lane + 1 for row in rows), default=0)


def _children(forest: Forest) -> dict[Node, list[Node]]:
    """What stands below each node, the one that keeps its lane last."""
    sizes = dict.fromkeys(forest.snapshots, 1)
    for root in forest.roots:
        for id_ in reversed(tuple(forest.descendants(root))):
            parent = forest.parent(id_)
            if parent is not None:
                sizes[parent] += sizes[id_]
    below: dict[Node, list[Node]] = {}
    for id_ in forest.snapshots:
        own = forest.children(id_)
        children: list[Node] = [*own, *(Fork(id_, vm) for vm in forest.snapshots[id_].forks)]
        if id_ == forest.current:
            children.append(NOW)
        elif own and len(children) > 1:
            on_path = [child for child in own if child in forest.lineage]
            # Among equals the youngest keeps the lane, so that the rows stand in order of time.
            main = on_path[0] if on_path else max(reversed(own), key=sizes.__getitem__)
            children.remove(main)
            children.append(main)
        below[id_] = children
    return below
