"""Doing one step of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Cancelled, Unsupported
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.platforms.openshift.steps.claims import make_claims, swap
from vmsnap_tui.platforms.openshift.steps.cut import cut
from vmsnap_tui.platforms.openshift.steps.delete import clear, delete
from vmsnap_tui.platforms.openshift.steps.edit import edit
from vmsnap_tui.platforms.openshift.steps.freeze import thaw
from vmsnap_tui.platforms.openshift.steps.launch import export, launch
from vmsnap_tui.platforms.openshift.steps.power import power
from vmsnap_tui.platforms.openshift.steps.restore import restore
from vmsnap_tui.platforms.openshift.steps.take import take
from vmsnap_tui.platforms.openshift.steps.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.platforms.openshift.cluster import Cluster

_ACTIONS = {
    "take": take,
    "cut": cut,
    "restore": restore,
    "swap": swap,
    "launch": launch,
    "claims": make_claims,
    "export": export,
    "delete": delete,
    "clear": clear,
    "edit": edit,
    "thaw": thaw,
    "power": power,
}


def run(cluster: Cluster, step: Step, report: Callable[[Progress], None], stop: Event, gate: Gate = ALONE) -> str:
    """Do it, and say in one line what came of it."""
    action = _ACTIONS.get(step.action)
    if action is None:
        raise Unsupported(
            f"OpenShift knows no step “{step.action}”", "it was planned by another version of this program"
        )
    if stop.is_set():
        raise Cancelled("it was stopped before it began")
    return action(Work(cluster, step, report, stop, gate))
