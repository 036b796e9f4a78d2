"""What is wrong with chains and snapshots, as far as that is the same on every platform. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import FILES, LayerKind
from vmsnap_tui.model.plan import Delete, Merge, MergeHow
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.stack import held_by, stacks
from vmsnap_tui.model.survey import Finding, Mend, Severity, Survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.survey import Holdings

_IN_FILES = frozenset({SnapshotKind.INTERNAL, SnapshotKind.EXTERNAL, SnapshotKind.MIXED})


def judge(holdings: Holdings, limit: int) -> Iterator[Finding]:
    """Whatever is wrong with the layers and snapshots of one vm. A chain of more than `limit` layers is too long."""
    yield from _missing(holdings)
    yield from _formats(holdings)
    yield from _too_long(holdings, limit)
    yield from _overwritten(holdings)
    yield from _mixed(holdings)
    yield from _not_ready(holdings)


def surveyed(
    holdings: Iterable[Holdings], limit: int, more: Iterable[Finding] = (), blind: Iterable[str] = ()
) -> Survey:
    """What was found, judged. `more` are findings of the platform's own kind."""
    found = {each.vm.ref: each for each in holdings}
    judged = [finding for each in found.values() for finding in judge(each, limit)]
    return Survey(found, ranked([*judged, *more]), tuple(blind))


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first, and together what belongs together."""
    return tuple(
        sorted(findings, key=lambda each: (each.severity.rank, each.code, each.vm or (), each.disk, each.place))
    )


def forget(snapshot: Snapshot) -> Mend:
    """Take the record of a snapshot away, whose data is gone anyway."""
    return Mend(f"forget the record of “{snapshot.name}”", Delete(snapshot.ref, metadata_only=True))


def _missing(holdings: Holdings) -> Iterator[Finding]:
    vm, by_id = holdings.vm, {snapshot.id: snapshot for snapshot in holdings.snapshots}
    for layer in holdings.layers:
        if layer.kind is not LayerKind.MISSING:
            continue
        lost = [by_id[id_] for id_ in layer.snapshots if id_ in by_id]
        names = ", ".join(f"“{snapshot.name}”" for snapshot in lost)
        if layer.aside:
            what = f"{layer.place} is not there: {layer.error}" if layer.error else f"{layer.place} is not there"
            yield Finding(
                "snapshot-without-data", Severity.ERROR, what,
                f"{names or 'what needed it'} cannot be restored on {layer.disk}",
                "whoever counts on it finds out when it is too late",
                vm.ref, layer.disk, layer.place, lost[0].id if len(lost) == 1 else "",
                tuple(map(forget, lost)),
            )  # fmt: skip
        else:
            yield Finding(
                "missing-layer", Severity.ERROR,
                f"{layer.disk} of {vm.name} reads through {layer.place}: {layer.error}",
                "the disk cannot be read" + (f", and {names} cannot be restored" if names else ""),
                "the vm does not start any more, and what was in that layer is lost unless it is brought back",
                vm.ref, layer.disk, layer.place,
                mends=(Mend("bring that file or volume back from a backup, to the very same place"),),
            )  # fmt: skip


def _formats(holdings: Holdings) -> Iterator[Finding]:
    vm = holdings.vm
    above = {(layer.disk, layer.below): layer for layer in holdings.layers if layer.below}
    told: set[str] = set()
    for layer in holdings.layers:
        upper = above.get((layer.disk, layer.place))
        if layer.kind not in FILES or upper is None or upper.place in told or not layer.format:
            continue
        told.add(upper.place)
        right = f"qemu-img rebase -u -f {upper.format or 'qcow2'} -F {layer.format} -b {layer.place} {upper.place}"
        mend = (Mend("with the vm off, write the right format into the overlay", command=right),)
        if layer.declared is None:
            yield Finding(
                "probed-format", Severity.WARNING, f"{upper.place} does not say which format {layer.place} has",
                f"QEMU guesses from the content, and libvirt takes it for raw; it is {layer.format}",
                "a guest that writes an image header to a raw base could read any file of the host; "
                "or the disk is read as garbage",
                vm.ref, layer.disk, upper.place, mends=mend,
            )  # fmt: skip
        elif layer.declared and layer.declared != layer.format:
            yield Finding(
                "wrong-format", Severity.ERROR, f"{upper.place} says that {layer.place} is {layer.declared}; "
                f"it is {layer.format}",
                "the guest does not see its data, but the bytes of the image file",
                "whatever is written then destroys the disk",
                vm.ref, layer.disk, upper.place, mends=mend,
            )  # fmt: skip


def _too_long(holdings: Holdings, limit: int) -> Iterator[Finding]:
    for stack in stacks(holdings.layers):
        chain = [layer for layer in stack.chain if layer.kind in FILES]
        if len(chain) > limit:
            yield Finding(
                "long-chain", Severity.WARNING,
                f"{stack.disk} of {holdings.vm.name} reads through {len(chain)} layers (limit {limit})",
                "each read may have to look through all of them, and each costs memory of the host",
                "it gets slower and takes longer to merge with every snapshot; libvirt 11 loses its hold on a vm "
                "of some 28 layers as soon as anybody asks for its statistics",
                holdings.vm.ref, stack.disk, chain[0].place,
                mends=(
                    Mend("pull everything into the newest layer", Merge(holdings.vm.ref, stack.disk, MergeHow.FLATTEN)),
                ),
            )  # fmt: skip


def _overwritten(holdings: Holdings) -> Iterator[Finding]:
    """The data of an external snapshot lies in a layer that nothing may write to any more."""
    kinds = {
        (snapshot.id, part.disk): part.kind for snapshot in holdings.snapshots for part in snapshot.disks
    }  # fmt: skip
    by_id = {snapshot.id: snapshot for snapshot in holdings.snapshots}
    held = held_by(holdings.layers)
    for layer in holdings.layers:
        if layer.kind is not LayerKind.ACTIVE:
            continue
        for id_ in held.get((layer.disk, layer.place), ()):
            if kinds.get((id_, layer.disk)) is SnapshotKind.EXTERNAL:
                snapshot = by_id[id_]
                yield Finding(
                    "overwritten", Severity.ERROR,
                    f"“{snapshot.name}” has its data in {layer.place}, and the vm writes there",
                    "the layers were merged, or the disk was put back by hand: its point in time is gone",
                    "a restore would bring back something else than was taken",
                    holdings.vm.ref, layer.disk, layer.place, id_, (forget(snapshot),),
                )  # fmt: skip


def _mixed(holdings: Holdings) -> Iterator[Finding]:
    kinds = {snapshot.kind for snapshot in holdings.snapshots} & _IN_FILES
    if len(kinds) > 1 or SnapshotKind.MIXED in kinds:
        inside = [each.name for each in holdings.snapshots if each.kind is SnapshotKind.INTERNAL]
        yield Finding(
            "mixed-tree", Severity.WARNING, f"{holdings.vm.name} has internal and external snapshots side by side",
            "libvirt has deleted base images in such trees, when an external one was deleted after a restore of an "
            "internal one",
            "deleting or restoring with other tools may destroy the disk; vmsnap refuses what would",
            holdings.vm.ref,
            mends=(Mend("switch the vm off and delete the internal ones first: " + ", ".join(inside)),),
        )  # fmt: skip


def _not_ready(holdings: Holdings) -> Iterator[Finding]:
    for snapshot in holdings.snapshots:
        if not snapshot.ready and snapshot.error:
            yield Finding(
                "failed-snapshot", Severity.ERROR, f"“{snapshot.name}” of {holdings.vm.name} failed: {snapshot.error}",
                "it cannot be restored", "whoever counts on it finds out when it is too late",
                holdings.vm.ref, snapshot=snapshot.id,
                mends=(Mend(f"delete “{snapshot.name}”", Delete(snapshot.ref)),),
            )  # fmt: skip
        elif not snapshot.ready:
            yield Finding(
                "not-ready", Severity.NOTE, f"“{snapshot.name}” of {holdings.vm.name} is not ready (yet)",
                "it cannot be restored until it is", vm=holdings.vm.ref, snapshot=snapshot.id,
            )  # fmt: skip
