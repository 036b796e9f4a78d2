"""An engine for the length of one command."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vmsnap_tui.cli.output import complain, note
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.errors import Conflict, Missing, VmsnapError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from vmsnap_tui.cli.setup import Setup
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Site, Vm, VmRef


@asynccontextmanager
async def engine_for(setup: Setup, vm_name: str = "") -> AsyncIterator[Engine]:
    """An engine on the sites in question: with "site/name" that is the one site."""
    if setup.found.notice:
        note(setup.found.notice)
    engine = Engine(_sites_for(setup.found.sites, vm_name), read_only=setup.forbids_changes, follow=False)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def _sites_for(sites: Sequence[Site], vm_name: str) -> Sequence[Site]:
    named = [site for site in sites if vm_name.startswith(f"{site.name}/")]
    return named or sites


def failed_sites(engine: Engine) -> dict[str, VmsnapError]:
    """What the sites that could not be reached say, by name."""
    out = {SiteStatus.FAILED, SiteStatus.LOST}
    views = engine.store.sites.values()
    return {view.site.name: view.error for view in views if view.status in out and view.error is not None}


async def find_vm(engine: Engine, name: str) -> Vm:
    """The vm that is meant. Raises Missing or Conflict, or what a site said where none could be reached."""
    await engine.loaded()
    failed = failed_sites(engine)
    try:
        return await engine.find(name)
    except Missing as error:
        if not failed:
            raise
        if len(failed) == len(engine.store.sites):
            raise next(iter(failed.values())) from error
        for site, why in failed.items():
            complain(why, about=site)
        raise Missing(error.words, f"it may be on a site that does not answer: {', '.join(failed)}") from error


async def snapshots_of(engine: Engine, vm: VmRef) -> tuple[Snapshot, ...]:
    """A vm's snapshots, as soon as they are in."""
    seen = asyncio.Event()
    unsubscribe = engine.store.subscribe(lambda _: seen.set(), interval=0.0)
    try:
        engine.want_snapshots(vm)
        while (snapshots := engine.store.snapshots(vm)) is None:
            if error := failed_sites(engine).get(vm.site):
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
