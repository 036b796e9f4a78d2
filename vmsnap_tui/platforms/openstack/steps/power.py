"""Starting a server, and having its guest shut down."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmsnap_tui.platforms.openstack.steps.work import Work


def power(work: Work) -> str:
    """Nova gives the guest a minute to shut down, then switches it off."""
    runs = bool(work.params()["on"])
    work.power(runs=runs)
    return "the server runs" if runs else "the server is off"
