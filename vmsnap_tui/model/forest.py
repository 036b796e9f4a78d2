"""The snapshots of one vm as trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from vmsnap_tui.model.snapshot import Snapshot


class Forest:
    """Who descends from whom. Siblings and roots stand in order of time, then id.

    A snapshot whose parent is gone is a root and in `orphans`. Parents that go round in a circle are refused: all
    members are in `cyclic`, and the oldest stands as a root, so that everything below is still found. Nothing here
    recurses: a straight history may be of any length.
    """

    def __init__(self, snapshots: Iterable[Snapshot]) -> None:
        ordered = sorted(snapshots, key=_age_order)
        self.snapshots: Mapping[str, Snapshot] = {snapshot.id: snapshot for snapshot in ordered}
        """All of them by id, oldest first."""
        parents = {id_: snapshot.parent for id_, snapshot in self.snapshots.items()}
        self.orphans = frozenset(id_ for id_, parent in parents.items() if parent and parent not in parents)
        """Those whose parent is gone."""
        self._parents: dict[str, str | None] = {
            id_: parent if parent in parents else None for id_, parent in parents.items()
        }
        cycles = tuple(_cycles(self._parents))
        self.cyclic = frozenset(id_ for cycle in cycles for id_ in cycle)
        """Those that were their own ancestors."""
        for cycle in cycles:
            self._parents[min(cycle, key=lambda id_: _age_order(self.snapshots[id_]))] = None
        children: dict[str, list[str]] = {}
        for id_, parent in self._parents.items():
            if parent is not None:
                children.setdefault(parent, []).append(id_)
        self._children = {id_: tuple(below) for id_, below in children.items()}
        self.roots = tuple(id_ for id_, parent in self._parents.items() if parent is None)
        """Those without a parent, orphans included."""
        self.current = next((s.id for s in reversed(ordered) if s.current), None)
        """The one that "now" descends from, None where the platform names none."""
        self.lineage = frozenset(() if self.current is None else (self.current, *self.ancestors(self.current)))
        """The current snapshot and its ancestors."""

    def __len__(self) -> int:
        return len(self.snapshots)

    def parent(self, id_: str) -> str | None:
        """The snapshot above, None for a root."""
        return self._parents[id_]

    def children(self, id_: str) -> tuple[str, ...]:
        """The snapshots right below."""
        return self._children.get(id_, ())

    def ancestors(self, id_: str) -> Iterator[str]:
        """All above, nearest first."""
        above = self._parents[id_]
        while above is not None:
            yield above
            above = self._parents[above]

    def descendants(self, id_: str) -> Iterator[str]:
        """All below, each after its parent."""
        waiting = list(reversed(self.children(id_)))
        while waiting:
            below = waiting.pop()
            yield below
            waiting.extend(reversed(self.children(below)))


def _age_order(snapshot: Snapshot) -> tuple[datetime, str]:
    return snapshot.created, snapshot.id


def _cycles(parents: Mapping[str, str | None]) -> Iterator[tuple[str, ...]]:
    """Walk up from everyone once; coming back to the own track closes a cycle."""
    seen: set[str] = set()
    for start in parents:
        track: dict[str, None] = {}
        id_: str | None = start
        while id_ is not None and id_ not in seen:
            seen.add(id_)
            track[id_] = None
            id_ = parents[id_]
        if id_ in track:
            path = list(track)
            yield tuple(path[path.index(id_) :])
