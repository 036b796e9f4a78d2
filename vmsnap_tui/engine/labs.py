"""What is done with a lab: put back to its baseline and up again, a new baseline, started, shut down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from vmsnap_tui.engine.ask import NOT_BEGUN, Planned, asked, done, why_not_done
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.lab import labs_of
from vmsnap_tui.model.naming import fresh_snapshot_name
from vmsnap_tui.model.order import waves
from vmsnap_tui.model.plan import After, Edit, Power, Restore, Take
from vmsnap_tui.model.settings import OLD_VOLUMES, REMOVE
from vmsnap_tui.model.vm import AgentState, VmState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import Course, GroupJob
    from vmsnap_tui.model.lab import Lab, LabRule, Seat
    from vmsnap_tui.model.plan import Facts, Plan, Request, WayBack
    from vmsnap_tui.model.settings import Settings
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm

T = TypeVar("T")

UP = 180.0
"""Seconds that a guest has to come up."""
_FIRST, _LONGEST = 0.2, 2.0  # seconds between two looks at one that comes up: it starts quick and calms down


@dataclass(frozen=True, slots=True)
class SeatPlan(Planned):
    """What a reset comes to for one vm. `problem` says why there is no plan."""

    seat: Seat
    plan: Plan | None = None
    problem: str = ""


def rank_in(engine: Engine, name: str) -> Callable[[Vm], int]:
    """Who comes up before whom in a lab. Without a word of it in the config file all come up together."""
    rule = next((rule for rule in engine.lab_rules if rule.name == name), None)
    return rule.rank if rule else lambda _: 0


def ranks(engine: Engine) -> Callable[[Vm], int]:
    """The same over all labs: by the first one that says something of the vm."""
    rules = [rule for rule in engine.lab_rules if rule.order]

    def rank(vm: Vm) -> int:
        return next((rule.rank(vm) for rule in rules if rule.has(vm)), 0)

    return rank


def unseen(engine: Engine) -> tuple[str, ...]:
    """The sites that do not answer now: vms of a lab may be there, and nobody sees them."""
    return tuple(name for name, view in engine.store.sites.items() if view.is_troubled)


def all_labs(engine: Engine, rules: Sequence[LabRule]) -> tuple[Lab, ...]:
    """All labs, as far as the store knows them."""
    store = engine.store
    vms = [vm for site in store.sites for vm in store.vms(site)]
    return labs_of(rules, vms, lambda vm: store.snapshots(vm.ref))


async def planned(engine: Engine, seats: Sequence[Seat]) -> tuple[SeatPlan, ...]:
    """What a reset would do to each, on fresh facts."""
    return tuple(await asyncio.gather(*(_planned(engine, seat) for seat in seats)))


async def _planned(engine: Engine, seat: Seat) -> SeatPlan:
    if seat.baseline is None:
        return SeatPlan(seat, problem="it has no baseline yet: take one first")
    try:
        facts = await engine.facts(seat.vm.ref)
    except VmsnapError as error:
        return SeatPlan(seat, problem=str(error))
    ways = facts.ways_back(seat.baseline.ref)
    way = next((each for each in ways if each.recommended), None)
    if way is not None and way.beside:  # it would stay as it is, and another one come up at each reset
        why = next((each.refusals[0].why for each in ways if not each.beside and each.refusals), "it stays as it is")
        return SeatPlan(seat, problem=f"its baseline only makes another vm ({way.label}): {why}")
    plan = facts.plan(Restore(seat.baseline.ref, After.RUNNING, settings=_nothing_left(way)))
    if plan.refusals:  # who may not remove them can have them stay
        plain = facts.plan(Restore(seat.baseline.ref, After.RUNNING))
        plan = plan if plain.refusals else plain
    return SeatPlan(seat, plan)


def _nothing_left(way: WayBack | None) -> Settings:
    """Where new volumes are put in the place of those of now, these go in the end: a lab is reset again and again.

    What other restores left stays. Somebody may have kept it to look into it.
    """
    offered = {setting.id for setting in way.settings} if way else set()
    return ((OLD_VOLUMES, REMOVE),) if OLD_VOLUMES in offered else ()


def reset(engine: Engine, name: str, plans: Sequence[SeatPlan], *, patience: float = UP) -> GroupJob:
    """Put back to the baseline, started, seen to be up and where it should be. A failure stops only its own vm."""

    async def one(each: SeatPlan, course: Course) -> str:
        if each.plan is None or not each.can_run:
            raise _NotDoneError(each.why_not)
        if why := why_not_done(await done(engine, each.plan, course.is_stopped)):
            raise _NotDoneError(why)
        course.tell(each.seat.vm.ref, JobState.RUNNING, "coming up")
        return await _up(engine, each.seat, patience)

    rank = rank_in(engine, name)
    in_order = waves([(each.seat.vm, each) for each in plans], lambda each: rank(each[0]))
    return _together(engine, f"Reset {name}", in_order, one, "clean")


async def _up(engine: Engine, seat: Seat, patience: float) -> str:
    """Wait until the guest agent says that it is up, or without one the platform. Verified: it is at its baseline."""
    loop, ref = asyncio.get_running_loop(), seat.vm.ref
    end, pause = loop.time() + patience, _FIRST
    while True:
        await engine.reload(ref)
        if problem := engine.store.problem(ref):
            raise problem
        vm = engine.store.vm(ref)
        if vm is None:
            raise _NotDoneError("it is gone")
        at = next((each for each in engine.store.snapshots(ref) or () if each.current), None)
        if seat.baseline and at is not None and at.id != seat.baseline.id:
            raise _NotDoneError(f"it stands at {at.name}, not at its baseline")
        if vm.state is VmState.RUNNING and (not _has_agent(seat.vm) or vm.agent is AgentState.CONNECTED):
            return "clean, agent answers" if vm.agent is AgentState.CONNECTED else "clean, running"
        if loop.time() > end:
            raise _NotDoneError(_why_not_up(vm, patience))
        await asyncio.sleep(pause)
        pause = min(_LONGEST, pause * 1.5)


def _has_agent(before: Vm) -> bool:
    """Whether an agent can be expected: it answered before, or the vm was off and has a channel for one."""
    channel = before.state is VmState.OFF and before.agent is AgentState.DISCONNECTED
    return channel or before.agent is AgentState.CONNECTED


def _why_not_up(vm: Vm, patience: float) -> str:
    if vm.state is VmState.RUNNING:
        return f"it runs, but its guest agent has not answered within {patience:.0f} s"
    return f"it is {vm.state.value} and has not come up within {patience:.0f} s"


async def baseline_planned(engine: Engine, name: str, vms: Sequence[Vm]) -> tuple[Plan | str, ...]:
    """What taking a new baseline of each would do, on fresh facts; or why nobody can tell."""

    async def one(vm: Vm) -> Plan | str:
        try:
            facts = await engine.facts(vm.ref)
        except VmsnapError as error:
            return str(error)
        return facts.plan(_new_baseline(facts, name))

    return tuple(await asyncio.gather(*(one(vm) for vm in vms)))


def _new_baseline(facts: Facts, name: str) -> Take:
    now = datetime.now().astimezone()
    title = fresh_snapshot_name(now, facts.snapshots, prefix="baseline-", called=facts.called)
    return Take(facts.vm.ref, title, f"baseline of {name}")


def baseline(engine: Engine, name: str, vms: Sequence[tuple[Vm, Snapshot | None]]) -> GroupJob:
    """Take a new baseline of each, mark and protect it, and let go of the one before (None where there is none)."""

    async def one(each: tuple[Vm, Snapshot | None], course: Course) -> str:
        vm, old = each
        facts = await engine.facts(vm.ref)
        request = _new_baseline(facts, name)
        await _ask(engine, request)
        fresh = await engine.facts(vm.ref)
        made = next((each for each in fresh.snapshots if each.name == request.name), None)
        if made is None:
            raise _NotDoneError("the new snapshot is not to be found")
        course.tell(vm.ref, JobState.RUNNING, "marking it")
        await _ask(engine, Edit(made.ref, protected=True, baseline=name))
        if old is not None and old.baseline == name:
            # Protected it was as a baseline; what it is now, anybody may prune.
            await _ask(engine, Edit(old.ref, protected=False if old.protected else None, baseline=""))
        return f"at {made.name}, {made.consistency.value}"

    return _together(engine, f"New baseline of {name}", [[(pair[0], pair) for pair in vms]], one, "have it")


def power(engine: Engine, name: str, seats: Sequence[Seat], *, on: bool) -> GroupJob:
    """Start all, or have their guests shut down; one that is so already is left alone."""

    async def one(seat: Seat, _course: Course) -> str:
        plan = await engine.plan(Power(seat.vm.ref, on))
        if idle := _idle(plan):
            return idle
        await _ask(engine, plan.request)
        return "running" if on else "off"

    verb = "Start" if on else "Shut down"
    rank = rank_in(engine, name)
    # What others depend on comes up first and goes down last.
    in_order = waves([(seat.vm, seat) for seat in seats], lambda each: rank(each[0]), last_first=not on)
    return _together(engine, f"{verb} {name}", in_order, one, "running" if on else "off")


def protect(engine: Engine, name: str, seats: Sequence[Seat], *, on: bool) -> GroupJob:
    """Protect all baselines, or take that away. One that a rule only names is marked with it."""

    async def one(seat: Seat, _course: Course) -> str:
        if seat.baseline is None:
            raise _NotDoneError("it has no baseline yet: take one first")
        plan = await engine.plan(Edit(seat.baseline.ref, protected=on, baseline=name))
        if idle := _idle(plan):
            return idle
        await _ask(engine, plan.request)
        return "protected" if on else "not protected"

    verb = "Protect" if on else "Unprotect"
    words = "protected" if on else "not protected"
    return _together(engine, f"{verb} the baselines of {name}", [[(seat.vm, seat) for seat in seats]], one, words)


def _idle(plan: Plan) -> str:
    """Why there is nothing to do, whatever else would stand in the way."""
    return next((refusal.why for refusal in plan.refusals if refusal.code == "nothing-to-do"), "")


class _NotDoneError(Exception):
    """Why one vm is not where it should be."""


async def _ask(engine: Engine, request: Request) -> None:
    if why := await asked(engine, request):
        raise _NotDoneError(why)


def _together(
    engine: Engine,
    title: str,
    in_order: Sequence[Sequence[tuple[Vm, T]]],
    one: Callable[[T, Course], Awaitable[str]],
    words: str,
) -> GroupJob:
    """A group job in which each vm does the same, by itself, one wave after the other."""

    async def work(course: Course) -> str:
        async def alone(vm: Vm, thing: T) -> bool:
            if course.is_stopped():
                course.tell(vm.ref, JobState.CANCELLED, NOT_BEGUN)
                return False
            try:
                said = await one(thing, course)
            except (_NotDoneError, VmsnapError) as error:
                course.tell(vm.ref, JobState.CANCELLED if course.is_stopped() else JobState.FAILED, str(error))
                return False
            course.tell(vm.ref, JobState.DONE, said)
            return True

        ended: list[bool] = []
        for wave in in_order:
            ended += await asyncio.gather(*(alone(vm, thing) for vm, thing in wave))
        return f"{sum(ended)} of {len(ended)} {words}"

    return engine.groups.start(title, [vm for wave in in_order for vm, _ in wave], work)
