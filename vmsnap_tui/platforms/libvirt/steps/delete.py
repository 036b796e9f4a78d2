"""Deleting one snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.platforms.libvirt import notes
from vmsnap_tui.platforms.libvirt.steps.beside import beside
from vmsnap_tui.platforms.libvirt.steps.progress import merge_progress
from vmsnap_tui.platforms.libvirt.steps.target import target
from vmsnap_tui.platforms.libvirt.xml import parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.platforms.libvirt.connection import Connection


def delete(
    connection: Connection,
    domain: libvirt.virDomain,
    step: Step,
    report: Callable[[Progress], None],
    _stop: Event,
) -> str:
    """Delete it. libvirt lets nobody stop a merge that it has begun."""
    name = str(step.params["name"])
    snapshot = target(connection, domain, step)
    record = parse(snapshot.getXMLDesc())
    if step.params["metadata_only"]:
        snapshot.delete(libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY)
        done = "its record is gone, its data stays"
    else:
        report(Progress("deleting"))
        disks = [disk.get("name") or "" for disk in record.iterfind("disks/disk[@snapshot='external']")]
        if disks:
            with beside(connection, domain.UUIDString(), merge_progress(disks, report)):
                snapshot.delete(0)
        else:
            snapshot.delete(0)
        done = "deleted"
    try:
        notes.forget(domain, [name])
    except VmsnapError as error:
        return f"{done}; its note could not be removed ({error})"
    return done
