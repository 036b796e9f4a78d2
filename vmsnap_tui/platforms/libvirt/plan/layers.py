"""What else is asked of layers: ending a block job that was left to itself, removing files that nothing uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import JobEnd, Loss, LossKind, Plan, Refusal, Step
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.libvirt.plan.rules import not_now, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Discard, EndJob
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

_LABELS = {
    JobEnd.RESUME: "wait for the block job, and use what it has made",
    JobEnd.PIVOT: "go on with what the block job has made",
    JobEnd.ABORT: "abort the block job",
}


def plan_end_job(request: EndJob, facts: LibvirtFacts) -> Plan:
    """End it one way or the other."""
    job = facts.jobs.get(request.disk)
    of = f"the block job on {request.disk} of {facts.vm.name}"
    cautions = []
    if job is not None and request.how is JobEnd.ABORT:
        cautions.append(
            "The vm and its disk stay whole. What the job wrote into a lower layer stays there: snapshots whose data "
            "lies in that layer are damaged."
            if job.writes_down
            else "Nothing is lost: what it made so far is dropped, or stays as a part of the newest layer."
        )
    return Plan(
        request,
        f"{request.how.value.capitalize()} {of}",
        facts.vm.name,
        steps=(
            Step(
                "end-job",
                request.vm,
                _LABELS[request.how],
                {"disk": request.disk, "how": request.how.value},
                cancellable=request.how is JobEnd.RESUME,
            ),
        ),
        cautions=tuple(cautions),
        refusals=tuple(_job_refusals(request, facts)),
        notes=(f"It is at {job.current} of {job.end} bytes.",) if job is not None else (),
    )


def _job_refusals(request: EndJob, facts: LibvirtFacts) -> Iterator[Refusal]:
    yield from (refusal for refusal in not_now(facts) if refusal.code != "busy")
    job = facts.jobs.get(request.disk)
    if job is None:
        yield Refusal("no-job", f"no block job is at work on {clean(request.disk)}", "refresh")
    elif request.how is JobEnd.PIVOT and not job.pivots:
        yield Refusal("no-pivot", f"a {job.kind} job ends by itself", "resume it, or abort it")
    elif request.how is JobEnd.PIVOT and not job.ready:
        yield Refusal("not-ready", "it has not copied everything yet", "resume it: that pivots at its end")


def plan_discard(request: Discard, facts: LibvirtFacts) -> Plan:
    """Remove files. Whether anything uses them is looked at when it comes to it, of all vms of the host."""
    names = [clean(place) for place in request.places]
    return Plan(
        request,
        f"Remove {names[0] if len(names) == 1 else f'{len(names)} files'}",
        facts.vm.name,
        steps=tuple(Step("remove", request.vm, f"remove {clean(place)}", {"place": place}) for place in request.places),
        losses=tuple(Loss(LossKind.FILE, name, "all that is in it") for name in names),
        cautions=("Nothing that libvirt knows of uses it. Whether anybody else wants it, only you can know.",),
        refusals=tuple(_discard_refusals(request, facts)),
    )


def _discard_refusals(request: Discard, facts: LibvirtFacts) -> Iterator[Refusal]:
    yield from (refusal for refusal in not_now(facts) if refusal.code != "busy")
    if not request.places:
        yield Refusal("no-file", "no file is named")
    if not facts.host.local:
        yield Refusal("not-here", "the files are not this machine's", "remove them on the host")
    used = {layer.place for layer in facts.layers} | set(facts.definition.sources.values())
    for record in facts.records.values():  # what was put on top of a snapshot is no part of it
        used.update((*record.definition.sources.values(), record.memory))
    taken = [place for place in request.places if clean(place) in used]
    if taken:
        yield Refusal("in-use", f"{quoted(taken)} is in use")
    gone = [place for place in request.places if facts.exists(place) is False]
    if gone:
        yield Refusal("missing-file", f"{quoted(gone)} is not there any more", "refresh")
