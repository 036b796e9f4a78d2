"""The layers that a domain's disks read through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import libvirt

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.snapshot import Snapshot


def read_chain(domain: libvirt.virDomain, snapshots: Sequence[Snapshot], *, local: bool) -> tuple[Layer, ...]:
    """The layers of all disks, newest first, disk by disk. `local`: the host's files can be looked at."""
    raise NotImplementedError
