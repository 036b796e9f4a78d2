"""prune: delete the snapshots that nobody wants to keep."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from vmsnap_tui.cli.agree import agree_to
from vmsnap_tui.cli.chosen import chosen_vms
from vmsnap_tui.cli.exits import Exit, code_of
from vmsnap_tui.cli.output import Cell, columns, emit, note, painted, say
from vmsnap_tui.cli.session import engine_for
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup
from vmsnap_tui.cli.stop import stoppable
from vmsnap_tui.cli.together import check_writable, named_lab
from vmsnap_tui.engine import prune
from vmsnap_tui.engine.alone import alone
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.reclaim import reclaim
from vmsnap_tui.model.retention import Policy
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks
from vmsnap_tui.present.reclaim import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.prune import Pruned, Pruning
    from vmsnap_tui.model.vm import Vm, VmRef

_COUNT = click.IntRange(min=0)


@click.command("prune", cls=Verb)
@click.argument("vms", nargs=-1, metavar="[VM...]")
@click.option(
    "--lab", default="", metavar="NAME", help="The vms of a lab; by its [labs.keep], where nothing is said here."
)
@click.option("--keep-last", "last", type=_COUNT, default=0, metavar="N", help="The newest ones.")
@click.option("--hourly", type=_COUNT, default=0, metavar="N", help="The newest of each of so many hours.")
@click.option("--daily", type=_COUNT, default=0, metavar="N", help="… days.")
@click.option("--weekly", type=_COUNT, default=0, metavar="N", help="… weeks, which begin on Mondays.")
@click.option("--monthly", type=_COUNT, default=0, metavar="N", help="… months.")
@click.option("--yearly", type=_COUNT, default=0, metavar="N", help="… years.")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@click.option("-y", "--yes", is_flag=True, help="Do it without asking; for timers.")
@json_option
@pass_setup
def prune_verb(
    setup: Setup, /, *, dry_run: bool, yes: bool, as_json: bool, lab: str, vms: tuple[str, ...], **kept: int
) -> int:
    """Delete the snapshots of vms that are not kept. VM is a name, "site/name", an id, or a pattern such as "web-*".

    Periods without any snapshot do not count. Protected snapshots stay, the baselines of labs, those that other vms
    were started from, and those that are not ready. One that cannot go alone stays too, and is named (exit code 3). A
    vm that cannot be read is named, and the others go on.
    """
    policy = Policy(**kept)
    if not policy.keeps_any and lab:
        policy = next((rule.keep for rule in setup.labs if rule.name == lab), policy)
    if not policy.keeps_any:
        config = " (or, of a --lab, in the config file: [labs.keep])" if lab else ""
        raise click.UsageError(f"Say what is kept, such as --keep-last 3 --daily 7{config}: else all would go.")
    if not vms and not lab:
        raise click.UsageError("Say of which vms, or of which --lab.")
    return asyncio.run(_prune(setup, vms, lab, policy, dry_run=dry_run, yes=yes, as_json=as_json))


async def _prune(
    setup: Setup, names: Sequence[str], lab: str, policy: Policy, *, dry_run: bool, yes: bool, as_json: bool
) -> int:
    async with engine_for(setup, acts=not dry_run) as engine:
        found = {vm.ref: vm for vm in await chosen_vms(engine, names)}
        if lab:
            found |= {seat.vm.ref: seat.vm for seat in (await named_lab(engine, lab)).seats}
        check_writable(engine, found.values(), dry_run=dry_run)
        return await pruned(engine, list(found.values()), policy, dry_run=dry_run, yes=yes, as_json=as_json)


async def pruned(engine: Engine, vms: Sequence[Vm], policy: Policy, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Plan, ask, delete, and tell. The exit code."""
    ended: list[Pruned] = []
    prunings: list[Pruning] = []
    unread: dict[VmRef, VmsnapError] = {}
    stopped = False
    with alone("prune", engine.state):
        for vm in vms:
            try:
                prunings.append(await prune.planned(engine, vm, policy))
            except VmsnapError as error:
                unread[vm.ref] = error
                note(painted(f"{marks.REFUSED.glyph} {clean(vm.name)}: {clean(str(error))}", marks.REFUSED.style))
        if not as_json:
            _tell(prunings)
        doomed = sum(len(each.doomed) for each in prunings)
        if doomed and not dry_run:
            agree_to("delete", doomed, "snapshot", yes=yes)
            with stoppable(engine.jobs.cancel_all) as asked:
                for each in await asyncio.gather(*(prune.prune(engine, each, _tell_end, asked) for each in prunings)):
                    ended += each
            stopped = asked()
    if as_json:
        failed = [_unread_shape(vm, unread[vm.ref]) for vm in vms if vm.ref in unread]
        emit({"policy": policy, "vms": [*(_shape(each, ended) for each in prunings), *failed]})
    elif ended:
        say(f"{sum(not each.problem for each in ended)} of {len(ended)} deleted")
    if stopped and any(each.problem for each in ended):
        return Exit.CANCELLED
    return _exit_of(ended, list(unread.values()))


def _exit_of(ended: Sequence[Pruned], unread: Sequence[VmsnapError]) -> int:
    """What went wrong counts before what could not be read, and that before what had to stay."""
    if any(each.problem and not each.stays for each in ended):
        return Exit.FAILED
    if unread:
        return code_of(unread[0])
    return Exit.REFUSED if any(each.stays for each in ended) else Exit.OK


def _tell(prunings: Sequence[Pruning]) -> None:
    rows = []
    for pruning in prunings:
        for verdict in pruning.verdicts:
            style = "" if verdict.is_kept else "error"
            rows.append(
                [
                    Cell(clean(pruning.vm.name)),
                    Cell(f"{verdict.snapshot.created.astimezone():%Y-%m-%d %H:%M}", "foreground-muted"),
                    Cell(clean(verdict.snapshot.name), style),
                    Cell(", ".join(verdict.reasons) if verdict.is_kept else "goes", style or "foreground-muted"),
                ]
            )
    columns(rows, ["VM", "TAKEN", "SNAPSHOT", "KEPT AS"])
    for pruning in prunings:
        if pruning.doomed:
            count = f"{len(pruning.doomed)} snapshot{'' if len(pruning.doomed) == 1 else 's'}"
            note(f"{clean(pruning.vm.name)}: {count} would go, which {in_words(pruning.freed)}")
    doomed = [pruning for pruning in prunings if pruning.doomed]
    if not doomed:
        note("Nothing would go.")
    elif len(doomed) > 1:
        total = sum(len(pruning.doomed) for pruning in doomed)
        note(f"In all {total} snapshots of {len(doomed)} VMs would go, which {in_words(prune.freed(doomed))}.")


def _tell_end(ended: Pruned) -> None:
    shown = marks.REFUSED if ended.problem else marks.READY
    came = (
        f" stays: {clean(ended.problem)}"
        if ended.stays
        else f": {clean(ended.problem)}"
        if ended.problem
        else " deleted"
    )
    words = f"{clean(ended.vm.name)}: {clean(ended.snapshot.name)}{came}"
    note(f"{painted(shown.glyph, shown.style)} {words}")


def _shape(pruning: Pruning, ended: Sequence[Pruned]) -> dict[str, Any]:
    came = {each.snapshot.ref: each for each in ended}
    return {
        "vm": pruning.vm.ref,
        "vm_name": pruning.vm.name,
        "problem": "",
        "freed": pruning.freed,
        "snapshots": [
            {
                "snapshot": verdict.snapshot.ref,
                "name": verdict.snapshot.name,
                "created": verdict.snapshot.created,
                "kept": verdict.is_kept,
                "reasons": verdict.reasons,
                "deleted": (it := came.get(verdict.snapshot.ref)) is not None and not it.problem,
                "problem": it.problem if it else "",
            }
            for verdict in pruning.verdicts
        ],
    }


def _unread_shape(vm: Vm, error: VmsnapError) -> dict[str, Any]:
    return {"vm": vm.ref, "vm_name": vm.name, "problem": str(error), "freed": reclaim((), ()), "snapshots": []}
