"""What one types to do something that was planned."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Delete, Discard, EndJob, Merge, Thaw

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Request
    from vmsnap_tui.model.survey import Mend


def command_of(mend: Mend, vm_name: str) -> str:
    """What one types to do it, "" where it cannot be typed."""
    if mend.request is None:
        return mend.command
    words = _words(mend.request, f"{mend.request.vm.site}/{vm_name or mend.request.vm.id}")
    return shlex.join(["vmsnap", *words]) if words else ""


def _words(request: Request, vm: str) -> list[str]:
    match request:
        case Merge():
            given = {"--top": request.top, "--base": request.base, "--to": request.place, "--format": request.format}
            options = [part for option, value in given.items() if value for part in (option, value)]
            return ["merge", vm, request.disk, "--how", request.how.name.lower(), *options]
        case EndJob():
            return ["blockjob", vm, request.disk, "--end", request.how.value]
        case Discard():
            return ["discard", vm, *request.places]
        case Delete():
            return ["rm", vm, request.snapshot.id, *(["--metadata-only"] if request.metadata_only else [])]
        case Thaw():
            return ["thaw", vm]
        case _:
            return []
