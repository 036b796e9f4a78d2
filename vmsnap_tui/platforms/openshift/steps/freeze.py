"""Thawing a guest, and a time in which one is frozen by ourselves."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Failed, VmsnapError
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.platforms.openshift.steps import limits
from vmsnap_tui.platforms.openshift.steps.lamp import Lamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vmsnap_tui.platforms.openshift.steps.work import Work


def thaw(work: Work) -> str:
    """Thaw it, and see that it is."""
    if why := Lamp(work).thaw(at_once=True):
        raise Failed(f"the guest may still be frozen: {why}", "look at the guest agent, or reset the vm")
    return "thawed"


def lasts(limit: float) -> int:
    """How long a freeze lasts that is asked for that long: the cluster counts whole seconds."""
    return int(limit)


def freeze(work: Work, lamp: Lamp, limit: float) -> None:
    """Freeze the guest, and see that it is. Should we die, the cluster thaws it after `limit` seconds."""
    lamp.show(FreezeState.FREEZING)
    work.call("virtualmachineinstances/freeze", work.vm_name, {"unfreezeTimeout": f"{lasts(limit)}s"})
    try:
        work.until(lambda: lamp.look() or None, stoppable=True, patience=min(limits.FREEZES, limit))
    except TimeoutError:
        raise Failed("the guest was not seen to freeze", "look at the guest agent") from None


@contextmanager
def frozen(work: Work, lamp: Lamp, limit: float) -> Iterator[Callable[[], bool]]:
    """The guest is frozen inside, and thawed whatever happens there; by itself after `limit` seconds, should we die.

    What is given tells whether it has been frozen from the beginning until now. That its thaw went well is to be seen
    from the `lamp` afterwards.
    """
    begun = time.monotonic()

    def still() -> bool:
        return lamp.look() and time.monotonic() - begun < lasts(limit)

    try:
        freeze(work, lamp, limit)
        yield still
    except BaseException as error:
        # Also where the freeze itself failed: half of the file systems may be frozen.
        why = lamp.thaw(at_once=True)
        if why and isinstance(error, VmsnapError):
            raise Failed(error.words, f"the guest may still be frozen: {why}") from error
        raise
    else:
        if why := lamp.thaw(at_once=True):
            raise Failed("it was taken, but the guest may still be frozen", f"thaw it, or reset the vm: {why}")
