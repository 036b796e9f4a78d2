"""Layers of a server with what the services say of them, and what is wrong with these."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.openstack.records import BASE, REF, SERVER, image, server, snap, volume
from vmsnap_tui.model.layer import LayerKind
from vmsnap_tui.model.plan import Delete
from vmsnap_tui.model.snapshot import SnapRef
from vmsnap_tui.platforms.openstack.chain import findings_of, layers
from vmsnap_tui.platforms.openstack.snapshots import Things, snapshots_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def held(**values: Any) -> Any:
    things = Things(values.pop("of", server()), **values)
    return layers(things, snapshots_of(things, REF))


def test_a_server_on_an_image() -> None:
    taken = image("i1", "11:00:00", disk_format="qcow2")
    found = held(images=(taken, image("i2", "11:30:00")), heirs={BASE: ("web-02",)})
    assert [(each.kind, each.place, each.aside, each.snapshots) for each in found] == [
        (LayerKind.ACTIVE, f"server {SERVER}", False, ()),
        (LayerKind.IMAGE, BASE, False, ()),
        (LayerKind.IMAGE, "i1", True, ("i1",)),
        (LayerKind.IMAGE, "i2", True, ("i2",)),
    ]
    assert found[1].users == ("web-02",)
    hop = found[2].hops[0]
    assert (hop.kind, hop.name, hop.ready, hop.error) == ("image", "i1", True, "")
    assert dict(hop.details)["based on"] == BASE
    assert (found[2].format, found[2].used) == ("qcow2", 65536)


def test_from_the_image_over_the_volumes_snapshot_to_the_volume() -> None:
    mapped = image("i1", "11:00:00", size=0, block_device_mapping=json.dumps([{"snapshot_id": "s1", "boot_index": 0}]))
    more = {"volume_type": "fast", "os-vol-host-attr:host": "node@ceph#pool", "source_volid": "golden"}
    disk = volume("v1", "/dev/vda", bootable="true", **more)
    found = held(of=server(image=""), volumes=(disk,), snaps=(snap("s1", "v1", "11:00:00"),), images=(mapped,))
    assert [(each.kind, each.place) for each in found] == [
        (LayerKind.VOLUME, "v1"),
        (LayerKind.VOLUME_SNAPSHOT, "s1"),
    ]
    assert dict(found[0].hops[0].details) == {
        "name": "v1", "status": "in-use", "type": "fast", "backend": "node@ceph#pool", "made from": "volume golden",
    }  # fmt: skip
    assert [(hop.kind, hop.name, hop.ready) for hop in found[1].hops] == [
        ("image", "i1", True),
        ("volume snapshot", "s1", True),
    ]


@pytest.mark.parametrize(
    ("status", "at", "codes"),
    [
        ("queued", "10:00:00", ["stuck-image"]),
        ("saving", "10:00:00", ["stuck-image"]),
        ("queued", "11:30:00", []),
        ("active", "10:00:00", []),
    ],
)
def test_an_image_that_never_becomes_complete(status: str, at: str, codes: list[str]) -> None:
    things = Things(server(), images=(image("i1", at, status=status),))
    findings = list(findings_of(things, REF, NOW))
    assert [each.code for each in findings] == codes
    for each in findings:
        assert each.mends[0].request == Delete(SnapRef(REF, "i1"))


@pytest.mark.parametrize(("status", "codes"), [("in-use", []), ("error_restoring", ["volume-in-error"])])
def test_a_volume_in_error(status: str, codes: list[str]) -> None:
    things = Things(server(), volumes=(volume("v1", status=status),))
    findings = list(findings_of(things, REF, NOW))
    assert [each.code for each in findings] == codes
    assert all("openstack volume message list" in each.mends[0].command for each in findings)


def test_a_volumes_snapshot_in_error_is_said_at_its_hop() -> None:
    found = held(volumes=(volume("v1"),), snaps=(snap("s1", "v1", "11:00:00", status="error"),))
    [layer] = [each for each in found if each.place == "s1"]
    assert layer.hops[-1].error == "it is error"
    assert layer.hops[-1].ready is False
