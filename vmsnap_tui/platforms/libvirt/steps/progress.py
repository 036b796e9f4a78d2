"""What can be seen of a running call: bytes of saved memory, bytes of merged layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.libvirt.errors import is_code

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

_FIRST = 0.3  # seconds: a question sent in the instant in which the job begins is answered when it ends
_PAUSE = 0.15  # seconds between two looks


class MemoryProgress:
    """Reports how much of the memory is saved, and stops it when `stop` is set."""

    def __init__(self, report: Callable[[Progress], None], stop: Event) -> None:
        self._report = report
        self._stop = stop
        self.aborted = False

    def look(self, domain: libvirt.virDomain, done: Event) -> None:
        """Until done. Empty pages are skipped, so that what remains says more than what was processed."""
        done.wait(_FIRST)
        while not done.is_set():
            info = domain.jobInfo()
            total, remaining = info[3], info[5]
            if total and info[0] == libvirt.VIR_DOMAIN_JOB_UNBOUNDED and not done.is_set():
                self._report(Progress("saving memory", total - remaining, total))
            done.wait(_PAUSE)

    def cancel(self, domain: libvirt.virDomain, done: Event) -> None:
        """Until done, or stopped."""
        while not done.is_set():
            if not self._stop.wait(_PAUSE):
                continue
            if done.is_set():
                return
            try:
                domain.abortJob()
            except libvirt.libvirtError as error:
                # The job has not begun to save, or is past the point where it can be stopped.
                if not is_code(error, libvirt.VIR_ERR_OPERATION_INVALID):
                    raise
            else:
                self.aborted = True
            done.wait(_PAUSE)


def merge_progress(
    disks: Sequence[str], report: Callable[[Progress], None]
) -> Callable[[libvirt.virDomain, Event], None]:
    """A watch that reports how far the merging of these disks is."""

    def look(domain: libvirt.virDomain, done: Event) -> None:
        done.wait(_PAUSE)
        seen: dict[str, tuple[int, int]] = {}
        while not done.is_set():
            for disk in disks:
                info = domain.blockJobInfo(disk)
                if info and info["end"] > 1:  # 0 of 1 is how libvirt says that it has not begun
                    seen[disk] = info["cur"], info["end"]
            if seen and not done.is_set():
                current, end = (sum(numbers) for numbers in zip(*seen.values(), strict=True))
                report(Progress("merging", current, end))
            done.wait(_PAUSE)

    return look
