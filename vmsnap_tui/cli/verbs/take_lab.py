"""take --lab: a snapshot of each vm of a lab, and the old ones gone."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.output import emit
from vmsnap_tui.cli.session import engine_for
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup
from vmsnap_tui.cli.together import exit_of, followed, named_lab
from vmsnap_tui.cli.verbs.prune import pruned
from vmsnap_tui.engine import labs
from vmsnap_tui.engine.alone import alone
from vmsnap_tui.model.errors import Cancelled

if TYPE_CHECKING:
    from vmsnap_tui.engine.groups import GroupJob


@click.command("take", cls=Verb)
@click.argument("title", metavar="[NAME]", required=False, default="")
@click.option("--lab", "lab_name", required=True, metavar="LAB", help="Whose vms.")
@click.option("--description", default="", help="What the snapshots are for.")
@click.option("--prune", "prunes", is_flag=True, help="Then delete what the lab's [labs.keep] does not keep.")
@click.option("-y", "--yes", is_flag=True, help="Do it without asking; for timers.")
@json_option
@pass_setup
def take_lab(setup: Setup, /, **options: Any) -> int:  # noqa: ANN401  (click's)
    """Take a snapshot of each vm of a lab, by its best method, side by side as the sites allow.

    A vm that fails is named, and the others go on. What is not taken is not pruned either.
    """
    return asyncio.run(_take(setup, **options))


async def _take(
    setup: Setup, *, title: str, lab_name: str, description: str, prunes: bool, yes: bool, as_json: bool
) -> int:
    async with engine_for(setup) as engine:
        lab = await named_lab(engine, lab_name)
        policy = next((rule.keep for rule in engine.lab_rules if rule.name == lab_name), None)
        if prunes and (policy is None or not policy.keeps_any):
            raise click.UsageError(
                f"Say in the config file what is kept of {lab_name} ([labs.keep]): else all would go."
            )
        if prunes and not yes and not sys.stdin.isatty():  # before anything is taken
            raise Cancelled("--prune deletes snapshots, and there is no terminal to ask on", "confirm with --yes")
        with alone("lab", engine.state):
            job = await followed(engine, labs.take(engine, lab_name, lab.seats, title, description), as_json=as_json)
        code = exit_of(job)
        if as_json:
            emit({"lab": lab_name, "vms": _shape(job), "outcome": job.outcome})
        if prunes and policy is not None:
            undone = set(job.undone)
            vms = [seat.vm for seat in lab.seats if seat.vm.ref not in undone]
            worst = await pruned(engine, vms, policy, dry_run=False, yes=yes, as_json=as_json)
            code = code if code != Exit.OK else worst
        return code


def _shape(job: GroupJob) -> list[dict[str, Any]]:
    return [
        {"vm": member.vm, "vm_name": member.name, "done": member.vm not in job.undone, "words": member.words}
        for member in job.members
    ]
