"""Restoring a vm to a snapshot."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.errors import Unreachable, VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.libvirt import notes
from vmsnap_tui.platforms.libvirt.chain import Host
from vmsnap_tui.platforms.libvirt.errors import is_code, translated
from vmsnap_tui.platforms.libvirt.steps.target import target
from vmsnap_tui.platforms.libvirt.users import needs_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.platforms.libvirt.connection import Connection

_NEXT_SECOND = 1.1
_AWAY = 60.0  # seconds in which a lost site may come back to have its notes
_PAUSE = 0.5

_FLAGS = {
    VmState.RUNNING: libvirt.VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING,
    VmState.PAUSED: libvirt.VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED,
    VmState.OFF: 0,
}


def restore(
    connection: Connection,
    domain: libvirt.virDomain,
    step: Step,
    report: Callable[[Progress], None],
    _stop: Event,
) -> str:
    """Restore it; never by force, since what libvirt would have to be forced to is refused by the plan."""
    end = VmState(str(step.params["end"]))
    snapshot = target(connection, domain, step)
    kept = notes.read(domain)
    switch_off = end is VmState.OFF and bool(step.params["memory"])
    # libvirt always starts what was taken with memory: paused, the guest has no time to write before it is stopped.
    flags = _FLAGS[VmState.PAUSED if switch_off else end]
    needs = needs_of(domain, Host.of(connection.raw, local=connection.is_local))
    report(Progress("restoring"))
    try:
        with connection.putting_back(domain.UUIDString(), needs):
            _revert(domain, snapshot, flags)
            if switch_off and domain.isActive():
                report(Progress("stopping"))
                domain.destroy()
            if end is not VmState.OFF and not domain.isActive():
                _start(domain, end)
    except libvirt.libvirtError as error:
        # The definition may have gone back all the same.
        if isinstance(translated(error), Unreachable):
            _put_back_later(connection, domain.UUIDString(), kept)
        else:
            _put_back(domain, kept)
        raise
    return f"restored; the vm is {end.value}{_put_back(domain, kept)}"


def _revert(domain: libvirt.virDomain, snapshot: libvirt.virDomainSnapshot, flags: int) -> None:
    try:
        domain.revertToSnapshot(snapshot, flags)
    except libvirt.libvirtError as error:
        # The new overlay is named after the second that it is made in: twice in one second there is a file already.
        taken = "already exists and is not a block device" in (error.get_error_message() or "")
        if not (taken and is_code(error, libvirt.VIR_ERR_CONFIG_UNSUPPORTED)):
            raise
        # Not cut short by a wish to stop: the vm is off by now, and half a restore helps nobody.
        time.sleep(_NEXT_SECOND)
        domain.revertToSnapshot(snapshot, flags)


def _start(domain: libvirt.virDomain, end: VmState) -> None:
    """The test driver says of a vm without memory that it was started, and leaves it off."""
    domain.create()
    if end is VmState.PAUSED:
        domain.suspend()


def _put_back(domain: libvirt.virDomain, kept: notes.Notes) -> str:
    """With the definition of that time its notes have come back; put those of now in their place."""
    try:
        if notes.read(domain) != kept:
            notes.keep(domain, kept)
    except (libvirt.libvirtError, VmsnapError) as error:
        return f"; the notes of the vm's snapshots could not be put back ({error})"
    return ""


def _put_back_later(connection: Connection, vm_id: str, kept: notes.Notes) -> None:
    """The site was lost, and its vm may be that of then: what is not protected any more, a prune may delete."""
    end = time.monotonic() + _AWAY
    while time.monotonic() < end:
        with suppress(libvirt.libvirtError, VmsnapError), connection.second() as conn:
            if not _put_back(conn.lookupByUUIDString(vm_id), kept):
                return
        time.sleep(_PAUSE)
