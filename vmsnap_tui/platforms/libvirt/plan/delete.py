"""Deleting snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import LayerKind
from vmsnap_tui.model.plan import Loss, LossKind, Plan, Refusal, Scope, Step
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.libvirt.plan.rules import (
    is_external,
    not_now,
    not_with_data,
    quoted,
    size,
    taken_at,
    too_old,
    unknown_snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vmsnap_tui.model.plan import Delete, JsonValue
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

_OF_CHAIN = frozenset({LayerKind.ACTIVE, LayerKind.OVERLAY, LayerKind.BASE})
_METADATA = "delete its record alone (metadata only): the data stays"


def plan_delete(request: Delete, facts: LibvirtFacts) -> Plan:
    """Delete one by one, leaf first, since libvirt deletes no external snapshot together with its children."""
    snapshot = facts.snapshot(request.snapshot.id)
    name = quoted([snapshot.name if snapshot else request.snapshot.id])
    title = {
        Scope.ONE: f"Delete snapshot {name}",
        Scope.TREE: f"Delete snapshot {name} and what is based on it",
        Scope.CHILDREN: f"Delete what is based on snapshot {name}",
    }[request.scope]
    if request.metadata_only:
        title += " (records only)"
    if snapshot is None:
        return Plan(request, title, facts.vm.name, refusals=(unknown_snapshot(request.snapshot.id),))
    going = _going(facts, snapshot, request.scope)
    merged = _merges(facts, going)
    return Plan(
        request=request,
        title=title,
        vm_name=facts.vm.name,
        steps=tuple(_step(request, doomed, merges=doomed.id in merged) for doomed in going),
        losses=tuple(_loss(request, doomed) for doomed in going),
        cautions=tuple(_cautions(request, facts, going, merged)),
        refusals=tuple(_refusals(request, facts, going)),
        notes=() if request.metadata_only else tuple(_notes(facts, going, merged)),
    )


def _going(facts: LibvirtFacts, snapshot: Snapshot, scope: Scope) -> tuple[Snapshot, ...]:
    """What goes, leaf first."""
    if scope is Scope.ONE:
        return (snapshot,)
    below: list[Snapshot] = []
    seen = {snapshot.id}
    rest = list(facts.children(snapshot.id))
    while rest:
        child = rest.pop()
        if child.id not in seen:
            seen.add(child.id)
            below.append(child)
            rest.extend(facts.children(child.id))
    below.reverse()
    return (*below, snapshot) if scope is Scope.TREE else tuple(below)


def _merges(facts: LibvirtFacts, going: Sequence[Snapshot]) -> frozenset[str]:
    """Of which of them libvirt writes the overlay down into the layer below, rather than remove a file."""
    gone: set[str] = set()
    current = facts.current
    merged = set()
    for doomed in going:
        if is_external(doomed):
            leaf = all(child.id in gone for child in facts.children(doomed.id))
            if not leaf or (current is not None and doomed.id == current.id):
                merged.add(doomed.id)
        gone.add(doomed.id)
        if current is not None and doomed.id == current.id:  # its parent becomes the current one
            current = facts.snapshot(doomed.parent) if doomed.parent else None
    return frozenset(merged)


def _step(request: Delete, doomed: Snapshot, *, merges: bool) -> Step:
    if request.metadata_only:
        label = f"forget the record of {quoted([doomed.name])}"
    else:
        label = f"delete {quoted([doomed.name])}" + (", merging its overlay into the layer below" if merges else "")
    params: dict[str, JsonValue] = {"name": doomed.id, "created": taken_at(doomed)}
    return Step("delete", request.vm, label, params | {"metadata_only": request.metadata_only})


def _loss(request: Delete, doomed: Snapshot) -> Loss:
    if request.metadata_only:
        return Loss(LossKind.RECORD, doomed.name, "its data stays, and nothing in libvirt knows of it any more")
    detail = f"and its memory, {doomed.memory}" if doomed.memory and doomed.memory.startswith("/") else ""
    return Loss(LossKind.SNAPSHOT, doomed.name, detail)


def _refusals(request: Delete, facts: LibvirtFacts, going: Sequence[Snapshot]) -> Iterator[Refusal]:
    yield from not_now(facts)
    if not going:
        yield Refusal("no-children", "nothing is based on it")
    protected = [doomed.name for doomed in going if doomed.protected]
    if protected:
        yield Refusal("protected", f"{quoted(protected)} is protected", "take the protection away first")
    if request.metadata_only:
        if facts.host.driver != "QEMU":
            yield Refusal("driver", f"the {facts.host.driver} driver deletes no records alone")
        return
    if facts.vm.state is VmState.CHANGING:
        yield Refusal("changing", "the vm is just starting or stopping", "wait a moment")
    if any(map(is_external, going)):
        yield from _external(request, facts, going)
    yield from _internal(facts, [doomed for doomed in going if not is_external(doomed)])


def _external(request: Delete, facts: LibvirtFacts, going: Sequence[Snapshot]) -> Iterator[Refusal]:
    if not facts.host.restores_external:
        yield too_old(facts, "deletes")
        return
    yield from (refusal for refusal in not_with_data(facts) if refusal.code == "managed-save")
    if facts.is_mixed:
        yield Refusal(
            "mixed-tree",
            "this vm has internal and external snapshots; libvirt has deleted base images in such trees",
            "switch the vm off and delete the internal ones first",
        )
    by_tree = tuple(_one_external(facts, going[0])) if request.scope is Scope.ONE else ()
    yield from by_tree or _unknown_layer(facts, going)
    yield from _shared(facts, going)
    needed = _needed_elsewhere(facts, going)
    if needed:
        yield Refusal(
            "would-destroy", f"libvirt would remove {', '.join(needed)}, which is needed elsewhere", _METADATA
        )


def _one_external(facts: LibvirtFacts, doomed: Snapshot) -> Iterator[Refusal]:
    """What libvirt refuses itself, known beforehand. With all children gone none of it applies."""
    children = facts.children(doomed.id)
    if not children:
        return
    names = quoted(child.name for child in children)
    if doomed.current:
        yield Refusal("current-with-children", f"it is the current one, and {names} is based on it", _METADATA)
    elif len(children) > 1:
        yield Refusal(
            "several-children",
            f"libvirt cannot merge it, since {names} are based on it",
            f"delete all of them but one first, or {_METADATA}",
        )
    elif not _is_above_current(facts, doomed):
        yield Refusal(
            "outside-chain",
            f"the vm does not read through it now, and {names} is based on it: libvirt merges only what is in use",
            f"delete it with its children, or restore {names} first, or {_METADATA}",
        )
    elif forks := quoted(_fatal_forks(facts, doomed)):
        yield Refusal(
            "fatal-fork",
            f"{forks} branches off below it, with no snapshot of the running vm in between: libvirt dies of that merge",
            f"delete {forks} first, or {_METADATA}",
        )


def _fatal_forks(facts: LibvirtFacts, doomed: Snapshot) -> Iterator[str]:
    """Snapshots on other branches below it, which have to read through the merged layer then.

    Tried with 11.3: libvirt finds their disks by what the records from there up to the one that goes say of a vm that
    runs, and where none of these was taken of one, libvirtd falls. Where one was, all are put right.
    """
    line: set[str] = set()
    at = facts.current
    while at is not None and at.id not in line:
        line.add(at.id)
        at = facts.snapshot(at.parent) if at.parent else None
    above: Snapshot | None = doomed
    while above is not None and above.state is VmState.OFF:
        children = facts.children(above.id)
        yield from (child.name for child in children if child.id not in line)
        line.discard(above.id)
        above = next((child for child in children if child.id in line), None)


def _unknown_layer(facts: LibvirtFacts, going: Sequence[Snapshot]) -> Iterator[Refusal]:
    """libvirt merges a layer into the one right below it, and only if its records name both.

    Tried with 11.3: once a record was deleted alone, the one above or below it cannot be deleted ("snapshot VM disk
    source and parent disk source are not the same"); after a pull it finds no "parent disk source in backing chain".
    """
    merged = _merges(facts, going)
    for doomed in going:
        below = facts.record(doomed).definition.sources
        for disk, overlay in _overlays(facts, doomed).items() if doomed.id in merged else ():
            places = [layer.place for layer in facts.chain if layer.disk == disk and layer.kind in _OF_CHAIN]
            top, lower = clean(overlay), clean(below.get(disk, ""))  # as the layers have them
            if places and (top not in places[:-1] or places[places.index(top) + 1] != lower):
                yield Refusal(
                    "unknown-layer",
                    f"{top} does not stand right on {lower} any more, since records were deleted or layers "
                    "merged: libvirt merges only what its records name",
                    _METADATA,
                )
                return


def _shared(facts: LibvirtFacts, going: Sequence[Snapshot]) -> Iterator[Refusal]:
    """Other vms may read through the layer that is written to, or through the one that goes."""
    merged = _merges(facts, going)
    places = {
        place
        for doomed in going
        if doomed.id in merged
        for disk, top in _overlays(facts, doomed).items()
        for place in (clean(top), clean(facts.record(doomed).definition.sources.get(disk, "")))
    }
    users = sorted({name for layer in facts.layers if layer.place in places for name in layer.users})
    if users:
        yield Refusal(
            "shared-layer",
            f"merging it would change what {', '.join(users)} read{'s' if len(users) == 1 else ''} through",
            _METADATA,
        )


def _is_above_current(facts: LibvirtFacts, snapshot: Snapshot) -> bool:
    seen: set[str] = set()
    at = facts.current
    while at is not None and at.id not in seen:
        if at.parent == snapshot.id:
            return True
        seen.add(at.id)
        at = facts.snapshot(at.parent) if at.parent else None
    return False


def _needed_elsewhere(facts: LibvirtFacts, going: Sequence[Snapshot]) -> tuple[str, ...]:
    """Files that libvirt removes with a leaf outside the active chain, though others read through them."""
    merged = _merges(facts, going)
    ids = {doomed.id for doomed in going}
    used = {layer.place for layer in facts.chain} | set(facts.definition.sources.values())
    used |= {layer.place for layer in facts.layers if layer.users}
    for other in facts.snapshots:
        if other.id not in ids:
            used |= set(facts.record(other).definition.sources.values())
    removed = {
        place
        for doomed in going
        # The file of a root is left alone by libvirt: it is what the vm was defined with.
        if is_external(doomed) and doomed.id not in merged and doomed.parent is not None
        for disk, place in facts.record(doomed).definition.sources.items()
        if disk in facts.record(doomed).overlays
    }
    return tuple(sorted(removed & used))


def _internal(facts: LibvirtFacts, going: Sequence[Snapshot]) -> Iterator[Refusal]:
    if not facts.active:
        return
    for doomed in going:
        sources = facts.record(doomed).definition.sources
        other = [disk for disk, place in sources.items() if facts.definition.sources.get(disk, place) != place]
        if other:
            yield Refusal(
                "other-file",
                f"{quoted([doomed.name])} lies in a file that {', '.join(other)} does not write to now",
                "switch the vm off first",
            )
            return


def _cautions(request: Delete, facts: LibvirtFacts, going: Sequence[Snapshot], merged: frozenset[str]) -> Iterator[str]:
    ids = {doomed.id for doomed in going}
    for doomed in going:
        left = [child.name for child in facts.children(doomed.id) if child.id not in ids]
        if left:
            parent = facts.snapshot(doomed.parent) if doomed.parent else None
            below = f"hangs below {quoted([parent.name])}" if parent else "becomes a root"
            yield f"{quoted(left)} stays whole and {below} from then on."
    if request.metadata_only:
        if any(map(is_external, going)):
            yield "Overlays and memory files stay on the host; nothing removes them later."
        else:
            yield "The data stays inside the image files; nothing removes it later."
    elif merged and not facts.active:
        yield "The vm is off: libvirt starts QEMU for the merge, without running the guest."
    if len(going) > 1:
        yield "They go one by one: if it stops midway, those that are gone are gone."


def _notes(facts: LibvirtFacts, going: Sequence[Snapshot], merged: frozenset[str]) -> Iterator[str]:
    used = {layer.place: layer.used for layer in facts.chain}
    overlays = [place for doomed in going if doomed.id in merged for place in _overlays(facts, doomed).values()]
    sizes = [count for place in overlays if (count := used.get(place)) is not None]
    if sizes:
        yield f"Merging copies up to {size(sum(sizes))}."


def _overlays(facts: LibvirtFacts, doomed: Snapshot) -> Mapping[str, str]:
    """The files on top of a snapshot's data, by disk: what its only child froze, or what the vm writes to now."""
    children = facts.children(doomed.id)
    definition = facts.record(children[0]).definition if children else facts.definition
    overlays = facts.record(doomed).overlays
    return {disk: place for disk, place in definition.sources.items() if disk in overlays}
