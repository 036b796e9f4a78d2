"""lab: sets of vms that are put back to their baselines together."""

from __future__ import annotations

import asyncio
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from vmsnap_tui.cli.agree import agree_to
from vmsnap_tui.cli.chosen import chosen_vms
from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.output import Cell, columns, emit, marked, note, painted
from vmsnap_tui.cli.plan_text import plan_shape
from vmsnap_tui.cli.session import engine_for
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup
from vmsnap_tui.cli.together import check_writable, exit_of, followed, known_labs, member_shapes, named_lab, times
from vmsnap_tui.engine import labs
from vmsnap_tui.engine.alone import alone
from vmsnap_tui.engine.drift import drift
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.errors import Missing
from vmsnap_tui.model.lab import bad_name
from vmsnap_tui.model.order import waves
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.losses import in_all
from vmsnap_tui.present.marks import mark
from vmsnap_tui.present.order import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.model.lab import Lab, Seat
    from vmsnap_tui.model.vm import VmRef

_yes = click.option("-y", "--yes", is_flag=True, help="Do it without asking; for timers.")
_name = click.argument("name")


@click.group()
def lab() -> None:
    """Labs: named sets of vms and the baseline that they are put back to.

    A lab stands in the config file ([[labs]]), or on the platforms, where `vmsnap lab baseline NAME VM…` makes one.
    """


@lab.command("list", cls=Verb)
@json_option
@pass_setup
def list_labs(setup: Setup, *, as_json: bool) -> int:
    """All labs, how many vms each has, and how many stand elsewhere than at their baseline."""
    return asyncio.run(_list(setup, as_json=as_json))


async def _list(setup: Setup, *, as_json: bool) -> int:
    async with engine_for(setup) as engine:
        known = await known_labs(engine)
    if as_json:
        emit({"labs": [{"lab": each.name, "vms": len(each.seats), **_counts(each)} for each in known]})
        return Exit.OK
    rows = [
        [
            Cell(clean(each.name)),
            Cell(str(len(each.seats)), right=True),
            *(Cell(str(count), right=True) for count in _counts(each).values()),
        ]
        for each in known
    ]
    columns(rows, ["LAB", "VMS", "RUNNING", "ELSEWHERE", "NO BASELINE"])
    if not known:
        note("There are no labs. Make one: vmsnap lab baseline NAME VM…")
    return Exit.OK


def _counts(each: Lab) -> dict[str, int]:
    return {
        "running": sum(seat.vm.state.is_active for seat in each.seats),
        "elsewhere": sum(seat.is_off_baseline for seat in each.seats),
        "no_baseline": sum(seat.baseline is None for seat in each.seats),
    }


@lab.command("status", cls=Verb)
@_name
@json_option
@pass_setup
def status(setup: Setup, *, name: str, as_json: bool) -> int:
    """The vms of a lab: state, where each stands, its baseline, since when it drifts, and how much that is at most."""
    return asyncio.run(_status(setup, name, as_json=as_json))


async def _status(setup: Setup, name: str, *, as_json: bool) -> int:
    async with engine_for(setup) as engine:
        found = await named_lab(engine, name)
        written = await drift(engine, found.seats)
    if as_json:
        emit({"lab": found.name, "vms": [_seat_shape(seat, written) for seat in found.seats], "unmet": found.unmet})
        return Exit.OK
    now = datetime.now(UTC)
    columns(
        [
            [
                Cell(seat.vm.ref.site, "foreground-muted"),
                Cell(clean(seat.vm.name)),
                marked(mark(seat.vm.state)),
                marked(mark(seat.vm.agent)),
                Cell(clean(seat.here.name) if seat.here else "–", "warning" if seat.is_off_baseline else ""),
                Cell(clean(seat.baseline.name) if seat.baseline else "–", "" if seat.baseline else "warning"),
                Cell(sizes.age(seat.baseline.created, now) if seat.baseline else "", "foreground-muted", right=True),
                Cell(sizes.age(seat.left, now) if seat.left else "", right=True),
                Cell(sizes.size(written.get(seat.vm.ref)), right=True),
            ]
            for seat in found.seats
        ],
        ["SITE", "VM", "STATE", "AGENT", "AT", "BASELINE", "AGE", "DRIFTS FOR", "WRITTEN"],
    )
    return Exit.OK


def _head(seat: Seat) -> dict[str, Any]:
    return {
        "vm": seat.vm.ref,
        "vm_name": seat.vm.name,
        "state": seat.vm.state,
        "agent": seat.vm.agent,
        "at": seat.here.id if seat.here else None,
        "baseline": seat.baseline,
        "elsewhere": seat.is_off_baseline,
    }


def _seat_shape(seat: Seat, written: Mapping[VmRef, int]) -> dict[str, Any]:
    return _head(seat) | {
        "left": seat.left,
        "written": written.get(seat.vm.ref),
    }


@lab.command("reset", cls=Verb)
@_name
@click.argument("vms", nargs=-1, metavar="[VM...]")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@_yes
@json_option
@pass_setup
def reset(setup: Setup, *, name: str, vms: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool) -> int:
    """Put the vms of a lab (or only some) back to their baselines, start them, and wait until they are up."""
    return asyncio.run(_reset(setup, name, vms, dry_run=dry_run, yes=yes, as_json=as_json))


async def _reset(setup: Setup, name: str, vms: Sequence[str], *, dry_run: bool, yes: bool, as_json: bool) -> int:
    job: GroupJob | None = None
    took: dict[VmRef, float] = {}
    async with engine_for(setup, acts=not dry_run) as engine:
        seats = await _chosen(engine, await named_lab(engine, name), vms)
        check_writable(engine, [seat.vm for seat in seats], dry_run=dry_run)
        with alone("lab", engine.state):
            plans = await labs.planned(engine, seats)
            able = sum(each.can_run for each in plans)
            if not as_json:
                _tell_plans(plans)
                if order := in_words(waves([seat.vm for seat in seats], labs.rank_in(engine, name))):
                    note(f"In order: {order}.")
            if able and not dry_run:
                agree_to("reset", able, "vm", yes=yes)
                job = await followed(engine, labs.reset(engine, name, plans), as_json=as_json)
                took = times(engine, job)
    if as_json:
        shapes = [_plan_shape(each, job, took) for each in plans]
        emit({"lab": name, "vms": shapes, "outcome": job.outcome if job else ""})
    if job is not None:
        if job.undone and not as_json:
            again = [member.name for member in job.members if member.vm in job.undone]
            note(f"Those again: {shlex.join(['vmsnap', 'lab', 'reset', name, *again])}")
        return exit_of(job, [each.seat.vm.ref for each in plans if not each.can_run])
    return Exit.OK if able == len(plans) else Exit.REFUSED


async def _chosen(engine: Engine, found: Lab, vms: Sequence[str]) -> tuple[Seat, ...]:
    if not vms:
        return found.seats
    wanted = {vm.ref: vm for vm in await chosen_vms(engine, vms)}
    strangers = sorted(vm.name for ref, vm in wanted.items() if ref not in {seat.vm.ref for seat in found.seats})
    if strangers:
        see = shlex.join(["vmsnap", "lab", "status", found.name])
        raise Missing(
            f"{', '.join(strangers)} {'is' if len(strangers) == 1 else 'are'} not in the lab {found.name}",
            f"see: {see}",
        )
    return tuple(seat for seat in found.seats if seat.vm.ref in wanted)


def _tell_plans(plans: Sequence[labs.SeatPlan]) -> None:
    for each in plans:
        vm, target = clean(each.seat.vm.name), each.seat.baseline
        if each.why_not:
            note(painted(f"{marks.REFUSED.glyph} {vm}: {clean(each.why_not)}", marks.REFUSED.style))
        elif target:
            note(f"{marks.READY.glyph} {vm}: back to {clean(target.name)}, {target.consistency.value}")
    if lost := in_all(each.plan for each in plans if each.plan):
        note(f"Lost in all: {lost}.")


def _plan_shape(each: labs.SeatPlan, job: GroupJob | None, took: Mapping[VmRef, float]) -> dict[str, Any]:
    member = next((member for member in job.members if member.vm == each.seat.vm.ref), None) if job else None
    seat = each.seat
    return _head(seat) | {
        "plan": plan_shape(each.plan) if each.plan else None,
        "problem": each.why_not or (member.words if member and member.state is not JobState.DONE else ""),
        "done": bool(member and member.state is JobState.DONE),
        "took": took.get(seat.vm.ref),
    }


@lab.command("baseline", cls=Verb)
@_name
@click.argument("vms", nargs=-1, metavar="[VM...]")
@_yes
@json_option
@pass_setup
def baseline(setup: Setup, *, name: str, vms: tuple[str, ...], yes: bool, as_json: bool) -> int:
    """Take a new baseline of a lab's vms. With VM… of these: so a lab is made, or grows."""
    return asyncio.run(_baseline(setup, name, vms, yes=yes, as_json=as_json))


async def _baseline(setup: Setup, name: str, vms: Sequence[str], *, yes: bool, as_json: bool) -> int:
    if why := bad_name(name):  # before anything is taken
        raise click.BadParameter(why, param_hint="NAME")
    async with engine_for(setup, acts=True) as engine:
        labs_now = {each.name: each for each in await known_labs(engine)}
        known = {seat.vm.ref: seat for seat in labs_now[name].seats} if name in labs_now else {}
        if not vms and not known:
            what = f"the lab {name} has no vms" if name in labs_now else f"there is no lab {name}"
            raise Missing(what, f"make it: vmsnap lab baseline {shlex.quote(name)} VM…")
        chosen = await chosen_vms(engine, vms) if vms else [seat.vm for seat in known.values()]
        check_writable(engine, chosen)
        agree_to("baseline", len(chosen), "vm", yes=yes)
        with alone("lab", engine.state):
            pairs = [(vm, known[vm.ref].baseline if vm.ref in known else None) for vm in chosen]
            return await _done(engine, name, labs.baseline(engine, name, pairs), as_json=as_json)


async def _done(engine: Engine, name: str, begun: GroupJob, *, as_json: bool) -> int:
    job = await followed(engine, begun, as_json=as_json)
    if as_json:
        emit({"lab": name, "vms": member_shapes(engine, job), "outcome": job.outcome})
    return exit_of(job)


def _simple(verb: str, words: str, begin: Callable[[Engine, str, Sequence[Seat]], GroupJob]) -> None:
    """A verb that does the same to every vm of a lab."""

    @lab.command(verb, cls=Verb, help=words)
    @_name
    @_yes
    @json_option
    @pass_setup
    def command(setup: Setup, *, name: str, yes: bool, as_json: bool) -> int:
        return asyncio.run(run(setup, name, yes=yes, as_json=as_json))

    async def run(setup: Setup, name: str, *, yes: bool, as_json: bool) -> int:
        async with engine_for(setup, acts=True) as engine:
            found = await named_lab(engine, name)
            check_writable(engine, [seat.vm for seat in found.seats])
            agree_to(verb, len(found.seats), "vm", yes=yes)
            with alone("lab", engine.state):
                return await _done(engine, name, begin(engine, name, found.seats), as_json=as_json)


_simple("start", "Start the vms of a lab.", lambda *its: labs.power(*its, on=True))
_simple("stop", "Have the guests of a lab shut down.", lambda *its: labs.power(*its, on=False))
_simple("protect", "Protect the baselines of a lab.", lambda *its: labs.protect(*its, on=True))
_simple("unprotect", "Take the protection of a lab's baselines away.", lambda *its: labs.protect(*its, on=False))
