"""An engine for the length of one command."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vmsnap_tui.cli.output import note
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.errors import Conflict, Missing, Unreachable, VmsnapError
from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from vmsnap_tui.cli.setup import Setup
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.survey import Survey
    from vmsnap_tui.model.vm import Site, Vm, VmRef

NO_SITES_HINT = "name one with -c qemu+ssh://root@host/system, or in the config file; --demo shows a demo"
_PATIENCE = 20.0
"""Seconds that a site has to answer at all."""


@asynccontextmanager
async def engine_for(setup: Setup, vm_name: str = "", *, acts: bool = False) -> AsyncIterator[Engine]:
    """An engine on the sites in question: with "site/name" that is the one site.

    Before a command that `acts`, guests are thawed that a run which died has left frozen there, and marks put back that
    it lost: where all is done by timers, no app comes along to do that.

    Raises Unreachable where there is no site but the demo that nobody asked for: a script must not take it for real.
    """
    if setup.found.notice:
        raise Unreachable("no sites are configured, and no libvirt, clouds.yaml or kubeconfig was found", NO_SITES_HINT)
    engine = Engine(
        _sites_for(setup.found.sites, vm_name), read_only=setup.forbids_changes, follow=False, labs=setup.labs
    )
    await engine.start()
    try:
        if acts:
            for left in await engine.settle_left():
                note(clean(f"{left.vm_name}: {left.title} was cut off: {left.now or 'its site does not answer yet'}"))
        yield engine
    finally:
        if acts and engine.journal.caution:
            note(clean(engine.journal.caution))
        await engine.stop()


def _sites_for(sites: Sequence[Site], vm_name: str) -> Sequence[Site]:
    named = [site for site in sites if vm_name.startswith(f"{site.name}/")]
    return named or sites


async def listed(engine: Engine, *, snapshots: bool = False) -> dict[str, VmsnapError]:
    """Wait until every site has told what it has; what those say that cannot, by name.

    A site that is slow may take its time once it is connected; one that does not even connect is given up.
    """
    sites = engine.store.sites
    waits = {name: asyncio.ensure_future(engine.loaded(name, snapshots=snapshots)) for name in sites}
    if waits:
        await asyncio.wait(waits.values(), timeout=_PATIENCE)
    errors: dict[str, VmsnapError] = {}
    for name, wait in waits.items():
        if sites[name].status is SiteStatus.CONNECTING:
            wait.cancel()
            errors[name] = Unreachable(f"no answer within {_PATIENCE:.0f} s", "look at the network and the host")
            continue
        await wait
        error = sites[name].error  # one that is online may have refused to list what it has
        if error is not None or sites[name].status is not SiteStatus.ONLINE:
            errors[name] = error or Unreachable("the connection was lost")
    return errors


async def all_listed(engine: Engine, *, snapshots: bool = False) -> None:
    """The same, where nothing may be missing. Raises what a site says that cannot be read, with its name."""
    for name, error in (await listed(engine, snapshots=snapshots)).items():
        raise type(error)(f"{name}: {error.words}", error.hint) from error


async def snapshots_of(engine: Engine, vm: VmRef) -> tuple[Snapshot, ...]:
    """A vm's snapshots, as soon as they are in."""
    seen = asyncio.Event()
    unsubscribe = engine.store.subscribe(lambda _: seen.set(), interval=0.0)
    try:
        engine.want_snapshots(vm)
        while (snapshots := engine.store.snapshots(vm)) is None:
            if error := engine.store.problem(vm) or engine.store.sites[vm.site].error:
                raise error
            await seen.wait()
            seen.clear()
        return snapshots
    finally:
        unsubscribe()


def find_snapshot(snapshots: Sequence[Snapshot], wanted: str, vm_name: str) -> Snapshot:
    """The snapshot that is meant, by id or name. Raises Missing or Conflict."""
    for snapshot in snapshots:
        if snapshot.id == wanted:
            return snapshot
    fitting = [snapshot for snapshot in snapshots if snapshot.name == wanted]
    if len(fitting) > 1:
        ids = ", ".join(snapshot.id for snapshot in fitting)
        raise Conflict(f'{vm_name} has {len(fitting)} snapshots called "{wanted}"', f"name one by its id: {ids}")
    if fitting:
        return fitting[0]
    from difflib import get_close_matches

    names = [snapshot.name for snapshot in snapshots]
    close = get_close_matches(wanted, names, 3)
    hint = f"did you mean {', '.join(close)}?" if close else f"it has {len(names)}: vmsnap tree shows them"
    raise Missing(f'{vm_name} has no snapshot "{wanted}"', hint)


def sorted_vms(engine: Engine, site: str) -> Sequence[Vm]:
    """The vms of a site in the order of a list."""
    return sorted(engine.store.vms(site), key=lambda vm: (vm.group, vm.name, vm.ref))


def ordered(snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
    """Oldest first."""
    return sorted(snapshots, key=lambda snapshot: (snapshot.created, snapshot.id))


async def survey_of(engine: Engine, name: str) -> tuple[dict[str, Survey], dict[str, VmsnapError]]:
    """Of one vm, in the shape of `surveys_of`."""
    vm = await engine.find(name)
    return {vm.ref.site: await engine.survey(vm.ref.site, [vm.ref])}, {}


async def surveys_of(engine: Engine) -> tuple[dict[str, Survey], dict[str, VmsnapError]]:
    """Of all sites side by side; what those say that cannot."""
    failed = await listed(engine)
    sites = [site for site in engine.store.sites if site not in failed]
    answers = await asyncio.gather(*(engine.survey(site) for site in sites), return_exceptions=True)
    found: dict[str, Survey] = {}
    for site, answer in zip(sites, answers, strict=True):
        if isinstance(answer, VmsnapError):
            failed[site] = answer
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found[site] = answer
    return found, failed
