"""What deleting snapshots would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Loss, LossKind, Plan, Refusal, Scope, Step
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.platforms.demo.methods import standing
from vmsnap_tui.platforms.demo.plan_take import quoted
from vmsnap_tui.platforms.demo.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.plan import Delete
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.demo.facts import DemoFacts


def plan_delete(request: Delete, target: Snapshot, facts: DemoFacts) -> Plan:
    """What the request would do: one step for each snapshot, leaves first, so that a stop leaves whole ones."""
    below = descendants(target, facts.snapshots)
    doomed = {Scope.ONE: [target], Scope.TREE: [*below, target], Scope.CHILDREN: below}[request.scope]
    verb = "forget the record of" if request.metadata_only else "delete"
    name = quoted(target.name)
    title = {
        Scope.ONE: f"Delete snapshot {name}",
        Scope.TREE: f"Delete snapshot {name} and what is based on it",
        Scope.CHILDREN: f"Delete what is based on snapshot {name}",
    }[request.scope]
    return Plan(
        request,
        f"{title} (records only)" if request.metadata_only else title,
        facts.vm.name,
        tuple(
            Step(
                "delete",
                request.vm,
                f"{verb} {quoted(snapshot.name)}",
                {"snapshot": snapshot.id, "metadata_only": request.metadata_only},
                cancellable=not request.metadata_only,
            )
            for snapshot in doomed
        ),
        losses=tuple(_losses(request, doomed)),
        cautions=tuple(_cautions(target, doomed, facts)),
        refusals=(*standing(facts), *_refusals(request, doomed, facts)),
        notes=tuple(_notes(request, doomed)),
    )


def descendants(root: Snapshot, snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """All below `root`, children before their parents."""
    children: dict[str | None, list[Snapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda each: (each.created, each.id)):
        children.setdefault(snapshot.parent, []).append(snapshot)
    found: list[Snapshot] = []
    stack = [root.id]
    while stack:
        for child in children.pop(stack.pop(), ()):
            found.append(child)
            stack.append(child.id)
    return found[::-1]


def _losses(request: Delete, doomed: Sequence[Snapshot]) -> Iterator[Loss]:
    for snapshot in doomed:
        if request.metadata_only:
            yield Loss(LossKind.RECORD, snapshot.name, "its data stays, and nothing knows of it any more")
        else:
            yield Loss(LossKind.SNAPSHOT, snapshot.name, "and the memory that it holds" if snapshot.memory else "")


def _cautions(target: Snapshot, doomed: Sequence[Snapshot], facts: DemoFacts) -> Iterator[str]:
    gone = {snapshot.id for snapshot in doomed}
    orphaned = [each.name for each in facts.snapshots if each.parent in gone and each.id not in gone]
    if orphaned:
        parent = facts.snapshot(target.parent) if target.parent else None
        base = f"based on {quoted(parent.name)}" if parent else "based on nothing"
        yield f"Afterwards {', '.join(map(quoted, orphaned))} will be {base}."
    if any(snapshot.current for snapshot in doomed):
        yield "The vm goes on as it is: only the way back goes."


def _refusals(request: Delete, doomed: Sequence[Snapshot], facts: DemoFacts) -> Iterator[Refusal]:
    if not doomed:
        yield Refusal("no-children", "nothing is based on it")
    for snapshot in doomed:
        if snapshot.protected:
            yield Refusal("protected", f"{quoted(snapshot.name)} is protected", "take the protection away first")
    if request.metadata_only:
        if facts.shape is not Shape.LIBVIRT:
            yield Refusal("metadata-unsupported", "records and data go together here", "delete the snapshot itself")
        return
    kinds = {snapshot.kind for snapshot in facts.snapshots}
    if facts.shape is Shape.LIBVIRT and len(kinds) > 1:
        yield Refusal(
            "mixed-tree",
            "the tree mixes internal and external snapshots: deleting there has destroyed disks",
            "delete the record alone, or copy the disks to a new vm",
        )


def _notes(request: Delete, doomed: Sequence[Snapshot]) -> Iterator[str]:
    sizes = [snapshot.size or 0 for snapshot in doomed if snapshot.kind is SnapshotKind.EXTERNAL]
    if sum(sizes) and not request.metadata_only:
        yield f"about {sum(sizes) / 2**30:.1f} GiB are merged into the layers below"
