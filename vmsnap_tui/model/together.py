"""Snapshots of several vms as one moment: how their steps wait for each other, and what came of it. Pure."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = 10.0
"""Seconds that guests stand frozen together at the most, where nobody says otherwise: Windows allows no more."""


class Group(Struct, frozen=True, gc=False):
    """The group snapshot that a snapshot is a part of. The platform keeps it, for all to see.

    `window` is how many seconds passed from the first freeze's begin to the last thaw's end: None where
    the parts are not of one moment, so that together they are worth no more than what each went through a power cut
    for itself.
    """

    id: str
    window: float | None = None

    @property
    def is_one_moment(self) -> bool:
        """Whether all parts show the same instant."""
        return self.window is not None

    def written(self) -> str:
        """As the platforms keep it."""
        return self.id if self.window is None else f"{self.id} {self.window:.3f}"


def group_of(text: str) -> Group | None:
    """What a platform keeps, None where that is nothing. A window that cannot be read proves nothing."""
    id_, _, window = clean(text).strip().partition(" ")
    if not id_:
        return None
    try:
        seconds = float(window)
    except ValueError:
        return Group(id_)
    return Group(id_, seconds) if 0 <= seconds < float("inf") else Group(id_)


class Hold(Enum):
    """What kept a guest from writing between the moment and its cut."""

    HELD = "held"  # it stood still until all were cut: frozen, paused or off
    FREED = "freed"  # it stood still until its own cut, and the platform let it go on then
    LOOSE = "loose"  # nothing, and its cut is one instant
    TORN = "torn"  # nothing, and its parts are cut one after the other


class Gate(Protocol):
    """Where a step that takes a part of a group snapshot waits for the others. Called in this order, from its thread.

    A step that takes nothing more (it failed, or was stopped) simply ends: the others do not wait for it then.
    """

    @property
    def limit(self) -> float:
        """Seconds that its guest may stand frozen: then it is thawed, whatever the others do."""
        ...

    def ready(self) -> None:
        """Everything is looked up and nothing is frozen: wait until all are here. Raises Cancelled."""
        ...

    def still(self) -> None:
        """Its guest writes nothing more, or cannot be held: wait until that can be said of all."""
        ...

    def last(self) -> None:
        """Its platform will let its guest go on as soon as it is cut: wait until all others are cut, for those that
        cannot be held.
        """
        ...

    def cut(self) -> None:
        """Its disks are cut: wait until all are."""
        ...

    def over(self, hold: Hold) -> Group | None:
        """Its guest goes on, or never stood still; and how it was held. What is to be noted, None for nothing.

        Waits until that can be said of all.
        """
        ...


class Alone:
    """The gate of a step that belongs to no group: always open."""

    limit = LIMIT

    def ready(self) -> None:
        """Nobody to wait for."""

    def still(self) -> None:
        """Nobody to wait for."""

    def last(self) -> None:
        """Nobody to wait for."""

    def cut(self) -> None:
        """Nobody to wait for."""

    def over(self, hold: Hold) -> Group | None:
        """Nothing to be noted."""
        return None


ALONE: Gate = Alone()


class Stand(Struct, frozen=True, gc=False):
    """How one part went: times in seconds on one clock, None for what did not come.

    `last` is when it was begun to cut one that goes on by itself, `free` when one that was held was let go: its thaw
    takes a while, to `over`. One that is `early` was cut without waiting until all stood still, since the time was up.
    """

    still: float | None = None
    last: float | None = None
    cut: float | None = None
    over: float | None = None
    hold: Hold = Hold.TORN
    free: float | None = None
    early: bool = False


def window_of(stands: Sequence[Stand], began: float) -> float | None:
    """The seconds from when freezing `began` until the last one went on; None where there was no one moment.

    The moment is when the last one stands still. It is one for all where each guest was held from then to its own
    cut: what one writes or sends afterwards is in no part. A single guest that could not be held does no harm, since
    its cut is an instant by itself, if no other one may go on before that: what it sent would be in this part alone.
    Two that are loose would be cut at two instants.
    """
    stood = [each.still for each in stands if each.still is not None]
    cuts = [each.cut for each in stands if each.cut is not None]
    ends = [each.over for each in stands if each.over is not None]
    if not stands or not len(stood) == len(cuts) == len(ends) == len(stands):
        return None
    loose = [each for each in stands if each.hold is Hold.LOOSE]
    if any(each.hold is Hold.TORN for each in stands) or len(loose) > 1 or max(stood) > min(cuts):
        return None
    # One that goes on, or never stopped, when it is cut may tell something to one that does not stand still yet.
    if any(each.early and each.hold is not Hold.HELD for each in stands):
        return None
    for each in loose:
        if (each.cut or 0.0) > min((_may_go_on(other) for other in stands if other is not each), default=float("inf")):
            return None
    return max(ends) - began


def _may_go_on(stand: Stand) -> float:
    """When its guest may go on at the earliest."""
    if stand.hold is not Hold.FREED:
        return (stand.over if stand.free is None else stand.free) or 0.0
    return (stand.still if stand.last is None else stand.last) or 0.0
