"""What of a server is compared with its snapshots."""

from __future__ import annotations

import json

import pytest

from vmsnap_tui.model.errors import Unsupported
from vmsnap_tui.platforms.openstack.definition import definition_now, definition_then
from vmsnap_tui.platforms.openstack.snapshots import Part, Things

SERVER = {"id": "server", "name": "web"}
VOLUME = {"id": "v", "size": 2, "attachments": [{"server_id": "server", "device": "/dev/vdb"}]}
ELSEWHERE = {"id": "w", "size": 9, "attachments": []}
IMAGE = {"id": "image", "hw_disk_bus": "scsi", "os_distro": "debian", "os_hidden": False, "base_image_ref": "b"}
SNAP = {"id": "s", "volume_id": "v", "size": 1}
THINGS = Things(SERVER, (VOLUME, ELSEWHERE))


def test_properties_and_volumes() -> None:
    now = json.loads(definition_now(THINGS, {"hw_disk_bus": "virtio", "os_distro": "debian", "min_ram": 0}).text)
    assert now == {"image properties": {"hw_disk_bus": "virtio", "os_distro": "debian"}, "volumes": {"vdb": "2 GiB"}}
    then = definition_then(THINGS, Part("image", [IMAGE], [SNAP]))
    assert json.loads(then.text) == {
        "image properties": {"hw_disk_bus": "scsi", "os_distro": "debian"},
        "volumes": {"vdb": "1 GiB"},
    }
    assert "flavour" in then.lacks


def test_of_a_server_that_boots_from_a_volume_the_mapping_counts() -> None:
    mapping = [{"snapshot_id": "s", "device_name": "/dev/vda", "volume_size": 5}, {"guest_format": "swap"}]
    image = {**IMAGE, "block_device_mapping": json.dumps(mapping)}
    then = definition_then(THINGS, Part("image", [image], [SNAP]))
    assert json.loads(then.text)["volumes"] == {"vda": "5 GiB"}


def test_volumes_alone_know_nothing_of_the_server() -> None:
    with pytest.raises(Unsupported, match="no definition"):
        definition_then(THINGS, Part("s", [], [SNAP]))
