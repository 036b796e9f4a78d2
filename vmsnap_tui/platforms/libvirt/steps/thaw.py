"""Thawing a guest that was left frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Failed
from vmsnap_tui.platforms.libvirt import agent
from vmsnap_tui.platforms.libvirt.steps.lamp import thaw_guest

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    import libvirt

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.platforms.libvirt.connection import Connection


def thaw(
    _connection: Connection,
    domain: libvirt.virDomain,
    _step: Step,
    report: Callable[[Progress], None],
    _stop: Event,
) -> str:
    """Thaw it, and see that it is."""
    with agent.reserved(domain):
        why = thaw_guest(domain, report)
    if why:
        raise Failed(f"the guest may still be frozen: {why}", "look at the guest agent, or reset the vm")
    return "thawed"
