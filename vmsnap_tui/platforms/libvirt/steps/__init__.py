"""Doing one step of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Unreachable, Unsupported
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.platforms.libvirt.errors import typed_errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.platforms.libvirt.connection import Connection


def run(connection: Connection, step: Step, report: Callable[[Progress], None], stop: Event, gate: Gate = ALONE) -> str:
    """Do it, and say in one line what came of it. Raises the model's errors alone."""
    # Only who changes something pays for the planner, which these know: to look around takes no part of it.
    from vmsnap_tui.platforms.libvirt.steps.actions import ACTIONS, TOGETHER

    if step.action not in ACTIONS.keys() | TOGETHER.keys():
        raise Unsupported(f"libvirt knows no step “{step.action}”", "it was planned by another version of this program")
    with connection.acting(step.vm.id) as domain:
        try:
            with typed_errors():
                if step.action in TOGETHER:
                    return TOGETHER[step.action](connection, domain, step, report, stop, gate)
                return ACTIONS[step.action](connection, domain, step, report, stop)
        except Unreachable as error:
            hint = "it may have been done all the same: look at the vm once it is connected again"
            raise Unreachable(error.words, hint) from error
