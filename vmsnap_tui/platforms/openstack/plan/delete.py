"""Deleting snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Loss, LossKind, Plan, Refusal, Scope, Step
from vmsnap_tui.platforms.openstack.plan.rules import quoted, read_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.plan import Delete, JsonValue
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts, Parts

_SETTLED = {"available", "error", "error_deleting"}


def members(parts: Parts) -> dict[str, JsonValue]:
    """The parts of a snapshot, for a step."""
    return {"images": [image.id for image in parts.images], "snaps": [snap.id for snap in parts.snaps]}


def plan_delete(request: Delete, target: Snapshot, facts: OpenStackFacts) -> Plan:
    """One step for each, leaves first."""
    name = quoted(target.name)
    title = {
        Scope.ONE: f"Delete snapshot {name}",
        Scope.TREE: f"Delete snapshot {name} and what is based on it",
        Scope.CHILDREN: f"Delete what is based on snapshot {name}",
    }[request.scope]
    below = _below(target, facts.snapshots)
    doomed = {Scope.ONE: [target], Scope.TREE: [*below, target], Scope.CHILDREN: below}[request.scope]
    return Plan(
        request,
        title,
        facts.vm.name,
        tuple(
            Step(
                "delete",
                request.vm,
                f"delete {quoted(each.name)}",
                {"snapshot": each.id, **members(facts.parts[each.id])},
            )
            for each in doomed
        ),
        losses=tuple(_loss(each, facts.parts[each.id]) for each in doomed),
        cautions=tuple(_cautions(target, doomed, facts)),
        refusals=tuple(_refusals(request, doomed, facts)),
    )


def _below(root: Snapshot, snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """All below `root`, children before their parents."""
    children: dict[str | None, list[Snapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda each: (each.created, each.id)):
        children.setdefault(snapshot.parent, []).append(snapshot)
    found: list[Snapshot] = []
    waiting = [root.id]
    while waiting:
        for child in children.pop(waiting.pop(), ()):
            found.append(child)
            waiting.append(child.id)
    return found[::-1]


def _loss(doomed: Snapshot, parts: Parts) -> Loss:
    counted = [
        f"{len(found)} {what}{'s' if len(found) > 1 else ''}"
        for what, found in (("image", parts.images), ("volume snapshot", parts.snaps))
        if found
    ]
    return Loss(LossKind.SNAPSHOT, doomed.name, " and ".join(counted))


def _refusals(request: Delete, doomed: Sequence[Snapshot], facts: OpenStackFacts) -> Iterator[Refusal]:
    yield from read_only(facts)
    if request.metadata_only:
        yield Refusal("no-records", "on OpenStack a snapshot and its data are one thing", "delete it, or leave it")
    if not doomed:
        yield Refusal("no-children", "nothing is based on it")
    for snapshot in doomed:
        parts = facts.parts[snapshot.id]
        if snapshot.protected:
            yield Refusal("protected", f"{quoted(snapshot.name)} is protected", "take the protection away first")
        if parts.cinder_group:
            yield Refusal(
                "cinder-group",
                f"{quoted(snapshot.name)} was made by Cinder as a group, which goes as a whole alone",
                "openstack consistency group snapshot delete, or cinder group-snapshot-delete",
            )
        for snap in parts.snaps:
            if snap.status not in _SETTLED:
                yield Refusal(
                    "busy", f"the snapshot of {snap.disk} in {quoted(snapshot.name)} is {snap.status}", "wait a moment"
                )


def _cautions(target: Snapshot, doomed: Sequence[Snapshot], facts: OpenStackFacts) -> Iterator[str]:
    for snapshot in doomed:
        for text in facts.parts[snapshot.id].dependents:
            yield f"{text} {quoted(snapshot.name)}."
    if any(facts.parts[snapshot.id].dependents for snapshot in doomed):
        yield "What was made from it goes on as it is; a storage that shares its data refuses the delete instead."
    gone = {snapshot.id for snapshot in doomed}
    if left := [each.name for each in facts.snapshots if each.parent in gone and each.id not in gone]:
        parent = facts.snapshot(target.parent) if target.parent else None
        below = f"below {quoted(parent.name)}" if parent else "without a parent"
        stays, stands = ("stays", "stands") if len(left) == 1 else ("stay", "stand")
        yield f"{', '.join(map(quoted, left))} {stays} whole, and {stands} {below} then."
    if any(snapshot.current for snapshot in doomed):
        yield "The server goes on as it is: only the way back goes."
