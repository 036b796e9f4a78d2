"""Labs and group jobs, as commands know them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.output import note, painted, say
from vmsnap_tui.cli.session import listed
from vmsnap_tui.engine import labs
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.engine.spent import spent
from vmsnap_tui.model.errors import Missing
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes

if TYPE_CHECKING:
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.model.lab import Lab
    from vmsnap_tui.model.vm import VmRef


async def known_labs(engine: Engine) -> tuple[Lab, ...]:
    """All labs. Raises what a site raises that cannot be read: a lab must not be reset by halves unawares."""
    for error in (await listed(engine, snapshots=True)).values():
        raise error
    return labs.all_labs(engine, engine.lab_rules)


async def named_lab(engine: Engine, name: str) -> Lab:
    """One lab. Raises Missing."""
    known = await known_labs(engine)
    found = next((each for each in known if each.name == name), None)
    if found is None:
        names = ", ".join(each.name for each in known)
        raise Missing(f"there is no lab {name}", f"there are: {names}" if names else "make one: vmsnap lab baseline")
    return found


async def manned_lab(engine: Engine, name: str) -> Lab:
    """One lab to do something with. Raises Missing, also where no vm is in it: nothing done is no success.

    Names the vms that may belong to it, where the marks that would say so cannot be read.
    """
    found = await named_lab(engine, name)
    seated = {seat.vm.ref for seat in found.seats}
    for vm in (vm for site in engine.store.sites for vm in engine.store.vms(site)):
        if vm.ref not in seated and (problem := engine.store.problem(vm.ref)):
            note(f"{clean(vm.name)}: {clean(problem.words)}: whether it is in the lab is not known")
    if not found.seats:
        raise Missing(f"no vm belongs to the lab {name}", "look at its vms in the config file, and at: vmsnap ls")
    return found


async def followed(engine: Engine, job: GroupJob, *, as_json: bool = False) -> GroupJob:
    """Tell each vm as it ends."""
    told: set[str] = set()

    def tell(_: object = None) -> None:
        now = engine.groups.get(job.id) or job
        for member in now.members:
            if member.state.is_over and member.vm.id not in told:
                told.add(member.vm.id)
                shown = marks.READY if member.state is JobState.DONE else marks.REFUSED
                took = sizes.clock(times(engine, now).get(member.vm))
                note(f"{painted(shown.glyph, shown.style)} {clean(member.name)}: {clean(member.words)}  {took}")

    leave = engine.store.subscribe(tell)
    try:
        ended = await engine.groups.wait(job.id)
    finally:
        leave()
    tell()
    if not as_json:
        say(ended.outcome)
    return ended


def times(engine: Engine, job: GroupJob) -> dict[VmRef, float]:
    """How long each vm took, in seconds."""
    return spent(job, engine.jobs.all(), datetime.now(UTC))


def member_shapes(engine: Engine, job: GroupJob) -> list[dict[str, Any]]:
    """For JSON: what came of each vm."""
    took = times(engine, job)
    return [
        {
            "vm": member.vm,
            "vm_name": member.name,
            "done": member.state is JobState.DONE,
            "words": member.words,
            "took": took.get(member.vm),
        }
        for member in job.members
    ]


def exit_of(job: GroupJob) -> int:
    """Whether all are where they should be."""
    return Exit.FAILED if job.undone else Exit.OK
