"""The state of the guest's file systems, followed while something is done, and thawed whatever comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.openshift.steps import limits

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openshift.steps.work import Work

_FROZEN = "frozen"
_PHASES = {
    FreezeState.FREEZING: "freezing",
    FreezeState.FROZEN: "frozen",
    FreezeState.THAWING: "thawing",
}


class Lamp:
    """Reports each change of the state, once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.trouble = ""
        """What the last thaw said to have gone wrong: a guest may say there that it had let go before."""
        self.freeze: Freeze | None = None

    def show(self, state: FreezeState, why: str = "") -> None:
        """Report a state that was just entered."""
        if self.freeze is None or (self.freeze.state, self.freeze.why) != (state, why):
            self.freeze = Freeze(state, datetime.now(UTC), why)
            self._work.report(Progress(_PHASES.get(state, "finishing"), freeze=self.freeze))

    def look(self) -> bool:
        """See whether the guest is frozen. One that was and is no more is thawed."""
        instance = self._work.instance()
        frozen = instance is not None and instance.status.fs_freeze_status == _FROZEN
        if frozen:
            self.show(FreezeState.FROZEN)
        elif self.freeze is not None and self.freeze.state in {FreezeState.FROZEN, FreezeState.THAWING}:
            self.show(FreezeState.THAWED)
        return frozen

    def thaw(self, *, at_once: bool) -> str:
        """See to it that the guest is thawed. Says why it may not be, "" where it is. Never raises.

        The cluster is given a while to thaw what it has frozen itself, unless it is to be done `at_once`.
        """
        why = ""
        try:
            if not at_once:
                self._until_thawed(limits.THAWS_ITSELF)
            if at_once or self.look():
                self.show(FreezeState.THAWING)
                self._work.call("virtualmachineinstances/unfreeze", self._work.vm_name)
                self._until_thawed(limits.THAWS)
                why = "the cluster says that it is" if self.look() else ""
        except VmsnapError as error:
            # What counts is what is seen: a guest that was switched off meanwhile is not frozen.
            self.trouble, why = error.words, self._why_frozen(error)
        self.show(FreezeState.FAILED if why else FreezeState.THAWED, why)
        return why

    def _until_thawed(self, patience: float) -> None:
        try:
            self._work.until(lambda: None if self.look() else True, patience=patience)
        except TimeoutError:
            return

    def _why_frozen(self, error: VmsnapError) -> str:
        try:
            return error.words if self.look() else ""
        except VmsnapError as unseen:
            return unseen.words
