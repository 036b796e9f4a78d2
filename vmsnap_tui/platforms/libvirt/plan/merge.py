"""Making the chain of a disk shorter while the vm runs: commit down, pull up, flatten, copy.

Commit writes into a lower layer: whatever else reads through that layer (another vm, a snapshot's branch, the snapshot
whose data it is) reads something else from then on. Pull and copy change no lower layer.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import FILES, LayerKind
from vmsnap_tui.model.plan import Loss, LossKind, MergeHow, Plan, Refusal, Step
from vmsnap_tui.model.stack import held_by
from vmsnap_tui.platforms.libvirt.plan.rules import not_now, not_with_data, quoted, size, taken_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import Merge
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

_COPY_FORMATS = ("qcow2", "raw")
_SENSELESS = frozenset({"driver", "no-disk", "no-layer", "nothing-to-merge"})
"""Refusals that leave nothing to plan."""


def plan_merge(request: Merge, facts: LibvirtFacts) -> Plan:
    """Which layers become one, what is lost by it, and what it costs."""
    return _Planner(request, facts).plan()


class _Planner:
    """`chain` are the disk's layers, newest first; `going` those that it does not read through afterwards."""

    def __init__(self, request: Merge, facts: LibvirtFacts) -> None:
        self.request = request
        self.facts = facts
        of_disk = [layer for layer in facts.layers if layer.disk == request.disk]
        self.layers = of_disk
        self.chain = [layer for layer in of_disk if not layer.aside and layer.kind in {*FILES, LayerKind.MISSING}]
        self.places = [layer.place for layer in self.chain]
        self.writes_down = request.how is MergeHow.COMMIT
        self.going = self._going()

    def plan(self) -> Plan:
        request, facts = self.request, self.facts
        refusals = tuple(self._refusals())
        if any(refusal.code in _SENSELESS for refusal in refusals):
            return Plan(request, self._title(), facts.vm.name, refusals=refusals)
        lost = self._lost()
        removed = self._removed()
        forget = tuple(
            Step(
                "delete", request.vm, f"forget the record of {quoted([each.name])}",
                {"name": each.id, "created": taken_at(each), "metadata_only": True},
            )
            for each in lost
        )  # fmt: skip
        merge = Step(
            "merge",
            request.vm,
            self._label(),
            {
                "disk": request.disk,
                "how": request.how.value,
                "top": self.going[0].place if self.writes_down else "",
                "base": self._base.place if self._base else "",
                "place": request.place,
                "format": request.format,
            },
            cancellable=True,
        )
        remove = tuple(
            Step("remove", request.vm, f"remove {layer.place}, which nothing needs any more", {"place": layer.place})
            for layer in removed
        )
        return Plan(
            request=request,
            title=self._title(),
            vm_name=facts.vm.name,
            steps=(*forget, merge, *remove),
            losses=tuple(self._loss(each) for each in lost),
            cautions=tuple(self._cautions()),
            refusals=refusals,
            notes=tuple(self._notes(removed)),
        )

    # What it is about

    @property
    def _base(self) -> Layer | None:
        """The layer that stays below, None where none does."""
        if self.request.how in {MergeHow.FLATTEN, MergeHow.COPY}:
            return None
        if not self.request.base:
            return self.chain[-1] if self.writes_down and len(self.chain) > 1 else None
        return next((layer for layer in self.chain if layer.place == self.request.base), None)

    def _going(self) -> list[Layer]:
        first = 0 if self.writes_down or self.request.how is MergeHow.COPY else 1
        if self.writes_down and self.request.top:
            first = self.places.index(self.request.top) if self.request.top in self.places else len(self.places)
        if self.writes_down and self._base is None:
            return []
        last = len(self.chain) if self._base is None else self.places.index(self._base.place)
        return self.chain[first:last]

    def _written(self) -> list[Layer]:
        """The layers whose content is another one afterwards, or that are gone."""
        return [*self.going, self._base] if self.writes_down and self._base else []

    def _lost(self) -> list[Snapshot]:
        """The external snapshots whose own layer is written to, or goes away."""
        if not self.writes_down:
            return []
        held = held_by(self.layers)
        ids = {id_ for layer in self._written() for id_ in held.get((layer.disk, layer.place), ())}
        return [snapshot for snapshot in self.facts.snapshots if snapshot.id in ids]

    def _removed(self) -> list[Layer]:
        """The files that nothing needs afterwards, as far as is known here; each is looked at anew when it comes."""
        if not self.facts.host.local:
            return []
        lost = {each.id for each in self._lost()}
        needed = {layer.below for layer in self.layers if layer.aside and layer.kind is not LayerKind.INTERNAL}
        return [
            layer for layer in self.going
            if not layer.users and layer.place not in needed and lost.issuperset(layer.snapshots)
        ]  # fmt: skip

    # Words

    def _title(self) -> str:
        disk = f"{self.request.disk} of {self.facts.vm.name}"
        match self.request.how:
            case MergeHow.COMMIT:
                return f"Commit layers of {disk} down"
            case MergeHow.PULL:
                return f"Pull layers of {disk} up"
            case MergeHow.FLATTEN:
                return f"Flatten {disk}"
            case _:
                return f"Copy {disk} into one new file"

    def _label(self) -> str:
        count = f"{len(self.going)} layer{'' if len(self.going) == 1 else 's'}"
        match self.request.how:
            case MergeHow.COMMIT:
                return f"write {count} down into {self._base.place if self._base else ''}"
            case MergeHow.COPY:
                return f"copy {count} into {self.request.place}, and go on there"
            case _:
                return f"read {count} into {self.places[0]}"

    def _loss(self, snapshot: Snapshot) -> Loss:
        return Loss(LossKind.SNAPSHOT, snapshot.name, f"its layer of {self.request.disk} is merged")

    def _cautions(self) -> Iterator[str]:
        if self.writes_down:
            yield (
                "It may be interrupted: the vm and its disk stay whole. Snapshots named as lost are lost from the "
                "first moment on."
            )
        else:
            yield "It may be interrupted at any time, and nothing is lost by that."
        kept = [layer for layer in self.going if layer not in self._removed()]
        if kept and not self.writes_down:
            yield f"{len(kept)} of the files stay, since snapshots or other vms need them."
        if not self.facts.host.local:
            yield "The files that nothing needs any more stay on the host: this program cannot remove them from afar."
        short = self._short()
        if short:
            yield short

    def _short(self) -> str:
        newest = self.places[0] if self.places else ""
        where = self.request.place or (self._base.place if self.writes_down and self._base else newest)
        free = self.facts.free(where)
        most = self._most()
        if free is None or most is None or most <= free:
            return ""
        folder = posixpath.dirname(where)
        return f"It may need {size(most)} in {folder}, and {size(free)} are free: it stops when that is full."

    def _most(self) -> int | None:
        """The bytes that may be written, None where that is not known."""
        sizes = [layer.used for layer in self.going]
        known = [each for each in sizes if each is not None]
        return sum(known) if len(known) == len(sizes) else None

    def _notes(self, removed: Sequence[Layer]) -> Iterator[str]:
        most = self._most()
        if most is not None:
            yield f"Reads and writes up to {size(most)}, and needs as much meanwhile."
        gone = ", ".join(posixpath.basename(layer.place) for layer in self.going)
        if gone and self.request.how is not MergeHow.COPY:
            yield f"Layers that go away: {gone}."
        freed = [layer.used for layer in removed if layer.used is not None]
        if removed and len(freed) == len(removed):
            yield f"Files of {size(sum(freed))} are removed afterwards; what was copied from them stays (estimate)."

    # Why not

    def _refusals(self) -> Iterator[Refusal]:
        request, facts = self.request, self.facts
        yield from not_now(facts)
        yield from not_with_data(facts)
        if facts.host.driver != "QEMU":
            yield Refusal("driver", f"the {facts.host.driver} driver has no block jobs")
            return
        if not self.chain:
            yield Refusal("no-disk", f"there is no disk {quoted([request.disk])} with layers", "refresh")
            return
        if not facts.active:
            yield Refusal(
                "not-running",
                "the vm is off: libvirt merges layers of running vms alone",
                f"start it paused, merge, and stop it: virsh start --paused {facts.vm.name}",
            )
        if facts.checkpoints:
            yield Refusal("checkpoints", "the vm has checkpoints of a backup", "delete them")
        for layer in self.chain:
            if layer.kind is LayerKind.MISSING:
                yield Refusal("missing-layer", f"{layer.place} is not there: {layer.error}", "bring it back first")
        for name, place in (("top", request.top), ("base", request.base)):
            if place and place not in self.places:
                why = f"the {name} layer {quoted([place])} is not in the chain of {request.disk}"
                yield Refusal("no-layer", why, "refresh")
                return
        yield from self._too_little()
        yield from self._copy()
        if self.writes_down:
            yield from self._would_destroy()

    def _too_little(self) -> Iterator[Refusal]:
        if self.request.how is MergeHow.COPY:
            return
        if not self.going or (self.writes_down and self._base is None):
            yield Refusal("nothing-to-merge", f"{self.request.disk} has no layers there that could become one")

    def _copy(self) -> Iterator[Refusal]:
        request = self.request
        if request.how is not MergeHow.COPY:
            return
        if not request.place.startswith("/"):
            yield Refusal("no-place", "a copy needs the full path of a new file", "name one")
        elif self.facts.exists(request.place):
            yield Refusal("file-exists", f"{request.place} is there already", "choose another name")
        if request.format not in _COPY_FORMATS:
            yield Refusal("no-format", f"a copy is {' or '.join(_COPY_FORMATS)}, not “{request.format}”")

    def _would_destroy(self) -> Iterator[Refusal]:
        written = self._written()
        places = {layer.place for layer in written}
        shared = sorted({name for layer in written for name in layer.users})
        if shared:
            yield Refusal(
                "shared-layer",
                f"{', '.join(shared)} read{'s' if len(shared) == 1 else ''} through these layers, and would read "
                "something else afterwards",
                "pull up or flatten instead: that changes no lower layer",
            )
        branches = [layer for layer in self.layers if layer.aside and layer.below in places and layer.kind in FILES]
        inside = [layer for layer in self.layers if layer.kind is LayerKind.INTERNAL and layer.below in places]
        if branches:
            names = {id_ for layer in branches for id_ in layer.snapshots}
            found = [each.name for each in self.facts.snapshots if each.id in names]
            yield Refusal(
                "branch-below",
                f"{quoted(found) or branches[0].place} reads through these layers too, and would be destroyed",
                "delete it first, or pull up instead",
            )
        if inside:
            yield Refusal(
                "internal-inside",
                f"{', '.join(layer.place for layer in inside)} lies inside these layers",
                "switch the vm off and delete the internal snapshots first, or pull up instead",
            )
        protected = [each.name for each in self._lost() if each.protected]
        if protected:
            yield Refusal("protected", f"{quoted(protected)} is protected", "take the protection away first")
