"""What only this platform can have wrong: deletions that hang, claims whose volume is gone."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from vmsnap_tui.model.survey import Finding, Mend, Severity
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift.snapshots import loose_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.openshift.records.basic import Meta
    from vmsnap_tui.platforms.openshift.snapshots import Things


def findings_of(things: Things, vm: VmRef, now: datetime, patience: timedelta) -> Iterator[Finding]:
    """What is wrong with the objects of one vm. A deletion may take `patience` before it is said to hang."""
    for snapshot in things.snapshots:
        id_ = f"{snapshot.metadata.namespace}/{snapshot.metadata.name}"
        yield from _hanging("virtualmachinesnapshot", snapshot.metadata, id_, vm, now - patience)
    for id_, members in loose_of(things).items():
        for each in members:
            yield from _hanging("volumesnapshot", each.metadata, id_, vm, now - patience)
    for claim in things.claims.values():
        if claim.status.phase == "Lost":
            name, volume = clean(claim.metadata.name), clean(claim.spec.volume_name)
            yield Finding(
                "lost-claim", Severity.ERROR, f"the volume {volume} of claim {name} is gone",
                "the disk cannot be read", "the vm does not start any more; its snapshots may still be there",
                vm, place=name,
                mends=(Mend("restore the vm from a snapshot, or bring the volume back under the same name"),),
            )  # fmt: skip


def _hanging(kind: str, meta: Meta, id_: str, vm: VmRef, since: datetime) -> Iterator[Finding]:
    if meta.deleted is None or meta.deleted > since or not meta.finalizers:
        return
    name, holders = clean(meta.name), ", ".join(map(clean, meta.finalizers))
    look = shlex.join(["kubectl", "-n", meta.namespace, "describe", kind, meta.name])
    yield Finding(
        "deletion-hangs", Severity.WARNING,
        f"“{name}” is being deleted since {meta.deleted:%Y-%m-%d %H:%M} UTC, and is held by {holders}",
        "it is neither there nor gone: it cannot be restored from, and keeps its space",
        "whoever takes the finalizer away by hand leaves data on the storage that nobody knows of any more",
        vm, place=name, snapshot=id_,
        mends=(Mend("look at what it waits for: a restore, a clone, or the storage's driver", command=look),),
    )  # fmt: skip
