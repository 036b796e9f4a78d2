"""The clouds that are configured on this machine, told without openstacksdk: to look for them takes no part of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = "envvars"
"""What openstacksdk calls the cloud of the OS_* variables."""


def addresses() -> tuple[str, ...]:
    """`cloud`, or `cloud/region` where it has several; $OS_CLOUD alone where that is set."""
    found = tuple(_of_files())
    chosen = os.environ.get("OS_CLOUD")
    if chosen:
        return tuple(each for each in found if each.partition("/")[0] == chosen) or (chosen,)
    if os.environ.get("OS_AUTH_URL"):
        return (ENVIRONMENT, *found)
    return found


def _files() -> Iterator[Path]:
    if named := os.environ.get("OS_CLIENT_CONFIG_FILE"):
        yield Path(named)
        return
    home = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    for folder in (Path(), home / "openstack", Path("/etc/openstack")):
        for ending in ("yaml", "yml", "json"):
            yield folder / f"clouds.{ending}"


def _of_files() -> Iterator[str]:
    """The first file counts, as for every OpenStack client."""
    file = next((file for file in _files() if file.is_file()), None)
    if file is None:
        return
    try:
        import yaml  # comes with openstacksdk
    except ImportError:
        return
    try:
        clouds = (yaml.safe_load(file.read_bytes()) or {}).get("clouds") or {}
    except (OSError, yaml.YAMLError, AttributeError):
        return  # who opens a cloud of it is told what is wrong
    for name, cloud in clouds.items() if isinstance(clouds, dict) else ():
        regions = cloud.get("regions") if isinstance(cloud, dict) else None
        names = [region.get("name") if isinstance(region, dict) else region for region in regions or ()]
        yield from (f"{name}/{region}" for region in names) if len(names) > 1 else [str(name)]
