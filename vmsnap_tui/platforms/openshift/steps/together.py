"""How a part of a group snapshot goes: frozen before anything is cut, and followed until its guest goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.errors import Failed, VmsnapError
from vmsnap_tui.model.together import Group, Hold
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.openshift.stamps import TOGETHER
from vmsnap_tui.platforms.openshift.steps.freeze import freeze, lasts

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.steps.lamp import Lamp
    from vmsnap_tui.platforms.openshift.steps.work import Work


class Part:
    """One vm's part. Of a step that is no part of a group nothing is done."""

    def __init__(self, work: Work, lamp: Lamp) -> None:
        self._work = work
        self._lamp = lamp
        self._began = 0.0
        self._is_cut = False
        self._how = Hold.TORN
        self._thaws_itself = False
        self._is_over = False
        self._group: Group | None = None

    @property
    def is_in_time(self) -> bool:
        """Whether the cluster has not thawed it by itself yet. That it has may be told only later."""
        return time.monotonic() - self._began < lasts(self._work.gate.limit)

    def begin(self, *, thaws_itself: bool) -> None:
        """Wait for the others, freeze the guest if it can be, and wait until all are. Raises what freezing raises.

        `thaws_itself` says that the cluster will thaw it as soon as it is cut.
        """
        self._thaws_itself = thaws_itself
        work = self._work
        if not work.is_part:
            return
        work.gate.ready()
        self._began = time.monotonic()
        try:
            if work.params()["freeze"]:
                freeze(work, self._lamp, work.gate.limit)
            work.gate.still()
            if thaws_itself and work.params()["freeze"]:
                work.gate.last()
        except VmsnapError as error:
            # Also where the freeze itself failed: half of the file systems may be frozen.
            if why := self._lamp.thaw(at_once=True):
                raise Failed(error.words, f"the guest may still be frozen: {why}") from error
            raise

    def cut(self, *, frozen: bool = True) -> None:
        """All its volumes are cut. `frozen` is False where a guest that was frozen was seen to go on before that."""
        if not self._is_cut:
            self._is_cut = True
            self._how = self._hold(frozen=frozen)
            self._work.gate.cut()

    def over(self, *, held: bool = True) -> None:
        """Its guest goes on. `held` is False where it said at its thaw that it had gone on before."""
        if self._is_cut and not self._is_over:
            self._is_over = True
            if not held:
                self._how = self._hold(frozen=False)
            self._group = self._work.gate.over(self._how)

    def note(self, kind: Kind[Any], name: str, *, held: bool = True) -> None:
        """Note with an object what it is a part of.

        One of which it is known by now that it was not `held` is part of no moment, whatever was thought before.
        """
        if self._group is not None:
            group = self._group if held else Group(self._group.id)
            self._work.annotate(kind, name, {TOGETHER: group.written()})

    def _hold(self, *, frozen: bool) -> Hold:
        params = self._work.params()
        if params["state"] != VmState.RUNNING.value:
            return Hold.HELD
        # The cluster thaws at the limit by itself: before that the guest stood still, from the first freeze on.
        if params["freeze"] and frozen and self.is_in_time:
            return Hold.FREED if self._thaws_itself else Hold.HELD
        return Hold.LOOSE if len(params["volumes"]) == 1 else Hold.TORN
