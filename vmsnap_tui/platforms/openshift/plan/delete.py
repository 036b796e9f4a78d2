"""Deleting snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Loss, LossKind, Plan, Refusal, Scope, Step
from vmsnap_tui.platforms.openshift.facts import Right
from vmsnap_tui.platforms.openshift.plan.rules import not_allowed, quoted, read_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.plan import Delete
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts, Part


def plan_delete(request: Delete, target: Snapshot, facts: OpenShiftFacts) -> Plan:
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
        f"{title} (records only)" if request.metadata_only else title,
        facts.vm.name,
        tuple(_step(request, each, facts.part(each.id)) for each in doomed),
        losses=tuple(_loss(each, facts.part(each.id)) for each in doomed),
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


def _step(request: Delete, doomed: Snapshot, part: Part) -> Step:
    return Step(
        "delete",
        request.vm,
        f"delete {quoted(doomed.name)}",
        {
            "snapshot": part.name,
            "uid": part.uid,
            "content": part.content,
            "cuts": [cut.name for cut in part.cuts],
            "retains": part.retains,
        },
    )


def _loss(doomed: Snapshot, part: Part) -> Loss:
    if part.retains:
        return Loss(LossKind.RECORD, doomed.name, f"its content {part.content} stays, with its volume snapshots")
    gone = [f"{cut.disk} ({cut.handle or cut.name})" for cut in part.cuts if not cut.keeps]
    return Loss(LossKind.SNAPSHOT, doomed.name, f"the storage's snapshots of {', '.join(gone)}" if gone else "")


def _refusals(request: Delete, doomed: Sequence[Snapshot], facts: OpenShiftFacts) -> Iterator[Refusal]:
    yield from read_only(facts)
    if not doomed:
        yield Refusal("no-children", "nothing is based on it")
    parts = [(each, facts.part(each.id)) for each in doomed]
    if any(part.name for _, part in parts):
        yield from not_allowed(facts, Right.DELETE)
    if any(not part.name for _, part in parts):
        yield from not_allowed(facts, Right.UNCUT)
    for snapshot, part in parts:
        name = quoted(snapshot.name)
        if snapshot.protected:
            yield Refusal("protected", f"{name} is protected", "take the protection away first")
        if request.metadata_only and not part.retains:
            yield Refusal("no-records", f"the data of {name} goes with its record", "delete it, or leave it")
        for user in part.users:
            yield Refusal("in-use", f"{name} is in use: {user}", "wait until that is done")
        if part.deleting:
            held = f", held by {', '.join(part.held)}" if part.held else ""
            yield Refusal("deleting", f"{name} is being deleted already{held}", "look at what its controller says")


def _cautions(target: Snapshot, doomed: Sequence[Snapshot], facts: OpenShiftFacts) -> Iterator[str]:
    for snapshot in doomed:
        part = facts.part(snapshot.id)
        if part.retains and part.content:
            yield f"{quoted(snapshot.name)} was taken to be retained: {part.content} is yours to delete then."
        elif kept := [cut.handle or cut.name for cut in part.cuts if cut.keeps]:
            yield f"The storage keeps {', '.join(kept)} (policy of its class), and nothing here knows of it any more."
    gone = {snapshot.id for snapshot in doomed}
    if left := [each.name for each in facts.snapshots if each.parent in gone and each.id not in gone]:
        parent = facts.snapshot(target.parent) if target.parent else None
        below = f"below {quoted(parent.name)}" if parent else "without a parent"
        yield f"{', '.join(map(quoted, left))} stays whole, and stands {below} then."
    if any(snapshot.current for snapshot in doomed):
        yield "The vm goes on as it is: only the way back goes."
