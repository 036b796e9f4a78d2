"""restore --at: several vms back to one moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from vmsnap_tui.cli.agree import agree_to
from vmsnap_tui.cli.chosen import chosen_vms
from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.output import Cell, columns, emit, marked, note, painted, say
from vmsnap_tui.cli.plan_text import caution_lines, loss_lines, plan_shape
from vmsnap_tui.cli.session import engine_for, snapshots_of
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup
from vmsnap_tui.cli.stop import stoppable
from vmsnap_tui.cli.together import check_writable
from vmsnap_tui.engine import group, labs
from vmsnap_tui.model.moment import Side, is_group, picks_of, spread, wrong_clock
from vmsnap_tui.model.order import waves
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, when
from vmsnap_tui.present.losses import in_all
from vmsnap_tui.present.marks import mark
from vmsnap_tui.present.order import in_words
from vmsnap_tui.present.timeline import clock_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from vmsnap_tui.engine.group import Part


@click.command("restore", cls=Verb)
@click.argument("vms", nargs=-1, required=True, metavar="VM...")
@click.option("--at", "moment", required=True, metavar="TIME", help='"2026-03-02 14:00", "yesterday noon", "-3h".')
@click.option(
    "--side",
    type=click.Choice([side.value for side in Side]),
    default=Side.BEFORE.value,
    show_default=True,
    help="Which snapshot stands for it: the latest before, the first after, or the nearest.",
)
@click.option("--safety", is_flag=True, help="Take a snapshot of each vm's present state first.")
@click.option("--all-or-nothing", is_flag=True, help="Keep all present states, and go back to them if one vm fails.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("-y", "--yes", is_flag=True, help="Do it without asking.")
@json_option
@pass_setup
def restore_at(setup: Setup, /, **options: Any) -> int:  # noqa: ANN401  (click's)
    """Put vms back to one moment. VM is a name, "site/name", an id, or a pattern such as "student-*".

    Each vm goes back to its own snapshot that stands for the moment. One that has none, or that refuses, is named and
    left alone; a failure stops only its own vm.
    """
    return asyncio.run(_restore(setup, **options))


async def _restore(
    setup: Setup,
    *,
    vms: tuple[str, ...],
    moment: str,
    side: str,
    safety: bool,
    all_or_nothing: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    try:
        at = when.parse(moment, datetime.now(UTC))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from error
    async with engine_for(setup, acts=not dry_run) as engine:
        chosen = await chosen_vms(engine, vms)
        check_writable(engine, chosen, dry_run=dry_run)
        known = {vm.ref: await snapshots_of(engine, vm.ref) for vm in chosen}
        picks = picks_of([(vm, known[vm.ref]) for vm in chosen], at, Side(side))
        wrong = {ref: wrong_clock(snapshots, datetime.now(UTC)) for ref, snapshots in known.items()}
        parts = await group.planned(engine, picks, safety=safety and not all_or_nothing)
        if not as_json:
            order = in_words(waves([part.pick.vm for part in parts if part.plan], labs.ranks(engine)))
            _tell(at, parts, order, all_or_nothing=all_or_nothing)
            for vm in chosen:
                if names := [clean(each.name) for each in known[vm.ref] if each.id in wrong[vm.ref]]:
                    note(f"{clean(vm.name)}: {painted(clock_words(names), marks.CAUTION.style)}")
        able = [each for each in parts if each.can_run]
        stopped = False
        blocked = not able or (all_or_nothing and len(able) < len(parts))
        if not dry_run and not blocked:
            agree_to("restore", len(able), "vm", yes=yes)
            with stoppable(engine.jobs.cancel_all) as asked:
                parts = await group.restore(engine, parts, _tell_end, all_or_nothing=all_or_nothing, is_stopped=asked)
            stopped = asked()
    if as_json:
        emit(
            {
                "moment": at,
                "side": side,
                "spread": _seconds(spread(each.pick for each in parts)),
                "parts": [_shape(each, wrong[each.pick.vm.ref]) for each in parts],
            }
        )
    elif not dry_run and not blocked:
        done = sum(each.is_done for each in parts)
        say(f"{done} of {len(parts)} put back")
    if dry_run or blocked:
        return Exit.OK if len(able) == len(parts) else Exit.REFUSED
    return _exit_of(parts, stopped=stopped)


def _exit_of(parts: Sequence[Part], *, stopped: bool) -> int:
    if all(each.is_done for each in parts):
        return Exit.OK
    if stopped:
        return Exit.CANCELLED
    return Exit.FAILED if any(each.can_run and not each.is_done for each in parts) else Exit.REFUSED


def _tell(at: datetime, parts: Sequence[Part], order: str, *, all_or_nothing: bool) -> None:
    note(f"Back to {when.full(at)}")
    rows = []
    for part in parts:
        snapshot = part.pick.snapshot
        worth = marked(mark(snapshot.consistency)) if snapshot else Cell("")
        rows.append(
            [
                Cell(part.pick.vm.ref.site, "foreground-muted"),
                Cell(clean(part.pick.vm.name)),
                Cell(clean(snapshot.name) if snapshot else "–"),
                Cell(when.off(part.pick), "foreground-muted"),
                worth,
            ]
        )
    columns(rows, ["SITE", "VM", "SNAPSHOT", "OFF", "WORTH"])
    if len(parts) > 1 and is_group(part.pick for part in parts):
        note("They were taken together, as one moment.")
    elif len(parts) > 1 and (width := spread(part.pick for part in parts)) is not None:
        note(f"The oldest and the newest of these are {when.span(width)} apart.")
    if order:
        note(f"In order: {order}.")
    for part in parts:
        _tell_part(part)
    if lost := in_all(part.plan for part in parts if part.plan):
        note(f"Lost in all: {lost}.")
    if all_or_nothing and not all(part.can_run for part in parts):
        note("All or nothing: so nothing is done.")


def _tell_part(part: Part) -> None:
    name = clean(part.pick.vm.name)
    if part.problem:
        note(painted(f"{marks.REFUSED.glyph} {name}: {clean(part.problem)}", marks.REFUSED.style))
    if part.plan is None:
        return
    for line in (*loss_lines(part.plan), *caution_lines(part.plan)):
        note(f"{name}: {line}")
    for refusal in part.plan.refusals:
        instead = f"; instead: {clean(refusal.instead)}" if refusal.instead else ""
        words = f"{marks.REFUSED.text} [{refusal.code}]: {clean(refusal.why)}{instead}"
        note(f"{name}: {painted(words, marks.REFUSED.style)}")


def _tell_end(part: Part) -> None:
    shown = marks.READY if part.is_done else marks.REFUSED
    words = part.problem or (part.job.outcome if part.job else "")
    note(f"{painted(shown.glyph, shown.style)} {clean(part.pick.vm.name)}: {clean(words) or 'done'}")


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def _shape(part: Part, wrong: frozenset[str]) -> dict[str, Any]:
    snapshot, job = part.pick.snapshot, part.job
    return {
        "vm": part.pick.vm.ref,
        "vm_name": part.pick.vm.name,
        "snapshot": snapshot,
        "off": _seconds(part.pick.off),
        "wrong_clock": sorted(wrong),
        "plan": plan_shape(part.plan) if part.plan else None,
        "job": {"id": job.id, "state": job.state, "outcome": job.outcome, "error": job.error} if job else None,
        "problem": part.problem,
        "undone": part.undone,
        "done": part.is_done,
    }
