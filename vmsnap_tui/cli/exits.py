"""The exit codes, in one table."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmsnap_tui.model.errors import VmsnapError


class Exit(IntEnum):
    """How a command ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4
    DENIED = 5
    MISSING = 6
    CONFLICT = 7
    CANCELLED = 8
    UNSUPPORTED = 9
    INTERRUPTED = 130


MEANINGS = {
    Exit.OK: "done, or shown",
    Exit.FAILED: "it went wrong; or check found something; or vmsnap itself failed (a line names the log file)",
    Exit.USAGE: "the command line or the config file is wrong",
    Exit.REFUSED: "the plan refuses: it says why and what to do instead",
    Exit.UNREACHABLE: "a site does not answer",
    Exit.DENIED: "no permission, or read-only",
    Exit.MISSING: "there is no such vm, snapshot or lab; or no vm in the lab",
    Exit.CONFLICT: "several fit the name, or the world moved since the plan was made",
    Exit.CANCELLED: "not confirmed, or cancelled",
    Exit.UNSUPPORTED: "this platform, version or vm cannot do that",
    Exit.INTERRUPTED: "left with Ctrl-C; what was begun is in the journal",
}

_BY_KIND = {
    "config": Exit.USAGE,
    "unreachable": Exit.UNREACHABLE,
    "denied": Exit.DENIED,
    "missing": Exit.MISSING,
    "conflict": Exit.CONFLICT,
    "unsupported": Exit.UNSUPPORTED,
    "cancelled": Exit.CANCELLED,
}


def code_of(error: VmsnapError) -> Exit:
    """The exit code for an error."""
    return _BY_KIND.get(error.kind, Exit.FAILED)
