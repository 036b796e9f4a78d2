"""Deleting one snapshot, and removing a restore that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Failed, Missing
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift.kinds import CONTENTS, RESTORES, VM_SNAPSHOTS, VOLUME_SNAPSHOTS
from vmsnap_tui.platforms.openshift.steps import limits

if TYPE_CHECKING:
    from typing import Any

    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.records import Meta
    from vmsnap_tui.platforms.openshift.steps.work import Work


def delete(work: Work) -> str:
    """Delete it, and see its data go, unless that is to stay. Raises Missing where there is nothing of it."""
    params = work.params()
    if not params["snapshot"]:
        there = [name for name in params["cuts"] if work.found(VOLUME_SNAPSHOTS, name) is not None]
        if not there:
            raise Missing("the snapshot is gone", "refresh")
        return _delete_all(work, VOLUME_SNAPSHOTS, there)
    found = work.found(VM_SNAPSHOTS, params["snapshot"])
    if found is None or found.metadata.uid != params["uid"]:
        raise Missing("the snapshot is gone", "refresh")
    work.report(Progress("deleting"))
    work.remove(VM_SNAPSHOTS, params["snapshot"], params["uid"])
    _until_gone(work, VM_SNAPSHOTS, params["snapshot"], params["uid"], limits.DELETED)
    if params["retains"]:
        return f"deleted; its data stays in {params['content']}" if params["content"] else "deleted"
    held = (
        [_until_gone(work, CONTENTS, params["content"], "", limits.FOLLOWS, strict=False)] if params["content"] else []
    )
    held += [_until_gone(work, VOLUME_SNAPSHOTS, name, "", limits.FOLLOWS, strict=False) for name in params["cuts"]]
    waiting = "; ".join(filter(None, held))
    return f"deleted; still going: {waiting}" if waiting else "deleted"


def clear(work: Work) -> str:
    """Remove the record of a restore that failed and stands in the way."""
    name = work.params()["restore"]
    found = work.found(RESTORES, name)
    if found is None:
        return "it is gone already"
    work.remove(RESTORES, name, found.metadata.uid)
    _until_gone(work, RESTORES, name, found.metadata.uid, limits.FOLLOWS)
    return f"failed restore {name} removed"


def _delete_all(work: Work, kind: Kind[Any], names: list[str]) -> str:
    for name in names:
        work.remove(kind, name)
    for name in names:
        _until_gone(work, kind, name, "", limits.DELETED)
    return "deleted"


def _until_gone(work: Work, kind: Kind[Any], name: str, uid: str, patience: float, *, strict: bool = True) -> str:
    """Wait until it is gone, and show what it waits for. Where it stays: raises Failed, or else says what holds it."""
    held = ""

    def look() -> bool | None:
        nonlocal held
        found = work.found(kind, name)
        if found is None or (uid and found.metadata.uid != uid):
            return True
        held = _held(found.metadata)
        work.report(Progress(f"deleting{held}"))
        return None

    try:
        work.until(look, patience=patience)
    except TimeoutError:
        words = f"{kind.plural.removesuffix('s')} {name}{held}"
        if strict:
            raise Failed(
                f"the deletion of {words} does not get on", "it goes on by itself once what holds it is done"
            ) from None
        return words
    return ""


def _held(meta: Meta) -> str:
    return f", held by {clean(', '.join(meta.finalizers))}" if meta.finalizers else ""
