"""take --lab, take --together: a snapshot of several vms, as one moment where that is asked for."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from vmsnap_tui.cli.agree import go_on
from vmsnap_tui.cli.chosen import chosen_vms
from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.output import emit, note, painted
from vmsnap_tui.cli.plan_text import caution_lines
from vmsnap_tui.cli.session import engine_for
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup
from vmsnap_tui.cli.together import check_writable, exit_of, followed, named_lab
from vmsnap_tui.cli.verbs.prune import pruned
from vmsnap_tui.engine import taking
from vmsnap_tui.engine.alone import alone
from vmsnap_tui.model.errors import Cancelled
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.together import LIMIT
from vmsnap_tui.present import marks
from vmsnap_tui.present.marks import mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.engine.taking import Share
    from vmsnap_tui.model.retention import Policy
    from vmsnap_tui.model.vm import Vm


@click.command("take", cls=Verb)
@click.argument("vms", nargs=-1, metavar="[VM...]")
@click.option("--lab", "lab_name", default="", metavar="LAB", help="The vms of a lab.")
@click.option("--together", is_flag=True, help="As one moment: freeze all, cut all, thaw all.")
@click.option(
    "--limit",
    type=click.FloatRange(1, taking.LONGEST),
    default=LIMIT,
    show_default=True,
    metavar="SECONDS",
    help="With --together: after that all are thawed, and it is no one moment.",
)
@click.option("--name", default="", help="What the snapshots are called; date and time, where nothing is said.")
@click.option("--description", default="", help="What the snapshots are for.")
@click.option("--prune", "prunes", is_flag=True, help="Then delete what the lab's [labs.keep] does not keep.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do it without asking; for timers.")
@json_option
@pass_setup
def take_many(setup: Setup, /, **options: Any) -> int:  # noqa: ANN401  (click's)
    """Take a snapshot of each of several vms, side by side as the sites allow, or --together as one moment.

    VM is a name, "site/name", an id, or a pattern such as "web-*". A vm that fails is named, and the others go on. What
    is not taken, or --together but not as one moment, is not pruned either.
    """
    return asyncio.run(_take(setup, **options))


async def _take(
    setup: Setup,
    *,
    vms: tuple[str, ...],
    lab_name: str,
    together: bool,
    limit: float,
    name: str,
    description: str,
    prunes: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    policy = next((rule.keep for rule in setup.labs if rule.name == lab_name), None)
    if not vms and not lab_name:
        raise click.UsageError("Say of which vms, or of which --lab.")
    if prunes:
        _check_prune(policy, may_ask=yes or dry_run or sys.stdin.isatty())
    async with engine_for(setup, acts=not dry_run) as engine:
        meant = {vm.ref: vm for vm in await chosen_vms(engine, vms)}
        if lab_name:
            meant |= {seat.vm.ref: seat.vm for seat in (await named_lab(engine, lab_name)).seats}
        check_writable(engine, meant.values(), dry_run=dry_run)
        shares = await _planned(engine, list(meant.values()), name, description, together=together)
        if not as_json:
            _tell(shares, together=together)
        if dry_run:
            if as_json:
                emit({"vms": [_planned_shape(share) for share in shares]})
            return Exit.OK if all(share.can_run for share in shares) else Exit.REFUSED
        go_on(yes=yes or not any(share.can_run for share in shares))
        with alone("lab", engine.state):
            job = taking.begin(engine, f"Snapshot of {lab_name or f'{len(shares)} VMs'}", shares, limit=limit)
            ended = await followed(engine, job, as_json=as_json)
        if as_json:
            emit({"lab": lab_name, "vms": _shape(ended), "group": ended.group, "outcome": ended.outcome})
        code = exit_of(ended, [share.vm.ref for share in shares if not share.can_run])
        if ended.group and not ended.group.is_one_moment:
            code = Exit.FAILED
        if prunes and policy is not None:
            worst = await _prune(engine, ended, policy, yes=yes, as_json=as_json)
            code = code if code != Exit.OK else worst
        return code


def _check_prune(policy: Policy | None, *, may_ask: bool) -> None:
    """Before anything is taken. Raises UsageError, Cancelled."""
    if policy is None or not policy.keeps_any:
        raise click.UsageError("Say in the config file what is kept of the --lab ([labs.keep]): else all would go.")
    if not may_ask:
        raise Cancelled("--prune deletes snapshots, and there is no terminal to ask on", "confirm with --yes")


async def _planned(
    engine: Engine, vms: Sequence[Vm], name: str, description: str, *, together: bool
) -> tuple[Share, ...]:
    known = await taking.read(engine, vms)
    name = name or taking.fresh_title(known, datetime.now().astimezone())
    return taking.planned(known, name, description, group=taking.fresh_id() if together else "")


async def _prune(engine: Engine, ended: GroupJob, policy: Policy, *, yes: bool, as_json: bool) -> int:
    if ended.group and not ended.group.is_one_moment:
        note("What was taken is not one moment: nothing is pruned, since older ones may be.")
        return Exit.OK
    undone = set(ended.undone)
    vms = [vm for each in ended.members if each.vm not in undone and (vm := engine.store.vm(each.vm))]
    return await pruned(engine, vms, policy, dry_run=False, yes=yes, as_json=as_json)


def _tell(shares: Sequence[Share], *, together: bool) -> None:
    for share in shares:
        name = clean(share.vm.name)
        if not share.can_run or share.plan is None:
            note(painted(f"{marks.REFUSED.glyph} {name}: {clean(share.why_not)}", marks.REFUSED.style))
            continue
        worth = mark(share.plan.consistency) if share.plan.consistency else None
        freezes = ", frozen" if together and share.freezes else ""
        note(f"{name}: {painted(worth.text, worth.style) if worth else ''}{freezes}")
        for line in caution_lines(share.plan):
            note(f"  {line}")
    for doubt in taking.doubts([share for share in shares if share.can_run]) if together else ():
        note(painted(f"{marks.CAUTION.glyph} {clean(doubt)}", marks.CAUTION.style))


def _planned_shape(share: Share) -> dict[str, Any]:
    plan = share.plan
    return {
        "vm": share.vm.ref,
        "vm_name": share.vm.name,
        "possible": share.can_run,
        "why_not": share.why_not,
        "freezes": share.freezes,
        "consistency": plan.consistency if plan else None,
    }


def _shape(job: GroupJob) -> list[dict[str, Any]]:
    return [
        {"vm": member.vm, "vm_name": member.name, "done": member.vm not in job.undone, "words": member.words}
        for member in job.members
    ]
