"""Fills the details: at once with what is known, later with what the site is asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.ui import chain_fields, detail_fields
from vmsnap_tui.ui.widgets.details import Tab

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from textual.worker import Worker

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.store import SiteView
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.survey import Survey
    from vmsnap_tui.model.vm import Vm, VmRef
    from vmsnap_tui.ui.widgets.details import Details

_SETTLE = 0.05
"""Seconds to wait before a site is asked: the cursor may be on its way."""

Subject = tuple["VmRef | None", "str | None"]
"""The vm and the snapshot (by id) that the details are about."""


class DetailReader:
    """Knows what the details are about, so that an answer that comes late is dropped."""

    def __init__(self, engine: Engine, details: Details, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._details = details
        self._now = now
        self._subject: Subject = (None, None)
        self._age = 0
        """How often something changed: what was asked before is shown until the newer answer is there."""
        self._surveyed: tuple[VmRef, int, Survey] | None = None
        """What holds the data of a vm: read once for all its snapshots."""
        self._answered: tuple[Subject, Tab, int] | None = None
        self._asked: tuple[Subject, Tab, int] | None = None
        self._reading: Worker[None] | None = None

    def forget(self) -> None:
        """What a site was asked for has changed since."""
        self._age += 1

    def fill_site(self, site: SiteView | None) -> None:
        """The details are about a site."""
        self._subject, self._answered, tab = (None, None), None, self._details.tab
        if tab is not Tab.SNAPSHOT:
            self._details.say(tab, "Choose a VM.")
        elif site:
            count = len(self._engine.store.vms(site.site.name))
            self._details.show(tab, detail_fields.site_fields(site, count))

    def fill_vm(self, vm: Vm, snapshot: Snapshot | None) -> None:
        """The details are about a snapshot of a vm, or about the vm as it is now."""
        tab, store = self._details.tab, self._engine.store
        self._subject = (vm.ref, snapshot.id if snapshot else None)
        if tab is Tab.CHAIN and self._surveyed and self._surveyed[:2] == (vm.ref, self._age):
            self._show_chain(self._surveyed[2], vm, snapshot)
        elif tab is not Tab.SNAPSHOT:
            self._read(tab, vm, snapshot)
        else:
            self._answered = None  # what another tab showed is not on the screen any more
            if snapshot:
                others = store.snapshots(vm.ref) or ()
                self._details.show(tab, detail_fields.snapshot_fields(vm, snapshot, others, self._now()))
            else:
                self._details.show(tab, detail_fields.vm_fields(vm, store.freeze(vm.ref), self._now()))

    def _show_chain(self, survey: Survey, vm: Vm, snapshot: Snapshot | None) -> None:
        self._details.show(Tab.CHAIN, chain_fields.chain_fields(survey, vm.ref, snapshot.id if snapshot else ""))

    def _read(self, tab: Tab, vm: Vm, snapshot: Snapshot | None) -> None:
        """Ask the site, unless nobody would see the answer, or it is there already or on its way."""
        wanted = (self._subject, tab, self._age)
        if not self._details.display or self._answered == wanted:
            return
        if self._asked == wanted and self._reading and not self._reading.is_finished:
            return
        self._asked = wanted
        if not (self._answered and self._answered[1] is tab):
            self._details.say(tab, "Reading…")
        subject, age = self._subject, self._age

        async def ask() -> None:
            await self._ask(tab, vm, snapshot, subject, age)

        # The function and not its coroutine: one that is replaced before it began must not be left unawaited.
        self._reading = self._details.run_worker(ask, exclusive=True)

    async def _ask(self, tab: Tab, vm: Vm, snapshot: Snapshot | None, subject: Subject, age: int) -> None:
        await asyncio.sleep(_SETTLE)
        try:
            if tab is Tab.CHAIN:
                survey = await self._engine.survey(vm.ref.site, (vm.ref,))
                self._surveyed = (vm.ref, age, survey)
                if self._is_about(subject, tab):
                    self._show_chain(survey, vm, snapshot)
            elif tab is Tab.ADVICE:
                facts = await self._engine.facts(vm.ref)
                if self._is_about(subject, tab):
                    advice = facts.advice()
                    fields = detail_fields.method_fields(facts.methods()) + detail_fields.advice_fields(advice)
                    self._details.show(tab, fields, to_copy=detail_fields.commands_of(advice))
            else:
                text, language = await self._engine.source(vm.ref, snapshot.ref if snapshot else None)
                if self._is_about(subject, tab):
                    self._details.show_source(text, language)
        except VmsnapError as error:
            if self._is_about(subject, tab):
                self._details.say(tab, error.words, error.hint, style="error")
        if self._is_about(subject, tab):
            self._answered = (subject, tab, age)

    def _is_about(self, subject: Subject, tab: Tab) -> bool:
        return subject == self._subject and tab is self._details.tab
