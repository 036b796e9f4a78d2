"""A call during which libvirtd freezes the guest and thaws it, with a lamp that shows what was seen of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.errors import Failed, Unreachable, VmsnapError
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.libvirt import agent
from vmsnap_tui.platforms.libvirt.errors import is_code, translated
from vmsnap_tui.platforms.libvirt.steps.beside import beside

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.platforms.libvirt.connection import Connection

    Report = Callable[[Progress], None]

_FREEZE_LIMIT = 60  # seconds for one agent call: freeze hooks of databases take their time
_THAW_LIMIT = 10
_LOOK = 0.01  # seconds between two looks until it is seen frozen
_RESCUE_PAUSE = 0.5
_RESCUE = 60.0  # seconds in which a lost site may come back to have its guest thawed


def lamp(report: Report, state: FreezeState, why: str = "") -> None:
    """Report a freeze state that was just entered."""
    phases = {FreezeState.FREEZING: "freezing", FreezeState.FROZEN: "frozen", FreezeState.THAWING: "thawing"}
    report(Progress(phases.get(state, "finishing"), freeze=Freeze(state, datetime.now(UTC), why)))


def quiesced(
    connection: Connection,
    domain: libvirt.virDomain,
    call: Callable[[], libvirt.virDomainSnapshot],
    report: Report,
) -> libvirt.virDomainSnapshot:
    """Do `call`. Whatever comes of it, the guest is thawed, or the lamp says that this could not be seen."""

    def look(beside_domain: libvirt.virDomain, done: Event) -> None:
        # Once: each question to a frozen agent makes libvirtd wait with the thaw.
        while not done.is_set():
            if agent.is_frozen(beside_domain):
                if not done.is_set():
                    lamp(report, FreezeState.FROZEN)
                return
            done.wait(_LOOK)

    with agent.reserved(domain):
        try:
            with agent.bounded(domain, _FREEZE_LIMIT), beside(connection, domain.UUIDString(), look):
                lamp(report, FreezeState.FREEZING)
                snapshot = call()
        except libvirt.libvirtError as error:
            known = translated(error)
            if isinstance(known, Unreachable):
                rescue(connection, domain.UUIDString(), report)
                raise known from error
            # Also where freezing itself failed: the hooks in the guest may have run, or half of its file systems.
            why = thaw_guest(domain, report)
            hint = f"nothing was taken; {known.hint}" if not why else f"the guest may still be frozen: {why}"
            raise Failed(known.words, hint) from error
        _show(report, _why_frozen(domain))
    return snapshot


def thaw_guest(domain: libvirt.virDomain, report: Report) -> str:
    """Thaw, and look whether it is. Says why it may not be, "" where it is. Never raises."""
    lamp(report, FreezeState.THAWING)
    return _show(report, _thaw(domain))


def seen_thawed(domain: libvirt.virDomain, report: Report) -> None:
    """Look whether a guest that should be thawed is, and thaw it if not."""
    if _show(report, _why_frozen(domain)):
        thaw_guest(domain, report)


def _show(report: Report, why: str) -> str:
    lamp(report, FreezeState.FAILED if why else FreezeState.THAWED, why)
    return why


def _thaw(domain: libvirt.virDomain) -> str:
    try:
        with agent.bounded(domain, _THAW_LIMIT):
            domain.fsThaw()
    except libvirt.libvirtError:
        pass  # one that is not frozen may say so: what counts is what is seen next
    return _why_frozen(domain)


def _why_frozen(domain: libvirt.virDomain) -> str:
    """Why the guest is, or may be, frozen; "" where it was seen that it is not."""
    try:
        with agent.bounded(domain, _THAW_LIMIT):
            return "the agent says that it is" if agent.is_frozen(domain) else ""
    except libvirt.libvirtError as error:
        return translated(error).words


def rescue(connection: Connection, vm_id: str, report: Report) -> None:
    """The site was lost while the guest may be frozen. Unless libvirtd thaws it, we do, once it is back.

    A libvirtd that just came up has yet to find the agent again: so until it is seen thawed, or nobody can wait.
    """
    lamp(report, FreezeState.THAWING, "the connection broke")
    why = "the site did not come back: nobody could look"
    deadline = time.monotonic() + _RESCUE
    while time.monotonic() < deadline:
        try:
            with connection.second() as conn:
                domain = conn.lookupByUUIDString(vm_id)
                why = _thaw(domain) if domain.isActive() else ""
        except libvirt.libvirtError as error:
            if is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                why = ""
        except VmsnapError:
            pass  # not back yet
        if not why:
            break
        time.sleep(_RESCUE_PAUSE)
    _show(report, why)
