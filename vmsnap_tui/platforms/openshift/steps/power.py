"""Starting a vm, and having its guest shut down."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openshift.steps.work import Work


def power(work: Work) -> str:
    """KubeVirt gives the guest the vm's grace period to shut down, then ends it."""
    if work.params()["on"]:
        return work.start_vm()
    work.stop_vm()
    return "the vm is off"
