"""The snapshot that a step was planned for: libvirt knows it by its name, and a name may go from one to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Conflict
from vmsnap_tui.platforms.libvirt.plan.rules import quoted
from vmsnap_tui.platforms.libvirt.snapshots import read_head

if TYPE_CHECKING:
    import libvirt

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.platforms.libvirt.connection import Connection


def target(connection: Connection, domain: libvirt.virDomain, step: Step) -> libvirt.virDomainSnapshot:
    """It. Raises Missing, and Conflict where another one has its name by now."""
    name = str(step.params["name"])
    found = connection.snapshot(domain, name)
    created = read_head(found.getXMLDesc()).created
    if step.params.get("created", created) != created:
        raise Conflict(f"another snapshot is called {quoted([name])} by now", "look at the plan again")
    return found
