"""Looks into jobs that an earlier run of the program began and did not end.

Guests that it left frozen are thawed, and marks that went with a restore are put back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.errors import Missing, VmsnapError
from vmsnap_tui.model.plan import Edit, Merge, Thaw
from vmsnap_tui.model.survey import BLOCK_JOB, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vmsnap_tui.engine.follow import Follower
    from vmsnap_tui.engine.jobs import Jobs
    from vmsnap_tui.engine.journal import Asked, CutOff, Journal
    from vmsnap_tui.model.plan import Facts, JsonValue
    from vmsnap_tui.model.snapshot import Snapshot


async def look_into(
    cut: CutOff, asked: Asked, follower: Follower, jobs: Jobs, journal: Journal, tell: Callable[[CutOff], None]
) -> None:
    """See what became of a job that was cut off, as soon as its site is there, and `tell` it.

    What is not settled (a guest that could not be thawed, a vm that could not be read) is looked into again by the
    next run.
    """
    await follower.online.wait()
    if not await journal.claim(cut.job):
        tell(replace(cut, now="another vmsnap has looked into it"))
        return
    try:
        facts = await follower.facts(cut.vm)
    except Missing:
        cut = replace(cut, now="the vm is gone")
        await journal.settle(cut)
        tell(cut)
        return
    except VmsnapError as error:
        tell(replace(cut, now=f"what became of it could not be read: {error}"))
        return
    cut = replace(cut, now=what_is_known(cut, asked, facts.snapshots))
    if asked.kind == Merge.__name__ and cut.step:
        cut = replace(cut, now=await _merging(cut, follower))
    is_settled = True
    if cut.froze or asked.kind == Thaw.__name__:
        tell(replace(cut, now=f"{cut.now}; seeing whether its guest is still frozen"))
        words, is_settled = await _thaw(cut, facts, follower, jobs)
        cut = replace(cut, now=f"{cut.now}; {words}")
    if lost := _lost(cut, asked, facts.snapshots):
        words, are_back = await _marked_again(lost, jobs, follower)
        cut, is_settled = replace(cut, now=f"{cut.now}; {words}"), is_settled and are_back
    if is_settled:
        await journal.settle(cut)
    tell(cut)


async def _thaw(cut: CutOff, facts: Facts, follower: Follower, jobs: Jobs) -> tuple[str, bool]:
    """Thaw the guest if it is frozen. What came of it, and whether the matter is closed."""
    plan = facts.plan(Thaw(cut.vm))
    if any(refusal.code in {"not-frozen", "not-running"} for refusal in plan.refusals):
        return "its guest is not frozen", True
    if plan.refusals:
        return f"whether its guest is frozen is not known: {plan.refusals[0].why}", False
    if follower.site.read_only:
        return "its guest may still be frozen, and nothing is changed in read-only mode", False
    try:
        job = await jobs.wait((await jobs.submit(plan)).id)
    except VmsnapError as error:
        return f"its guest could not be thawed: {error}", False
    if job.state is JobState.DONE:
        return "its guest was still frozen and has been thawed", True
    return f"its guest could not be thawed: {job.error or job.outcome}", False


def _lost(cut: CutOff, asked: Asked, snapshots: Sequence[Snapshot]) -> tuple[Edit, ...]:
    """The marks that went with a restore, as what would put them back."""
    by_id = {snapshot.id: snapshot for snapshot in snapshots}
    there = [(mark, by_id[mark.snapshot]) for mark in asked.marks if cut.step and mark.snapshot in by_id]
    return tuple(
        Edit(now.ref, protected=mark.protected or None, baseline=mark.baseline or None)
        for mark, now in there
        if mark.created == now.created and (mark.protected > now.protected or (mark.baseline and not now.baseline))
    )


async def _marked_again(lost: Sequence[Edit], jobs: Jobs, follower: Follower) -> tuple[str, bool]:
    """Put them back: what is not protected any more, the next prune may delete. What came of it, and whether it did."""
    words = f"the marks of {', '.join(edit.snapshot.id for edit in lost)} were lost with it"
    if follower.site.read_only:
        return f"{words}, and nothing is changed in read-only mode", False
    try:
        ended = [await jobs.wait((await jobs.submit(await follower.plan(edit))).id) for edit in lost]
    except VmsnapError as error:
        return f"{words}, and could not be put back: {error}", False
    failed = next((job for job in ended if job.state is not JobState.DONE), None)
    if failed is not None:
        return f"{words}, and could not be put back: {failed.error or failed.outcome}", False
    return f"{words}, and are back", True


async def _merging(cut: CutOff, follower: Follower) -> str:
    """What became of a merge: libvirt goes on with the block job that it was told to do."""
    try:
        survey = await follower.connection.read(lambda platform: platform.survey([cut.vm]))
    except VmsnapError as error:
        return f"what became of its layers could not be read: {error}"
    jobs = [finding.what for finding in survey.findings if finding.code == BLOCK_JOB]
    if jobs:
        return f"{'; '.join(jobs)}: vmsnap check {cut.vm_name} says how to resume, pivot or abort it"
    left = [finding.what for finding in survey.findings if finding.severity is not Severity.NOTE]
    if left:
        return f"no block job is at work any more; {'; '.join(left)}: vmsnap check {cut.vm_name} says how to mend it"
    return "no block job is at work any more, and nothing is wrong with its layers"


def what_is_known(cut: CutOff, asked: Asked, snapshots: Sequence[Snapshot]) -> str:
    """What the snapshots of today say of a job, and no more than that."""
    if not cut.step:
        return "it had not begun"
    by_id = {snapshot.id: snapshot for snapshot in snapshots}
    request = asked.request
    match asked.kind:
        case "Take":
            return _taken(str(request["name"]), snapshots)
        case "Delete":
            return _deleted(_snapshot_id(request), str(request["scope"]), by_id)
        case "Restore":
            return _restored(_snapshot_id(request), by_id)
        case "Edit":
            return _edited(request, by_id.get(_snapshot_id(request)), snapshots)
        case _:
            return "the vm is there"


def _snapshot_id(request: Mapping[str, JsonValue]) -> str:
    ref = request["snapshot"]
    return str(ref["id"]) if isinstance(ref, dict) else ""


def _taken(name: str, snapshots: Sequence[Snapshot]) -> str:
    found = next((snapshot for snapshot in snapshots if snapshot.name == name), None)
    if found is None:
        return f"the snapshot {name} is not there"
    at = found.created.isoformat(" ", "seconds")
    if not found.ready:
        return f"a snapshot {name} of {at} is there, but not ready ({found.error or 'no reason given'})"
    return f"a snapshot {name} of {at} is there"


def _deleted(snapshot_id: str, scope: str, by_id: Mapping[str, Snapshot]) -> str:
    found = by_id.get(snapshot_id)
    if found is None:
        return "the snapshot is gone" if scope == "this one" else "the snapshot is gone; look at what was below it"
    children = sum(snapshot.parent == snapshot_id for snapshot in by_id.values())
    return f"the snapshot {found.name} is there, with {children} below it"


def _restored(snapshot_id: str, by_id: Mapping[str, Snapshot]) -> str:
    found = by_id.get(snapshot_id)
    if found is None:
        return "the snapshot is not there any more"
    current = next((snapshot for snapshot in by_id.values() if snapshot.current), None)
    where = "no snapshot is the current one" if current is None else f"the current snapshot is {current.name}"
    return f"{where}; whether the restore of {found.name} was finished is not known"


def _edited(request: Mapping[str, JsonValue], found: Snapshot | None, snapshots: Sequence[Snapshot]) -> str:
    name, description = request["name"], request["description"]
    if found is None and name is not None:  # where the id is the name, a renamed snapshot has another one
        found = next((snapshot for snapshot in snapshots if snapshot.name == name), None)
    if found is None:
        return "the snapshot is not there any more"
    is_done = name in {None, found.name} and description in {None, found.description}
    return f"the snapshot {found.name} is there, {'changed as asked' if is_done else 'not changed'}"
