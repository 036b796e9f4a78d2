"""Which snapshot descends from which, and where "now" is: what was noted, else what the times say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from vmsnap_tui.platforms.openstack.convert import image_id, moment
from vmsnap_tui.platforms.openstack.stamps import REACH, here_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vmsnap_tui.model.snapshot import Snapshot

_CLOSE = timedelta(seconds=2)  # the services' clocks, and times that are told in whole seconds
_BEGINNING = datetime.min.replace(tzinfo=UTC)


def with_lineage(
    snapshots: Sequence[Snapshot], lines: Mapping[str, tuple[str, ...]], server: Mapping[str, Any]
) -> tuple[Snapshot, ...]:
    """The snapshots with their parents, and the current one marked. `lines` are those that were noted, by id.

    It walks through time: a snapshot that nobody noted descends from what was current then.
    """
    known = {snapshot.id for snapshot in snapshots}
    turn, passed = _turn(server, known), None
    at: str | None = None
    placed = []
    for snapshot in _in_turn(snapshots, lines):
        if turn is not None and turn[0] <= snapshot.created:
            (passed, at), turn = turn, None
        line = lines.get(snapshot.id)
        if line is None:
            parent = None if at == snapshot.id else at
            placed.append(replace(snapshot, parent=parent, inferred=parent is not None))
            at = snapshot.id
            continue
        placed.append(replace(snapshot, parent=_present(line, known)))
        if passed is None or snapshot.created > passed + _CLOSE:
            at = snapshot.id
    if turn is not None:
        at = turn[1]
    return tuple(replace(snapshot, current=snapshot.id == at) for snapshot in placed)


def _in_turn(snapshots: Sequence[Snapshot], lines: Mapping[str, tuple[str, ...]]) -> list[Snapshot]:
    """By when they were taken. Of those of one second, which is all that is told, a child comes after its parents."""
    at = {snapshot.id: snapshot.created for snapshot in snapshots}

    def turn(snapshot: Snapshot) -> tuple[datetime, int, str]:
        above = lines.get(snapshot.id, ())
        return snapshot.created, sum(at.get(each) == snapshot.created for each in above), snapshot.id

    return sorted(snapshots, key=turn)


def line_to(snapshot_id: str | None, snapshots: Sequence[Snapshot]) -> tuple[str, ...]:
    """A snapshot and those above it, nearest first, as many as can be noted."""
    parents = {snapshot.id: snapshot.parent for snapshot in snapshots}
    return tuple(_upwards(snapshot_id, parents))[:REACH]


def _upwards(snapshot_id: str | None, parents: Mapping[str, str | None]) -> Iterator[str]:
    seen: set[str] = set()
    while snapshot_id is not None and snapshot_id not in seen:
        yield snapshot_id
        seen.add(snapshot_id)
        snapshot_id = parents.get(snapshot_id)


def _present(line: Sequence[str], known: set[str]) -> str | None:
    return next((each for each in line if each in known), None)


def _turn(server: Mapping[str, Any], known: set[str]) -> tuple[datetime, str | None] | None:
    """When the server last went to another snapshot, and to which.

    What was noted counts while the server still has the image that it had then: else somebody has rebuilt it.
    """
    here, base = here_of(server), image_id(server)
    if here is not None and here.image == base:
        return here.since, _present(here.line, known)
    launched = moment(server.get("OS-SRV-USG:launched_at")) or moment(server.get("created")) or _BEGINNING
    if base in known:
        return launched, base
    return (launched, None) if here is not None else None
