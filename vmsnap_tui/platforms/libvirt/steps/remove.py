"""Removing a file that nothing needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.errors import Conflict, Denied
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.libvirt.images import Images
from vmsnap_tui.platforms.libvirt.strays import in_use

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.platforms.libvirt.connection import Connection


def remove(
    connection: Connection,
    _domain: libvirt.virDomain,
    step: Step,
    _report: Callable[[Progress], None],
    _stop: Event,
) -> str:
    """Look once more whether anything uses it, then remove it."""
    place = str(step.params["place"])
    shown = clean(place)
    if why := in_use(place, connection.raw, Images()):
        raise Conflict(f"{shown} was not removed: {why}", "look at it again: vmsnap check --all")
    try:
        Path(place).unlink()
    except PermissionError:
        _by_pool(connection.raw, place)
    return f"{shown} is removed"


def _by_pool(conn: libvirt.virConnect, place: str) -> None:
    """libvirt may remove what this user may not, if it lies in a pool."""
    try:
        conn.storageVolLookupByPath(place).delete(0)
    except libvirt.libvirtError as error:
        raise Denied(f"{clean(place)} may not be removed by this user", "remove it as root") from error
