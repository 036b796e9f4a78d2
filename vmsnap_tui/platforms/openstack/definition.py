"""What a server is made of, as far as its snapshots keep it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.compare import Definition
from vmsnap_tui.model.errors import Unsupported
from vmsnap_tui.model.text import clean_lines
from vmsnap_tui.platforms.openstack.convert import disk_id, is_attached
from vmsnap_tui.platforms.openstack.snapshots import mapping_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vmsnap_tui.platforms.openstack.snapshots import Part, Things

_LACKS = "Neither flavour nor networks nor metadata are compared: Nova keeps none of them in a snapshot."
_NO_PROPERTIES = {"os_hidden", "os_hash_algo", "os_hash_value"}
"""Fields of every image that only look like properties of its vm."""


def definition_now(things: Things, properties: Mapping[str, Any]) -> Definition:
    """Of a server, whose image has these properties."""
    volumes = [
        (disk_id(volume, things.server["id"]), int(volume.get("size") or 0))
        for volume in things.volumes
        if is_attached(volume, things.server["id"])
    ]
    return _definition(properties, volumes)


def definition_then(things: Things, part: Part) -> Definition:
    """Of a snapshot. Raises Unsupported where it is of volumes alone, which know nothing of the server."""
    if not part.images:
        raise Unsupported("snapshots of volumes keep no definition of the server")
    names = {str(volume["id"]): disk_id(volume, things.server["id"]) for volume in things.volumes}
    volumes = {str(snap["volume_id"]): int(snap.get("size") or 0) for snap in part.snaps}
    image = part.images[0]
    mapped = dict(_mapped(image))
    return _definition(image, mapped.items() if mapped else ((names.get(id_, id_), volumes[id_]) for id_ in volumes))


def _mapped(image: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for each in mapping_of(image):
        if each.get("snapshot_id"):
            device = str(each.get("device_name") or "").rpartition("/")[2]
            yield device or str(each["snapshot_id"]), int(each.get("volume_size") or 0)


def _definition(properties: Mapping[str, Any], volumes: Iterable[tuple[str, int]]) -> Definition:
    told = {
        "image properties": {
            key: str(value)
            for key, value in sorted(properties.items())
            if key.startswith(("hw_", "os_")) and key not in _NO_PROPERTIES and value is not None
        },
        "volumes": {disk: f"{size} GiB" for disk, size in sorted(volumes)},
    }
    return Definition(clean_lines(json.dumps(told, indent=2, ensure_ascii=False)), "json", _LACKS)
