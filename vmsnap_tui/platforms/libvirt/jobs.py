"""Block jobs: what QEMU is doing to the layers of a disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.platforms.libvirt.errors import is_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vmsnap_tui.platforms.libvirt.xml import Element

PULL, COPY, COMMIT, ACTIVE_COMMIT = "pull", "copy", "commit", "active commit"
_NO_ANSWER = (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_NO_SUPPORT)
_KINDS = {
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_PULL: PULL,
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY: COPY,
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT: COMMIT,
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT: ACTIVE_COMMIT,
}


@dataclass(frozen=True, slots=True)
class BlockJob:
    """A block job of one disk. `current` and `end` are bytes. Only one that is `ready` can pivot."""

    kind: str
    current: int
    end: int
    ready: bool

    @property
    def writes_down(self) -> bool:
        """Whether it writes into a layer below the newest."""
        return self.kind in {COMMIT, ACTIVE_COMMIT}

    @property
    def pivots(self) -> bool:
        """Whether it ends with somebody's word, and not by itself."""
        return self.kind in {COPY, ACTIVE_COMMIT}


def block_jobs(domain: libvirt.virDomain, root: Element, disks: Iterable[str]) -> dict[str, BlockJob]:
    """The jobs on these disks of a domain that runs. `root` is its live XML, which says whether one is ready."""
    ready = {
        target.get("dev")
        for disk in root.iterfind("devices/disk")
        if (target := disk.find("target")) is not None and disk.find("mirror[@ready='yes']") is not None
    }
    found = {}
    for name in disks:
        try:
            info = domain.blockJobInfo(name)
        except libvirt.libvirtError as error:
            if is_code(error, *_NO_ANSWER):
                continue
            raise
        if info:
            kind = _KINDS.get(info["type"], "block job")
            found[name] = BlockJob(kind, info["cur"], info["end"], name in ready)
    return found
