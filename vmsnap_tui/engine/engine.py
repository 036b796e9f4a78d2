"""The engine as the screen and the command line see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.platforms.registry import create

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vmsnap_tui.engine.jobs import Jobs
    from vmsnap_tui.engine.journal import CutOff, Journal
    from vmsnap_tui.engine.store import Store
    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import Facts, Plan, Request
    from vmsnap_tui.model.snapshot import SnapRef
    from vmsnap_tui.model.vm import Site, SiteInfo, Vm, VmRef
    from vmsnap_tui.platforms.protocol import Platform


class Engine:
    """Sites, store, jobs and journal under one roof. Everything here is called on one event loop."""

    store: Store
    jobs: Jobs
    journal: Journal
    read_only: bool

    def __init__(
        self,
        sites: Sequence[Site],
        *,
        state: Path | None = None,
        read_only: bool = False,
        platform: Callable[[Site], Platform] = create,
        follow: bool = True,
    ) -> None:
        """`state` is the folder of journal and log. `read_only` forbids every change on every site.

        With `follow` the engine stays with its sites: it watches them, reads all snapshots and looks into what an
        earlier run left. Without, it reads only what is asked for, which is what a single command needs.
        """
        raise NotImplementedError

    async def start(self) -> None:
        """Open the journal, then connect, load and watch every site in the background. Returns at once.

        Jobs that an earlier run left are looked into as soon as their site is there; see `cut_off`.
        """
        raise NotImplementedError

    async def stop(self) -> None:
        """Ask running jobs' watches to end and leave. Does not wait for calls that hang."""
        raise NotImplementedError

    @property
    def cut_off(self) -> Sequence[CutOff]:
        """Jobs that an earlier run did not end, with what is known of them now (a change is told as jobs={id})."""
        raise NotImplementedError

    async def loaded(self, site: str | None = None, *, snapshots: bool = False) -> None:
        """Wait until the vms of a site (or of all) are in, or it has failed; with `snapshots` until those are too."""
        raise NotImplementedError

    async def find(self, name: str) -> Vm:
        """A vm by "name", "site/name" or id. Raises Missing, or Conflict where several fit (it names them)."""
        raise NotImplementedError

    async def facts(self, vm: VmRef) -> Facts:
        """Fresh facts of a vm; plan on them as often as need be without I/O."""
        raise NotImplementedError

    async def plan(self, request: Request) -> Plan:
        """Facts and plan in one go."""
        raise NotImplementedError

    async def chain(self, vm: VmRef) -> Sequence[Layer]:
        """The layers that the vm's disks read through now."""
        raise NotImplementedError

    async def source(self, vm: VmRef, snapshot: SnapRef | None = None) -> tuple[str, str]:
        """The platform's own text of a vm or snapshot, and its language."""
        raise NotImplementedError

    async def probe(self, site: Site) -> SiteInfo:
        """Open a site just to see, for the doctor. Raises what opening raises."""
        raise NotImplementedError

    def want_snapshots(self, vm: VmRef) -> None:
        """Read this vm's snapshots before those of others (it is on the screen and they are not in yet)."""
        raise NotImplementedError

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """Tell which vms are on the screen."""
        raise NotImplementedError

    def refresh(self, site: str | None = None) -> None:
        """Read a site (or all) anew, in the background; a site that is lost is tried again at once."""
        raise NotImplementedError
