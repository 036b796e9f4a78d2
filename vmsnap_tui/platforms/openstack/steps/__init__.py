"""Doing one step of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Cancelled, Unsupported
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.platforms.openstack.steps.delete import delete
from vmsnap_tui.platforms.openstack.steps.edit import edit
from vmsnap_tui.platforms.openstack.steps.launch import launch
from vmsnap_tui.platforms.openstack.steps.power import power
from vmsnap_tui.platforms.openstack.steps.restore import restore
from vmsnap_tui.platforms.openstack.steps.take import take
from vmsnap_tui.platforms.openstack.steps.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.platforms.openstack.cloud import Cloud
    from vmsnap_tui.platforms.openstack.inventory import Inventory

_ACTIONS = {"take": take, "restore": restore, "launch": launch, "delete": delete, "edit": edit, "power": power}


def run(
    cloud: Cloud,
    inventory: Inventory,
    step: Step,
    report: Callable[[Progress], None],
    stop: Event,
    gate: Gate = ALONE,
) -> str:
    """Do it, and say in one line what came of it."""
    action = _ACTIONS.get(step.action)
    if action is None:
        raise Unsupported(
            f"OpenStack knows no step “{step.action}”", "it was planned by another version of this program"
        )
    if stop.is_set():
        raise Cancelled("it was stopped before it began")
    try:
        return action(Work(cloud, inventory, step, report, stop, gate))
    finally:
        inventory.forget()
