"""A group snapshot: several vms, on whatever sites, as one moment."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from vmsnap_tui.engine.ask import NOT_BEGUN, Planned, done, why_not_done
from vmsnap_tui.engine.guard import Guard
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.engine.rendezvous import Rendezvous
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.naming import fresh_name
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.together import LIMIT, Group
from vmsnap_tui.model.vm import PlatformKind, VmState

if TYPE_CHECKING:
    from datetime import datetime

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import Course, GroupJob
    from vmsnap_tui.engine.rendezvous import Place
    from vmsnap_tui.model.plan import Facts, Plan
    from vmsnap_tui.model.vm import Vm


LONGEST = 600.0
"""Seconds that anybody may ask guests to stand frozen."""
Known = Sequence[tuple["Vm", "Facts | str"]]
"""Vms with fresh facts, or why there are none."""


@dataclass(frozen=True, slots=True)
class Share(Planned):
    """One vm's part of a group snapshot: its plan, or why there is none."""

    vm: Vm
    plan: Plan | None = None
    problem: str = ""

    @property
    def group(self) -> str:
        """The group snapshot that it is a part of, "" for none."""
        request = self.plan.request if self.plan else None
        return request.group if isinstance(request, Take) else ""

    @property
    def freezes(self) -> bool:
        """Whether its guest will stand frozen."""
        return self.plan is not None and any(step.freezes for step in self.plan.steps)


@dataclass(frozen=True, slots=True)
class Meant:
    """A group snapshot to be taken: its id, and for how many seconds guests may stand frozen."""

    group: str
    limit: float


def fresh_id() -> str:
    """The id of a group snapshot that is not there yet."""
    return secrets.token_hex(6)


async def read(engine: Engine, vms: Sequence[Vm]) -> Known:
    """Fresh facts of each, to plan on as often as need be; or why there are none."""

    async def one(vm: Vm) -> tuple[Vm, Facts | str]:
        try:
            return vm, await engine.facts(vm.ref)
        except VmsnapError as error:
            return vm, str(error)

    return tuple(await asyncio.gather(*map(one, vms)))


def fresh_title(known: Known, now: datetime) -> str:
    """A name by date and time that none of these vms has a snapshot of."""
    taken = {
        (vm.ref, text)
        for vm, facts in known
        if not isinstance(facts, str)
        for each in facts.snapshots
        for text in (each.id, each.name)
    }

    def is_free(name: str) -> bool:
        return not any((vm.ref, facts.called(name)) in taken for vm, facts in known if not isinstance(facts, str))

    name = fresh_name(now, ())
    numbers = (f"{name}-{number}" for number in count(2))
    return name if is_free(name) else next(filter(is_free, numbers))


def planned(known: Known, name: str, description: str = "", *, group: str) -> tuple[Share, ...]:
    """The plan of each. Pure. `group` is "" where each is taken by itself."""
    return tuple(
        Share(vm, problem=facts)
        if isinstance(facts, str)
        else Share(facts.vm, facts.plan(Take(vm.ref, facts.called(name), description, group=group)))
        for vm, facts in known
    )


def doubts(shares: Sequence[Share]) -> tuple[str, ...]:
    """What keeps these from being one moment, as far as that is known before."""
    loose = [share for share in shares if share.vm.state is VmState.RUNNING and not share.freezes]
    if len(loose) < 2:
        return ()
    names = ", ".join(share.vm.name for share in loose)
    return (f"{names} cannot be frozen by us and are cut at slightly different instants: it will not be one moment.",)


def begin(engine: Engine, title: str, shares: Sequence[Share], *, limit: float = LIMIT) -> GroupJob:
    """Take it, as one moment where the plans are those of a group, else each by itself.

    Those that cannot be taken are named and left out; one that fails is left out as well.
    """

    async def work(course: Course) -> str:
        for share in shares:
            if not share.can_run:
                course.tell(share.vm.ref, JobState.FAILED, share.why_not)
        able = [share for share in shares if share.can_run]
        group = next((share.group for share in able), "")
        if group:
            async with engine.groups.turn(share.vm.ref for share in able):
                return await _together(engine, able, len(shares), Meant(group, limit), course)
        taken = await asyncio.gather(*(_one(engine, share, None, course) for share in able))
        return f"{sum(taken)} of {len(shares)} taken"

    return engine.groups.start(title, [share.vm for share in shares], work)


async def _together(engine: Engine, shares: Sequence[Share], of: int, meant: Meant, course: Course) -> str:
    guard = _guard(engine, shares, meant.limit)
    meeting = Rendezvous(meant.group, len(shares), meant.limit, guard.go if guard else lambda: None)
    if guard is not None:
        try:
            await guard.ready()
        except VmsnapError as error:
            await guard.over()
            for share in shares:
                course.tell(share.vm.ref, JobState.FAILED, error.words)
            return str(error)
    taken = await asyncio.gather(*(_one(engine, share, meeting.gate(), course) for share in shares))
    # Not where this is broken off, because the program ends: then the watchdog sees to those that are still frozen.
    if guard is not None:
        await guard.over(sure=not any(_may_be_frozen(engine, share) for share in shares))
    course.group = Group(meant.group, meeting.window)
    return _outcome(sum(taken), of, meeting.window)


def _may_be_frozen(engine: Engine, share: Share) -> bool:
    freeze = engine.store.freeze(share.vm.ref)
    return share.freezes and freeze is not None and freeze.state.may_be_frozen


def _guard(engine: Engine, shares: Sequence[Share], limit: float) -> Guard | None:
    """A watchdog for those that will be frozen. The demo's guests are nowhere but in this very process."""
    sites = engine.store.sites
    vms = [
        share.vm.ref
        for share in shares
        if share.freezes and sites[share.vm.ref.site].site.kind is not PlatformKind.DEMO
    ]
    names = sorted({vm.site for vm in vms})
    return Guard([sites[name].site for name in names], vms, limit) if vms else None


async def _one(engine: Engine, share: Share, gate: Place | None, course: Course) -> bool:
    vm = share.vm.ref
    ended = NOT_BEGUN if share.plan is None else await done(engine, share.plan, course.is_stopped, gate)
    if isinstance(ended, str):
        if gate:
            gate.leave()
        course.tell(vm, JobState.CANCELLED if ended == NOT_BEGUN else JobState.FAILED, ended)
        return False
    if why := why_not_done(ended):
        course.tell(vm, JobState.CANCELLED if ended.state is JobState.CANCELLED else JobState.FAILED, why)
        return False
    course.tell(vm, JobState.DONE, ended.outcome)
    return True


def _outcome(taken: int, of: int, window: float | None) -> str:
    head = f"{taken} of {of} taken"
    if not taken:
        return head
    if window is None:
        return f"{head}, not at one moment: together they are worth no more than after a power cut (crash)"
    return f"{head} as one moment; guests stood still for {window:.2f} s at the most"
