"""Labs and group jobs, as commands know them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.output import note, painted, say
from vmsnap_tui.cli.session import all_listed
from vmsnap_tui.cli.stop import stoppable
from vmsnap_tui.engine import labs
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.engine.spent import spent
from vmsnap_tui.model.errors import Denied, Missing
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.card import none_fits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.model.lab import Lab
    from vmsnap_tui.model.vm import Vm, VmRef


async def known_labs(engine: Engine) -> tuple[Lab, ...]:
    """All labs. Raises what a site raises that cannot be read: a lab must not be reset by halves unawares."""
    await all_listed(engine, snapshots=True)
    return labs.all_labs(engine, engine.lab_rules)


async def named_lab(engine: Engine, name: str) -> Lab:
    """One lab. Tells which of its names fit no vm, and raises Missing where none does: nothing would be done.

    Names the vms that may belong to it, where the marks that would say so cannot be read.
    """
    known = await known_labs(engine)
    found = next((each for each in known if each.name == name), None)
    if found is None:
        names = ", ".join(each.name for each in known)
        raise Missing(f"there is no lab {name}", f"there are: {names}" if names else "make one: vmsnap lab baseline")
    seated = {seat.vm.ref for seat in found.seats}
    for vm in (vm for site in engine.store.sites for vm in engine.store.vms(site)):
        if vm.ref not in seated and (problem := engine.store.problem(vm.ref)):
            note(f"{clean(vm.name)}: {clean(problem.words)}: whether it is in the lab is not known")
    if not found.seats:
        raise Missing(f"the lab {name} has no vms", none_fits(found) or f"name some: vmsnap lab baseline {name} VM…")
    if found.unmet:
        note(painted(f"{marks.CAUTION.glyph} {none_fits(found)}", marks.CAUTION.style))
    return found


def check_writable(engine: Engine, vms: Iterable[Vm], *, dry_run: bool = False) -> None:
    """Before anything is asked or begun. Raises Denied where all of these stand on sites that must not be changed."""
    if dry_run:
        return
    places = {vm.ref.site for vm in vms}
    if places and all(engine.store.sites[place].site.read_only for place in places):
        is_ = "is" if len(places) == 1 else "are"
        raise Denied(f"{', '.join(sorted(places))} {is_} read-only", "start without --read-only to change them")


async def followed(engine: Engine, job: GroupJob, *, as_json: bool = False) -> GroupJob:
    """Tell each vm as it ends. Ctrl-C asks all that is not over to stop."""
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
        with stoppable(lambda: engine.groups.cancel(job.id)):
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


def exit_of(job: GroupJob, refused: Iterable[VmRef] = ()) -> int:
    """Whether all are where they should be; of those that are not, whether their plans had said so: `refused`."""
    if not job.undone:
        return Exit.OK
    if job.cancelling:
        return Exit.CANCELLED
    return Exit.REFUSED if set(job.undone) <= set(refused) else Exit.FAILED
