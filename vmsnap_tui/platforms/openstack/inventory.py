"""What is on a cloud, in bulk calls: never one for each server. One server's own things are read by a few calls."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openstack.cloud import COMPUTE, IMAGE, VOLUME
from vmsnap_tui.platforms.openstack.convert import base_id, image_id
from vmsnap_tui.platforms.openstack.snapshots import Things, mapping_of
from vmsnap_tui.platforms.openstack.stamps import FROM, VM, is_own

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vmsnap_tui.platforms.openstack.cloud import Cloud

Record = dict[str, Any]
_FRESH = 10.0
"""Seconds for which one bulk read serves the batches of snapshots that are asked for one after the other, and at least
as many as it took: a slow cloud would else be asked the same again and again."""
_SERVERS = 200
"""Servers in a page: what a service needs long for comes in parts, and the first rows are soon there."""
_IMAGES = "/images"


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything but the servers, in bulk: by server or by volume."""

    stale: float = 0.0
    """When it is too old to go by, of a steady clock."""
    volumes: dict[str, list[Record]] = field(default_factory=dict)
    images: dict[str, list[Record]] = field(default_factory=dict)
    snaps: dict[str, list[Record]] = field(default_factory=dict)
    made: dict[str, list[str]] = field(default_factory=dict)
    """The names of the volumes that were made from a volume snapshot."""

    def things(self, server: Record, heirs: Heirs) -> Things:
        """What is there of one server."""
        volumes, images = self.volumes.get(server["id"], []), self.images.get(server["id"], [])
        snaps = [snap for volume in volumes for snap in self.snaps.get(volume["id"], ())]
        return Things(server, tuple(volumes), tuple(images), tuple(snaps), heirs.of(server, images))


class Heirs:
    """Which servers were launched from which image or snapshot."""

    def __init__(self, servers: Iterable[Record]) -> None:
        self._of_image: dict[str, list[Record]] = defaultdict(list)
        self._of_server: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
        for server in servers:
            self._of_image[image_id(server)].append(server)
            # The image tells what anybody has launched; of a group, only the note of vmsnap does.
            whose, _, snapshot = str((server.get("metadata") or {}).get(FROM, "")).partition("/")
            self._of_server[whose][snapshot].append(server)

    def of(self, server: Record, images: Iterable[Record]) -> dict[str, tuple[str, ...]]:
        """The names of those launched from a server's snapshots, by the snapshot's or the image's id."""
        found = {image["id"]: self._of_image.get(image["id"], []) for image in images}
        found |= self._of_server.get(server["id"], {})
        names = {
            id_: tuple(sorted(clean(heir["name"]) for heir in heirs if heir["id"] != server["id"]))
            for id_, heirs in found.items()
        }
        return {id_: each for id_, each in names.items() if each}


class Inventory:
    """Reads a cloud. Every thread may call it."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._picture: Picture | None = None
        self._servers: dict[str, Record] = {}
        self._heirs = Heirs(())
        self._listed = False  # until then `_servers` holds but those that somebody asked for

    @property
    def _all(self) -> dict[str, object]:
        return {"all_tenants": "1"} if self._cloud.all_projects else {}

    def servers(self) -> Iterator[list[Record]]:
        """All servers, in pages."""
        found: dict[str, Record] = {}
        for page in self._cloud.pages(COMPUTE, "/servers/detail", "servers", limit=_SERVERS, **self._all):
            found |= {server["id"]: server for server in page}
            yield page
        self._servers, self._listed, self._heirs = found, True, Heirs(found.values())

    def known_servers(self, *, fresh: bool = False) -> dict[str, Record]:
        """The servers as they were listed last, or with what has moved since; listed now where they never were."""
        if not self._listed:
            list(self.servers())
        elif fresh and self._servers:
            self.changed_servers(max(server["updated"] for server in list(self._servers.values())))
        return self._servers

    def changed_servers(self, since: str) -> tuple[list[Record], object]:
        """Those that moved since a time, deleted ones too, and the service's own time."""
        answer, at = self._cloud.ask(
            COMPUTE, "GET", "/servers/detail", query={**self._all, "changes-since": since, "limit": 1000}
        )
        rows: list[Record] = answer["servers"]
        for row in rows:
            if row.get("status") == "DELETED":
                self._servers.pop(row["id"], None)
            else:
                self._servers[row["id"]] = row
        if rows:
            self._heirs = Heirs(self._servers.values())
        return rows, at

    def server(self, id_: str) -> Record:
        """One server. Raises Missing."""
        answer: Record = self._cloud.get(COMPUTE, f"/servers/{id_}")["server"]
        self._servers[id_] = answer
        return answer

    def forget(self) -> None:
        """Something was changed: what was read in bulk is old."""
        with self._lock:
            self._picture = None

    def picture(self, *, fresh: bool = False) -> Picture:
        """Volumes, images and volume snapshots of all servers."""
        with self._lock:
            found = self._picture
            if not fresh and found is not None and time.monotonic() < found.stale:
                return found
            began = time.monotonic()
            found = self._read_picture()
            ended = time.monotonic()
            self._picture = found = replace(found, stale=ended + max(_FRESH, ended - began))
            return found

    def things(self, id_: str) -> Things:
        """One server's things as they are now. Raises Missing."""
        server = self.server(id_)
        images = self._images(instance_uuid=id_)
        self.known_servers()
        if not self._cloud.has_volumes:
            return Things(server, (), tuple(images), heirs=self._heirs.of(server, images))
        volumes = {volume["id"]: volume for volume in self.volumes_of(server)}
        snaps = [
            snap
            for volume in volumes
            for snap in self._cloud.every(VOLUME, "/snapshots/detail", "snapshots", volume_id=volume, **self._all)
        ]
        if not base_id(server, list(volumes.values())):
            images += [image for image in self._volume_images() if image["id"] not in {each["id"] for each in images}]
        of_snap = {snap["id"]: {id_} for snap in snaps}
        images = [image for image in images if id_ in owners(image, of_snap)]
        return Things(server, tuple(volumes.values()), tuple(images), tuple(snaps), self._heirs.of(server, images))

    def pictured(self, server: Record) -> Things:
        """One server's things as they were read in bulk."""
        return self.picture().things(server, self._heirs)

    def volume(self, id_: str) -> Record | None:
        """One volume, None where it is gone."""
        return self._cloud.found(VOLUME, f"/volumes/{id_}", "volume")

    def volumes_of(self, server: Record) -> Iterator[Record]:
        """The volumes that a server has, and those that were swapped out of it."""
        for each in server.get("os-extended-volumes:volumes_attached") or ():
            volume = self.volume(each["id"])
            if volume is not None:
                yield volume
        former = json.dumps({VM: server["id"]}).replace('"', "'")
        for volume in self._cloud.every(VOLUME, "/volumes/detail", "volumes", metadata=former, **self._all):
            if (volume.get("metadata") or {}).get(VM) == server["id"]:
                yield volume

    def image_ids(self) -> set[str]:
        """The ids of all images that may be seen, of whatever kind."""
        return {image["id"] for image in self._cloud.every(IMAGE, _IMAGES, "images")}

    def _images(self, **query: object) -> list[Record]:
        return self._cloud.every(IMAGE, _IMAGES, "images", image_type="snapshot", **query)

    def _volume_images(self) -> list[Record]:
        """Images of servers that boot from volumes: Nova says neither of what server they are nor that they are any."""
        return self._cloud.every(IMAGE, _IMAGES, "images", bdm_v2="True")

    def volumes(self) -> dict[str, list[Record]]:
        """All volumes in one bulk read, by the servers that have or had them."""
        return self._sorted(self._all_volumes())

    def _all_volumes(self) -> list[Record]:
        if not self._cloud.has_volumes:
            return []
        return self._cloud.every(VOLUME, "/volumes/detail", "volumes", **self._all)

    @staticmethod
    def _sorted(volumes: list[Record]) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = defaultdict(list)
        for volume in volumes:
            whose = {each["server_id"] for each in volume.get("attachments") or ()}
            if former := (volume.get("metadata") or {}).get(VM):
                whose.add(former)
            for server in whose:
                found[server].append(volume)
        return found

    def _read_picture(self) -> Picture:
        volumes = self._all_volumes()
        of_server = self._sorted(volumes)
        images, snaps, made = defaultdict(list), defaultdict(list), defaultdict(list)
        found = {image["id"]: image for image in self._images()}
        for volume in volumes:
            if volume.get("snapshot_id"):
                made[volume["snapshot_id"]].append(str(volume.get("name") or volume["id"]))
        of_snap: dict[str, set[str]] = {}
        if self._cloud.has_volumes:
            found |= {image["id"]: image for image in self._volume_images()}
            of_volume: dict[str, set[str]] = defaultdict(set)
            for server, theirs in of_server.items():
                for volume in theirs:
                    of_volume[volume["id"]].add(server)
            for snap in self._cloud.every(VOLUME, "/snapshots/detail", "snapshots", **self._all):
                snaps[snap["volume_id"]].append(snap)
                of_snap[snap["id"]] = of_volume[snap["volume_id"]]
        for image in found.values():
            for server in owners(image, of_snap):
                images[server].append(image)
        return Picture(0.0, of_server, images, snaps, made)


def owners(image: Record, of_snap: Mapping[str, set[str]]) -> set[str]:
    """The servers that an image was taken of; `of_snap` are those that the volume snapshots were taken of.

    What an image inherited may name another server, so that volume snapshots, where it has any, are the better word.
    """
    cuts = [str(each["snapshot_id"]) for each in mapping_of(image) if each.get("snapshot_id")]
    found = {server for cut in cuts for server in of_snap.get(cut, ())}
    return found or ({str(image.get("instance_uuid"))} if not cuts or is_own(image) else set())
