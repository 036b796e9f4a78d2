"""Block jobs: making layers one, and ending a job that was left to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libvirt
from lxml import etree

from vmsnap_tui.model.errors import Cancelled, Conflict, Failed
from vmsnap_tui.model.plan import JobEnd, MergeHow
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.libvirt.convert import disk_source
from vmsnap_tui.platforms.libvirt.errors import is_code
from vmsnap_tui.platforms.libvirt.jobs import BlockJob, block_jobs
from vmsnap_tui.platforms.libvirt.xml import parse, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.platforms.libvirt.connection import Connection

_PAUSE = 0.15  # seconds between two looks
_UNSEEN = 3  # looks in a row without a job after which one that was never seen counts as over


def merge(
    _connection: Connection,
    domain: libvirt.virDomain,
    step: Step,
    report: Callable[[Progress], None],
    stop: Event,
) -> str:
    """Begin the job, follow it, and pivot where it waits for that."""
    disk, how = str(step.params["disk"]), MergeHow(step.params["how"])
    before = _chain(domain, disk)
    _begin(domain, disk, how, step)
    report(Progress(_PHASES[how]))
    _follow(domain, disk, _PHASES[how], report, stop)
    after = _chain(domain, disk)
    if after == before:
        raise Failed(f"the block job on {disk} ended, and nothing has changed", "look at QEMU's log: is the disk full?")
    return f"{disk} reads through {len(after)} layer{'' if len(after) == 1 else 's'} now"


def end_job(
    _connection: Connection,
    domain: libvirt.virDomain,
    step: Step,
    report: Callable[[Progress], None],
    stop: Event,
) -> str:
    """Resume, pivot or abort."""
    disk, how = str(step.params["disk"]), JobEnd(step.params["how"])
    match how:
        case JobEnd.ABORT:
            domain.blockJobAbort(disk, 0)
            return f"the block job on {disk} is aborted"
        case JobEnd.PIVOT:
            domain.blockJobAbort(disk, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
        case JobEnd.RESUME:
            _follow(domain, disk, "merging", report, stop)
    return f"the block job on {disk} is done"


_PHASES = {
    MergeHow.COMMIT: "writing down",
    MergeHow.PULL: "pulling up",
    MergeHow.FLATTEN: "pulling up",
    MergeHow.COPY: "copying",
}


def _begin(domain: libvirt.virDomain, disk: str, how: MergeHow, step: Step) -> None:
    top, base = str(step.params["top"]), str(step.params["base"])
    match how:
        case MergeHow.COMMIT:
            is_active = _chain(domain, disk)[:1] == [top]
            flags = libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE if is_active else 0
            domain.blockCommit(disk, base, None if is_active else top, 0, flags)
        case MergeHow.COPY:
            copy = etree.Element("disk", type="file")
            etree.SubElement(copy, "driver", type=str(step.params["format"]))
            etree.SubElement(copy, "source", file=str(step.params["place"]))
            # Without the flag libvirt copies disks of transient domains alone, lest QEMU restarts.
            domain.blockCopy(disk, written(copy), {}, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
        case _:
            domain.blockRebase(disk, base or None, 0, 0)


def _chain(domain: libvirt.virDomain, disk: str) -> list[str]:
    """The places of a disk's layers now, newest first."""
    for element in parse(domain.XMLDesc()).iterfind("devices/disk"):
        target = element.find("target")
        if target is not None and target.get("dev") == disk:
            return [disk_source(each)[0] for each in (element, *element.iter("backingStore")) if disk_source(each)[0]]
    raise Conflict(f"the vm has no disk {disk} any more", "refresh")


def _job(domain: libvirt.virDomain, disk: str) -> BlockJob | None:
    return block_jobs(domain, parse(domain.XMLDesc()), [disk]).get(disk)


def _follow(domain: libvirt.virDomain, disk: str, phase: str, report: Callable[[Progress], None], stop: Event) -> None:
    """Until the job is over. One that copies for good is told to pivot once all is copied."""
    unseen = 0
    while unseen < _UNSEEN:
        job = _job(domain, disk)
        if job is None:
            if not domain.isActive():
                raise Failed("the vm stopped while its layers were merged", "its disk is whole: start it again")
            unseen += 1
        else:
            unseen = 0
            if job.end > 1:  # 0 of 1 is how libvirt says that it has not begun
                report(Progress(phase, job.current, job.end))
            if job.ready and not stop.is_set():
                _pivot(domain, disk)
        if stop.wait(0 if unseen else _PAUSE) and job is not None:
            domain.blockJobAbort(disk, 0)
            raise Cancelled(f"the block job on {disk} was aborted: the disk is whole, its layers are as before")


def _pivot(domain: libvirt.virDomain, disk: str) -> None:
    try:
        domain.blockJobAbort(disk, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    except libvirt.libvirtError as error:
        # Between the last byte and the word that it is ready, or somebody else was quicker.
        if not is_code(error, libvirt.VIR_ERR_BLOCK_COPY_ACTIVE, libvirt.VIR_ERR_OPERATION_INVALID):
            raise
