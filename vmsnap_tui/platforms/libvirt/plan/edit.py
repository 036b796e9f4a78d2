"""Describing a snapshot anew, and renaming it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.platforms.libvirt.plan.rules import bad_name, is_external, not_now, quoted, unknown_snapshot
from vmsnap_tui.platforms.marking import bad_baseline, marking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Edit, JsonValue
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts


def plan_edit(request: Edit, facts: LibvirtFacts) -> Plan:
    """Write libvirt's record of the snapshot anew; no data is touched."""
    snapshot = facts.snapshot(request.snapshot.id)
    if snapshot is None:
        title = f"Edit snapshot {quoted([request.snapshot.id])}"
        return Plan(request, title, facts.vm.name, refusals=(unknown_snapshot(request.snapshot.id),))
    new_name = request.name if request.name not in {None, snapshot.id} else None
    described = request.description is not None and request.description != snapshot.description
    title = f"Edit snapshot {quoted([snapshot.name])}" if new_name is None else f"Rename {quoted([snapshot.name])}"
    params: dict[str, JsonValue] = {"name": snapshot.id}
    words = []
    if new_name is not None:
        params["new_name"] = new_name
        words.append(f"call it {quoted([new_name])}")
    if described:
        params["description"] = request.description
        words.append("describe it anew")
    marks, said = marking(request, snapshot)
    params |= marks
    words += said
    return Plan(
        request=request,
        title=title,
        vm_name=facts.vm.name,
        steps=(Step("edit", request.vm, ", ".join(words), params),) if words else (),
        cautions=tuple(_cautions(facts, snapshot)) if new_name is not None else (),
        refusals=(*_refusals(facts, snapshot, new_name, anything=bool(words)), *bad_baseline(request)),
    )


def _refusals(facts: LibvirtFacts, snapshot: Snapshot, new_name: str | None, *, anything: bool) -> Iterator[Refusal]:
    yield from not_now(facts)
    if not anything:
        yield Refusal("nothing-to-do", "it is what it is asked to be")
    if not snapshot.ready:
        yield Refusal("not-ready", snapshot.error or "its record cannot be read", "look at Source")
    if new_name is None:
        return
    yield from bad_name(new_name, facts, internal=False)
    if not is_external(snapshot):
        # QEMU finds internal data by the snapshot's name, so that a new name would lose it.
        yield Refusal("rename-internal", "the data of an internal snapshot is found by its name", "describe it instead")
    elif facts.host.driver != "QEMU":
        yield Refusal("driver", f"the {facts.host.driver} driver renames no snapshots")


def _cautions(facts: LibvirtFacts, snapshot: Snapshot) -> Iterator[str]:
    record = facts.record(snapshot)
    files = [*record.overlays.values(), *([record.memory] if record.memory else [])]
    if files:
        yield f"Its files keep their names: {', '.join(files)}."
