"""A volume backend that stores what it is given, in plain sparse files.

`volumes/<id>` and `snapshots/<id>` under the state path are whole copies, by reflink where the file system can: so
every rule of states and order is Cinder's own, and a reverted volume really holds what it held.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from cinder import exception
from cinder.image import image_utils
from cinder.volume import driver
from oslo_concurrency import processutils
from oslo_config import cfg

CONF = cfg.CONF


class LabVolumeDriver(driver.VolumeDriver):  # type: ignore[misc]  # cinder has no types
    VERSION = "1"

    def do_setup(self, context: Any) -> None:
        del context
        for name in ("volumes", "snapshots"):
            _folder(name).mkdir(parents=True, exist_ok=True)

    def check_for_setup_error(self) -> None:
        pass

    def _update_volume_stats(self) -> None:
        self._stats = {
            "volume_backend_name": self.configuration.volume_backend_name,
            "vendor_name": "vmsnap",
            "driver_version": self.VERSION,
            "storage_protocol": "file",
            "total_capacity_gb": "infinite",
            "free_capacity_gb": "infinite",
            "reserved_percentage": 0,
            "QoS_support": False,
            "multiattach": False,
            "sparse_copy_volume": True,
        }

    # -- volumes

    def create_volume(self, volume: Any) -> None:
        _resize(_volume(volume), volume.size)

    def delete_volume(self, volume: Any) -> None:
        _volume(volume).unlink(missing_ok=True)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        _resize(_volume(volume), new_size)

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> None:
        _copy(_volume(src_vref), _volume(volume))
        _resize(_volume(volume), volume.size)

    def local_path(self, volume: Any) -> str:
        return str(_volume(volume))

    # -- snapshots

    def create_snapshot(self, snapshot: Any) -> None:
        time.sleep(_seconds("snapshot"))
        _copy(_folder("volumes") / snapshot.volume_id, _snapshot(snapshot))

    def delete_snapshot(self, snapshot: Any) -> None:
        time.sleep(_seconds("delete"))
        _snapshot(snapshot).unlink(missing_ok=True)

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        _copy(_snapshot(snapshot), _volume(volume))
        _resize(_volume(volume), volume.size)

    def revert_to_snapshot(self, context: Any, volume: Any, snapshot: Any) -> None:
        del context
        time.sleep(_seconds("revert"))
        if not _snapshot(snapshot).exists():
            raise exception.SnapshotNotFound(snapshot_id=snapshot.id)
        _copy(_snapshot(snapshot), _volume(volume))

    # -- images

    def clone_image(
        self, context: Any, volume: Any, image_location: Any, image_meta: Any, image_service: Any
    ) -> tuple[dict[str, Any], bool]:
        del context, volume, image_location, image_meta, image_service
        return {}, False

    def copy_image_to_volume(
        self, context: Any, volume: Any, image_service: Any, image_id: str, disable_sparse: bool = False
    ) -> None:
        del disable_sparse
        image_utils.fetch_to_raw(context, image_service, image_id, str(_volume(volume)), "1M", size=volume.size)
        _resize(_volume(volume), volume.size)

    def copy_volume_to_image(self, context: Any, volume: Any, image_service: Any, image_meta: Any) -> None:
        image_utils.upload_volume(
            context, image_service, image_meta, str(_volume(volume)), volume, store_id=image_meta.get("store_id")
        )

    # -- attaching: the compute side of this cloud needs no more than a path

    def ensure_export(self, context: Any, volume: Any) -> None:
        pass

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        pass

    def remove_export(self, context: Any, volume: Any) -> None:
        pass

    def initialize_connection(self, volume: Any, connector: Any) -> dict[str, Any]:
        del connector
        return {"driver_volume_type": "local", "data": {"device_path": str(_volume(volume))}}

    def terminate_connection(self, volume: Any, connector: Any, **_: Any) -> None:
        pass


def _folder(*names: str) -> Path:
    return Path(CONF.state_path, *names)


def _volume(volume: Any) -> Path:
    return _folder("volumes", volume.id)


def _snapshot(snapshot: Any) -> Path:
    return _folder("snapshots", snapshot.id)


def _resize(path: Path, gigabytes: int) -> None:
    with path.open("ab") as file:
        file.truncate(gigabytes << 30)


def _copy(source: Path, target: Path) -> None:
    processutils.execute("cp", "--reflink=auto", "--sparse=always", str(source), str(target))


def _seconds(what: str) -> float:
    """How long an action takes, as the tests want it."""
    try:
        return float(Path(CONF.state_path, f"{what}.seconds").read_text())
    except OSError:
        return 0.0
