"""The guest agent, asked in bounded time."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.libvirt.errors import AGENT_COMMAND_FAILED, is_code

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROBE = 2  # seconds for an answer that takes milliseconds
_STATUS = '{"execute":"guest-fsfreeze-status"}'
_AMBIGUOUS = re.compile(r"has been disabled for this instance", re.IGNORECASE)

_at_work: set[str] = set()
"""Domains (UUIDs) with a step at work that uses the agent: nobody else changes its time limit meanwhile."""


@contextmanager
def bounded(domain: libvirt.virDomain, seconds: int) -> Iterator[None]:
    """Let no call to the agent take longer. By itself libvirt waits for ever: a guest out of memory has done that.

    The limit belongs to the domain and outlives us, so libvirt's own is put back.
    """
    domain.agentSetResponseTimeout(seconds, 0)
    try:
        yield
    finally:
        with suppress(libvirt.libvirtError):  # the vm or the connection may be gone, and the limit with it
            domain.agentSetResponseTimeout(libvirt.VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK, 0)


@contextmanager
def reserved(domain: libvirt.virDomain) -> Iterator[None]:
    """Keep `freeze_state` off this domain for a while."""
    vm_id = domain.UUIDString()
    _at_work.add(vm_id)
    try:
        yield
    finally:
        _at_work.discard(vm_id)


def freeze_state(domain: libvirt.virDomain) -> Freeze:
    """What the agent's answers prove. FAILED: it is connected and does not answer in time. Never raises."""
    if domain.UUIDString() in _at_work:
        return Freeze(FreezeState.UNAVAILABLE, why="a step is at work on this vm")
    try:
        with bounded(domain, _PROBE):
            frozen = is_frozen(domain)
    except libvirt.libvirtError as error:
        return Freeze(FreezeState.FAILED, datetime.now(UTC), clean(error.get_error_message() or str(error)))
    return Freeze(FreezeState.FROZEN if frozen else FreezeState.THAWED)


def is_frozen(domain: libvirt.virDomain) -> bool:
    """Whether the guest's file systems are frozen. Raises libvirtError where the agent does not say.

    A frozen agent answers nothing but freeze commands, and says why. Asking it for the time finds that out, without
    marking the domain as tainted, as asking for the status itself does.
    """
    try:
        domain.getTime()
    except libvirt.libvirtError as error:
        words = error.get_error_message() or ""
        if not is_code(error, AGENT_COMMAND_FAILED):
            raise
        if "frozen" in words:
            return True
        if _AMBIGUOUS.search(words):  # an old agent says the same of commands that its admin has forbidden
            return _status(domain)
        return False  # it answers, and a frozen one would not have given that answer
    return False


def _status(domain: libvirt.virDomain) -> bool:
    import libvirt_qemu

    return "frozen" in libvirt_qemu.qemuAgentCommand(domain, _STATUS, _PROBE, 0)
