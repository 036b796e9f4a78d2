"""What is known now, by id. Changed on the loop alone; whoever shows it subscribes to coalesced changes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from vmsnap_tui.model.errors import VmsnapError
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Site, SiteInfo, Vm, VmRef


class SiteStatus(Enum):
    """How a site's connection stands."""

    CONNECTING = "connecting"
    ONLINE = "online"
    LOST = "lost"  # it was there; being taken up again
    FAILED = "failed"  # it could not be opened; being tried again


@dataclass(frozen=True, slots=True)
class SiteView:
    """A site as it is known now. `since` is when `status` began, `heard` when it last answered (aware UTC).

    `loading` says that the list of vms is not complete yet, `retry_at` when the next attempt is made.
    """

    site: Site
    status: SiteStatus
    since: datetime
    info: SiteInfo | None = None
    error: VmsnapError | None = None
    heard: datetime | None = None
    loading: bool = False
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since the last call: names of sites, vms whose values or snapshots or freeze changed, job ids.

    A vm that went away is in `vms` too; look it up to tell.
    """

    sites: frozenset[str] = frozenset()
    vms: frozenset[VmRef] = frozenset()
    snapshots: frozenset[VmRef] = frozenset()
    freezes: frozenset[VmRef] = frozenset()
    jobs: frozenset[str] = frozenset()


class Store:
    """The one place where the screen and the command line look things up."""

    @property
    def sites(self) -> Mapping[str, SiteView]:
        """All sites by name, in the order of the configuration."""
        raise NotImplementedError

    def vms(self, site: str) -> tuple[Vm, ...]:
        """The vms of a site that are known so far, in no particular order."""
        raise NotImplementedError

    def vm(self, ref: VmRef) -> Vm | None:
        """One vm, None where it is not known (any more)."""
        raise NotImplementedError

    def snapshots(self, ref: VmRef) -> tuple[Snapshot, ...] | None:
        """A vm's snapshots, None while they have not been read yet."""
        raise NotImplementedError

    def freeze(self, ref: VmRef) -> Freeze | None:
        """The last freeze state seen, None where none was."""
        raise NotImplementedError

    def subscribe(self, callback: Callable[[Changes], None], *, interval: float = 0.1) -> Callable[[], None]:
        """Call `callback` on the loop with what changed, at most once in `interval` seconds. Returns how to stop."""
        raise NotImplementedError
