"""The sites to show: those named on the command line, else configured, else found here, else the demo."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vmsnap_tui.model.errors import Unsupported
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import PlatformKind, Site

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vmsnap_tui.engine.config import Config

_LIBVIRT_URI = re.compile(r"^(qemu|test)(\+[a-z0-9]+)?:", re.IGNORECASE)
_CLOUD, _CONTEXT = "openstack:", "openshift:"
_SOCKETS = ("libvirt-sock", "virtqemud-sock")
_DAEMONS = ("virtqemud", "libvirtd")
NO_SITES = "No sites are configured, and no libvirt, clouds.yaml or kubeconfig was found here: this is the demo."


@dataclass(frozen=True, slots=True)
class Found:
    """Sites, and what somebody should be told about where they come from ("" for nothing)."""

    sites: tuple[Site, ...]
    notice: str = ""


def sites(config: Config, named: Sequence[str] = (), *, demo: bool = False, read_only: bool = False) -> Found:
    """The sites to show. `named` are addresses or names of configured sites. Raises Unsupported."""
    read_only = read_only or config.read_only
    configured = tuple(site.site(read_only=read_only) for site in config.sites)
    if demo:
        found = Found(_demo_sites())
    elif named:
        found = Found(_named(named, configured))
    elif configured:
        found = Found(configured)
    elif here := (*local_libvirt(), *clouds(), *clusters()):
        found = Found(_kept_apart(here))
    else:
        found = Found(_demo_sites(), NO_SITES)
    if read_only:
        found = replace(found, sites=tuple(replace(site, read_only=True) for site in found.sites))
    return found


def local_libvirt(root: Path = Path("/")) -> tuple[Site, ...]:
    """What libvirt there is on this machine, told by its sockets and files: no library, no connection."""
    if address := os.environ.get("LIBVIRT_DEFAULT_URI"):
        return (ad_hoc(address),)
    system = any((root / "run/libvirt" / name).exists() for name in _SOCKETS)
    has_daemon = any(shutil.which(name, path=_daemon_path(root)) for name in _DAEMONS)
    # The session daemon starts by itself when it is spoken to, so that beside a system daemon it is only
    # bothered where somebody uses it already.
    session = _session_in_use() or (has_daemon and not system)
    addresses = (("qemu:///system", system), ("qemu:///session", session))
    return tuple(ad_hoc(address) for address, there in addresses if there)


def clouds() -> tuple[Site, ...]:
    """The clouds of clouds.yaml and of the OS_* variables: no library, no connection."""
    from vmsnap_tui.platforms.openstack.clouds import addresses

    return tuple(ad_hoc(f"{_CLOUD}{address}") for address in addresses())


def clusters() -> tuple[Site, ...]:
    """The clusters of the kubeconfig, or the one whose pod this runs in: no library, no connection."""
    from vmsnap_tui.platforms.openshift.contexts import addresses

    return tuple(ad_hoc(f"{_CONTEXT}{address}") for address in addresses())


def ad_hoc(address: str) -> Site:
    """A site that nobody configured, from its address alone. Raises Unsupported."""
    if address.lower().startswith(_CLOUD) and address[len(_CLOUD) :]:
        cloud = address[len(_CLOUD) :]
        return Site(clean(cloud.replace("/", "-"), limit=64), PlatformKind.OPENSTACK, cloud)
    if address.lower().startswith(_CONTEXT) and address[len(_CONTEXT) :]:
        context = address[len(_CONTEXT) :]
        return Site(clean(context.replace("/", "-"), limit=64), PlatformKind.OPENSHIFT, context)
    if not _LIBVIRT_URI.match(address):
        raise Unsupported(
            f'"{clean(address, limit=80)}" is neither a configured site nor an address that vmsnap knows',
            "addresses look like qemu:///system, qemu+ssh://root@host/system, openstack:CLOUD or openshift:CONTEXT",
        )
    parts = urlsplit(address)
    name = parts.hostname or Path(parts.path).stem or "local"
    if parts.scheme.startswith("test"):
        name = "test"
    return Site(clean(name, limit=64), PlatformKind.LIBVIRT, address)


def _named(named: Sequence[str], configured: Sequence[Site]) -> tuple[Site, ...]:
    by_name = {site.name: site for site in configured}
    return _kept_apart(by_name.get(text) or ad_hoc(text) for text in named)


def _kept_apart(sites: Iterable[Site]) -> tuple[Site, ...]:
    """Each of them once, and no two of one name."""
    chosen: dict[str, Site] = {}
    for site in sites:
        name, count = site.name, 1
        while name in chosen and chosen[name].address != site.address:
            count += 1
            name = f"{site.name}-{count}"
        chosen[name] = replace(site, name=name)
    return tuple(chosen.values())


def _session_in_use() -> bool:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folders = [Path(runtime) / "libvirt"] if runtime else []
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "libvirt/qemu"
    has_socket = any((folder / name).exists() for folder in folders for name in _SOCKETS)
    return has_socket or any(settings.glob("*.xml"))


def _daemon_path(root: Path) -> str:
    """Where daemons lie; a user's own PATH often lacks sbin."""
    return os.pathsep.join(str(root / folder) for folder in ("usr/sbin", "usr/bin", "usr/local/sbin", "sbin"))


def _demo_sites() -> tuple[Site, ...]:
    from vmsnap_tui.platforms.demo.sites import demo_sites

    return demo_sites()
