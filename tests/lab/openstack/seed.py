"""Putting things into the cloud: what tests work on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from .identity import ADMIN, MEMBER, Login

if TYPE_CHECKING:
    from collections.abc import Mapping

FLAVOR: Final = "tiny"
FLAVOR_WITHOUT_DISK: Final = "tiny-volume"
IMAGE: Final = "guest"


class Seeds:
    """What a lab can be filled with. Everything is ready for use when a method returns, and named by its id."""

    def connect(self, login: Login = MEMBER) -> Any:
        raise NotImplementedError

    def seed_flavor(self, name: str = FLAVOR, *, memory_mib: int = 64, disk_gib: int = 1) -> str:
        """A flavor for everybody; the same one when it is there already."""
        compute = self.connect(ADMIN).compute
        found = compute.find_flavor(name) or compute.create_flavor(name=name, ram=memory_mib, vcpus=1, disk=disk_gib)
        return str(found.id)

    def seed_image(
        self,
        name: str = IMAGE,
        *,
        data: bytes = b"guest".ljust(64 * 1024, b"."),
        properties: Mapping[str, str] | None = None,
        agent: bool = False,
        require_quiesce: bool = False,
        login: Login = ADMIN,
    ) -> str:
        """An image that holds `data`, raw unless `properties` say otherwise; the admin's are for everybody."""
        flags = {"hw_qemu_guest_agent": "yes"} if agent else {}
        flags |= {"os_require_quiesce": "yes"} if require_quiesce else {}
        visibility = "public" if login == ADMIN else "private"
        image = self.connect(login).image
        formats = {"disk_format": "raw", "container_format": "bare", "visibility": visibility}
        described = formats | flags | dict(properties or {})
        created = image.create_image(name, data=data, allow_duplicates=True, **described)
        return str(created.id)

    def seed_server(
        self,
        name: str,
        *,
        image: str | None = None,
        volume: str | None = None,
        flavor: str | None = None,
        login: Login = MEMBER,
        wait: bool = True,
        **attributes: Any,
    ) -> str:
        """A running server from an image (by default the first one of the lab's), or one that boots from a volume."""
        if volume is not None:
            mapping = {"boot_index": 0, "uuid": volume, "source_type": "volume", "destination_type": "volume"}
            boot: dict[str, Any] = {"block_device_mapping_v2": [mapping]}
            flavor = flavor or self.seed_flavor(FLAVOR_WITHOUT_DISK, disk_gib=0)
        else:
            boot = {"image_id": image or self.image()}
            flavor = flavor or self.seed_flavor()
        compute = self.connect(login).compute
        # There is no network in this cloud.
        server = compute.create_server(name=name, flavor_id=flavor, networks="none", **boot, **attributes)
        if wait:
            compute.wait_for_server(server, wait=120, interval=0.3)
        return str(server.id)

    def seed_servers(self, count: int, *, prefix: str = "many", login: Login = MEMBER) -> list[str]:
        """Many of them, asked for in groups of a hundred as they are called `prefix-1` and so on."""
        image, flavor = self.image(), self.seed_flavor()
        compute = self.connect(login).compute
        for begin in range(0, count, 100):
            number = min(100, count - begin)
            compute.create_server(
                name=f"{prefix}-{begin // 100}",
                image_id=image,
                flavor_id=flavor,
                networks="none",
                min_count=number,
                max_count=number,
            )
        ids: list[str] = []
        for server in compute.servers(name=f"^{prefix}-"):
            compute.wait_for_server(server, wait=600, interval=1)
            ids.append(str(server.id))
        return ids

    def seed_volume(
        self, name: str, *, size_gib: int = 1, image: str | None = None, login: Login = MEMBER, **attributes: Any
    ) -> str:
        """An empty volume, or one that holds an image."""
        storage = self.connect(login).block_storage
        source = {"image_id": image} if image else {}
        volume = storage.create_volume(name=name, size=size_gib, **source, **attributes)
        storage.wait_for_status(volume, "available", ["error"], interval=0.3, wait=60)
        return str(volume.id)

    def attach_volume(self, server: str, volume: str, *, login: Login = MEMBER) -> None:
        connection = self.connect(login)
        connection.compute.create_volume_attachment(server, volume_id=volume)
        storage = connection.block_storage
        storage.wait_for_status(storage.get_volume(volume), "in-use", ["error"], interval=0.3, wait=60)

    def seed_volume_snapshots(
        self, volume: str, count: int, *, prefix: str = "many", login: Login = MEMBER
    ) -> list[str]:
        """Many snapshots of one volume, in no certain order."""
        storage = self.connect(login).block_storage
        storage.get_volume(volume)  # one token for all that follow

        def make(number: int) -> str:
            snapshot = storage.create_snapshot(name=f"{prefix}-{number}", volume_id=volume, force=True)
            return str(storage.wait_for_status(snapshot, "available", ["error"], interval=1, wait=600).id)

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(make, range(count)))

    def seed_images(self, count: int, *, prefix: str = "many", login: Login = MEMBER, **properties: str) -> list[str]:
        """Many small images."""
        self.connect(login).authorize()

        def make(number: int) -> str:
            return self.seed_image(f"{prefix}-{number}", data=b"x" * 512, properties=properties, login=login)

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(make, range(count)))

    def seed_queued_image(self, name: str, *, login: Login = MEMBER, **properties: str) -> str:
        """An image that nobody ever uploads anything to."""
        formats = {"disk_format": "raw", "container_format": "bare"}
        return str(self.connect(login).image.create_image(name, **formats, **properties).id)

    def set_quota(self, login: Login = MEMBER, **limits: int) -> None:
        """Limits of a login's project: instances, cores, ram; volumes, snapshots, gigabytes."""
        admin = self.connect(ADMIN)
        project = admin.identity.find_project(login.project, ignore_missing=False).id
        compute = {key: limit for key, limit in limits.items() if key in {"instances", "cores", "ram"}}
        storage = {key: limit for key, limit in limits.items() if key not in compute}
        if compute:
            admin.compute.update_quota_set(project, **compute)
        if storage:
            admin.block_storage.update_quota_set(project, **storage)

    def image(self) -> str:
        """The lab's own image, made when it is first asked for."""
        found = self.connect(ADMIN).image.find_image(IMAGE)
        return str(found.id) if found else self.seed_image()
