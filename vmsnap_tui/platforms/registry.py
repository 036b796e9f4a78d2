"""Which platform serves a site. A platform's library is imported only when a site of that kind is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.model.vm import PlatformKind

if TYPE_CHECKING:
    from vmsnap_tui.model.vm import Site
    from vmsnap_tui.platforms.protocol import Platform


def create(site: Site) -> Platform:
    """The platform for `site`, not opened yet. Raises Unreachable where its library is not installed."""
    try:
        if site.kind is PlatformKind.DEMO:
            from vmsnap_tui.platforms.demo.platform import DemoPlatform

            return DemoPlatform(site)
        if site.kind is PlatformKind.LIBVIRT:
            from vmsnap_tui.platforms.libvirt.platform import LibvirtPlatform

            return LibvirtPlatform(site)
        if site.kind is PlatformKind.OPENSTACK:
            from vmsnap_tui.platforms.openstack.platform import OpenStackPlatform

            return OpenStackPlatform(site)
        from vmsnap_tui.platforms.openshift.platform import OpenShiftPlatform

        return OpenShiftPlatform(site)
    except ImportError as error:
        kind = site.kind.value
        raise Unreachable(
            f"the library for {kind} is not installed ({error.name})",
            f"install it with: pip install 'vmsnap-tui[{kind}]'",
        ) from error
