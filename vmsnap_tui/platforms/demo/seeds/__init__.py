"""What is planted in each demo world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.platforms.demo.seeds.libvirt import plant_libvirt
from vmsnap_tui.platforms.demo.seeds.openshift import plant_openshift
from vmsnap_tui.platforms.demo.seeds.openstack import plant_openstack
from vmsnap_tui.platforms.demo.seeds.planter import Planter
from vmsnap_tui.platforms.demo.seeds.scale import plant_many
from vmsnap_tui.platforms.demo.shape import Shape
from vmsnap_tui.platforms.demo.world import World

if TYPE_CHECKING:
    from datetime import datetime

_PLANTS = {Shape.LIBVIRT: plant_libvirt, Shape.OPENSHIFT: plant_openshift, Shape.OPENSTACK: plant_openstack}


def build(site: str, shape: Shape, now: datetime, vms: int = 0, snapshots: int = 0) -> World:
    """A world to look at; with `vms` one of that many alike, with `snapshots` each."""
    planter = Planter(site, World(shape, now))
    if vms:
        plant_many(planter, vms, snapshots)
    else:
        _PLANTS[shape](planter)
    return planter.world
