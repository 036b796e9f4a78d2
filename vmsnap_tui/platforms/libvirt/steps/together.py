"""A part of a group snapshot: frozen by ourselves, and held until the others are cut too."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.together import Hold
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.libvirt import agent
from vmsnap_tui.platforms.libvirt.convert import vm_state
from vmsnap_tui.platforms.libvirt.errors import translated
from vmsnap_tui.platforms.libvirt.steps.beside import beside
from vmsnap_tui.platforms.libvirt.steps.lamp import lamp, rescue, seen_thawed, thaw_guest

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.together import Gate, Group
    from vmsnap_tui.platforms.libvirt.connection import Connection
    from vmsnap_tui.platforms.libvirt.steps.lamp import Report

_LOOK = 0.05  # seconds between two looks whether the time is up


@dataclass(frozen=True, slots=True)
class Part:
    """What came of it. `consistency` is what was proven, None where the record says it by itself."""

    snapshot: libvirt.virDomainSnapshot
    consistency: Consistency | None
    group: Group | None
    said: str


def taken_together(
    connection: Connection,
    domain: libvirt.virDomain,
    create: Callable[[], libvirt.virDomainSnapshot],
    report: Report,
    gate: Gate,
    *,
    freezes: bool,
) -> Part:
    """Take it. A guest that cannot be frozen is cut all the same: as after a power cut, and no more is said of it."""
    if freezes:
        return _frozen(connection, domain, create, report, gate)
    gate.ready()
    ran = _runs(domain)
    gate.still()
    snapshot = create()
    gate.cut()
    # Somebody may have started it meanwhile: nobody knows in the midst of what.
    hold = Hold.LOOSE if ran else Hold.TORN if _runs(domain) else Hold.HELD
    return Part(snapshot, None, gate.over(hold), "")


def _runs(domain: libvirt.virDomain) -> bool:
    return vm_state(*domain.state()) is VmState.RUNNING


def _frozen(
    connection: Connection,
    domain: libvirt.virDomain,
    create: Callable[[], libvirt.virDomainSnapshot],
    report: Report,
    gate: Gate,
) -> Part:
    """The guest is frozen together with all others, and thawed whatever happens.

    At the limit it is thawed from beside, also in the middle of a call.
    """
    began, late = 0.0, False

    def end_in_time(beside_domain: libvirt.virDomain, done: Event) -> None:
        nonlocal late
        while not done.wait(_LOOK):
            if began and time.monotonic() - began > gate.limit:
                late = True
                thaw_guest(beside_domain, report)
                return

    with agent.reserved(domain), beside(connection, domain.UUIDString(), end_in_time):
        with agent.bounded(domain, ceil(gate.limit)):  # set before anybody stands still
            gate.ready()
            began = time.monotonic()
            try:
                why = _freeze(domain, report)
                gate.still()
                snapshot = create()
                gate.cut()
                is_late = time.monotonic() - began > gate.limit  # then it is, or will be, thawed from beside too
                thawed = "" if late else _thaw(domain, report)
                why = why or (f"the limit of {gate.limit:g} s was reached" if is_late else thawed)
            except libvirt.libvirtError as error:
                known = translated(error)
                if isinstance(known, Unreachable):
                    rescue(connection, domain.UUIDString(), report)
                else:
                    thaw_guest(domain, report)
                raise known from error
            except BaseException:
                thaw_guest(domain, report)
                raise
        group = gate.over(Hold.LOOSE if why else Hold.HELD)
        seen_thawed(domain, report)
    if why:
        return Part(snapshot, None, group, f"not frozen: {why}")
    return Part(snapshot, Consistency.FILESYSTEM, group, "with frozen file systems")


def _freeze(domain: libvirt.virDomain, report: Report) -> str:
    """Freeze it. Why that went wrong, "" where it did not; then what was frozen by halves is thawed."""
    lamp(report, FreezeState.FREEZING)
    try:
        count = domain.fsFreeze()
    except libvirt.libvirtError as error:
        known = translated(error)
        if isinstance(known, Unreachable):
            raise
        thaw_guest(domain, report)
        return known.words
    lamp(report, FreezeState.FROZEN)
    return "" if count else "the guest has no file system that can be frozen"


def _thaw(domain: libvirt.virDomain, report: Report) -> str:
    """Thaw it. Why it did not stand still up to now, "" where it did: an agent counts what it thaws.

    One that says here that something went wrong may have let its guest go before: its snapshot is there all the same.
    """
    lamp(report, FreezeState.THAWING)
    try:
        return "" if domain.fsThaw() else "somebody has thawed it meanwhile"
    except libvirt.libvirtError as error:
        known = translated(error)
        if isinstance(known, Unreachable):
            raise
        thaw_guest(domain, report)
        return f"its thaw went wrong ({known.words})"
