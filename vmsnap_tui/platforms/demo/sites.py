"""The three demo sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.vm import PlatformKind, Site
from vmsnap_tui.platforms.demo.shape import Shape

if TYPE_CHECKING:
    from datetime import datetime

_NAMES = {Shape.LIBVIRT: "kvm-rack7", Shape.OPENSHIFT: "openshift-prod", Shape.OPENSTACK: "cloud-edge"}


def demo_sites(*, now: datetime | None = None, speed: float = 1.0) -> tuple[Site, ...]:
    """One in the shape of each platform. `now` (aware) is when their worlds begin, else the real time."""
    clock = {} if now is None else {"now": now.isoformat()}
    return tuple(
        Site(
            name=name,
            kind=PlatformKind.DEMO,
            address=f"demo:{shape.value}",
            options={"shape": shape.value, "speed": str(speed), **clock},
        )
        for shape, name in _NAMES.items()
    )
