"""Starting a domain, and having its guest shut down."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.errors import Cancelled, Failed
from vmsnap_tui.model.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.platforms.libvirt.connection import Connection

_PATIENCE = 90.0  # seconds that a guest may take to shut down
_ASK_AGAIN = 15.0  # seconds after which a guest that was just booting is asked once more
_PAUSE = 0.25


def power(
    _connection: Connection,
    domain: libvirt.virDomain,
    step: Step,
    report: Callable[[Progress], None],
    stop: Event,
) -> str:
    """Start it; or ask the guest, by its agent or else by ACPI, and wait until it is off."""
    if step.params["on"]:
        report(Progress("starting the vm"))
        return _start(domain)
    return _shut_down(domain, report, stop)


def _start(domain: libvirt.virDomain) -> str:
    try:
        if not domain.isActive():
            domain.create()
    except libvirt.libvirtError:
        if not domain.isActive():  # else somebody started it at this very moment
            raise
    return "the vm runs"


def _shut_down(domain: libvirt.virDomain, report: Callable[[Progress], None], stop: Event) -> str:
    begun = time.monotonic()
    asked: float | None = None
    while domain.isActive():
        now = time.monotonic()
        if now - begun > _PATIENCE:
            raise Failed(
                f"the guest did not shut down in {_PATIENCE:.0f} s",
                "look at its console, or switch it off: virsh destroy",
            )
        if asked is None or now - asked > _ASK_AGAIN:
            try:
                domain.shutdown()
            except libvirt.libvirtError:
                # It may have gone off at this very moment; and one that was asked before may have no agent any more.
                if asked is None and domain.isActive():
                    raise
            asked = now
        report(Progress("the guest shuts down"))
        if stop.wait(_PAUSE):
            raise Cancelled("no longer waited for; the guest was asked to shut down, and may still do so")
    return "the vm is off"
