"""What only a look at all of a cloud shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.openstack.records import BASE, SERVER, image, server, snap, volume
from vmsnap_tui.model.plan import Delete
from vmsnap_tui.model.snapshot import SnapRef
from vmsnap_tui.model.survey import Severity
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.openstack.inventory import Picture
from vmsnap_tui.platforms.openstack.whole import findings_of

OWN = {"owner": "p1"}
BY_NOVA = snap("cut", "v1", "10:00:00", name="snapshot for friday")
FRIDAY = image(
    "friday", "10:00:00", **OWN, block_device_mapping=json.dumps([{"snapshot_id": "cut", "device_name": "/dev/vda"}])
)
VM = VmRef("cloud", SERVER)


def found(
    images: dict[str, list[Any]] | None = None,
    snaps: tuple[Any, ...] = (),
    *,
    servers: tuple[Any, ...] = (server(),),
    bases: set[str] | None = None,
) -> list[Any]:
    picture = Picture(0.0, {SERVER: [volume("v1")]}, images or {}, {"v1": list(snaps)})
    known = {each["id"]: each for each in servers}
    return list(findings_of(picture, known, bases or {BASE}, "cloud", "p1"))


def test_nothing_where_all_is_there() -> None:
    assert found({SERVER: [image("a", "10:00:00", **OWN), FRIDAY]}, (BY_NOVA,)) == []


def test_an_image_of_a_server_that_is_gone_is_a_note() -> None:
    [one] = found({"gone": [image("a", "10:00:00", **OWN)]})
    assert (one.code, one.severity, one.vm) == ("snapshot-of-nobody", Severity.NOTE, None)
    assert one.mends[0].command == "openstack image delete a"
    assert found({"gone": [image("a", "10:00:00", owner="somebody else")]}) == []


def test_an_image_whose_volume_snapshot_is_gone_is_an_error() -> None:
    [one] = found({SERVER: [FRIDAY]})
    assert (one.code, one.severity, one.vm, one.place) == ("snapshot-without-data", Severity.ERROR, VM, "cut")


@pytest.mark.parametrize("name", ["snapshot for friday", "mine"])
def test_what_nova_leaves_behind_when_an_image_goes(name: str) -> None:
    left = found(snaps=({**BY_NOVA, "name": name},))
    assert [each.code for each in left] == (["left-behind"] if name != "mine" else [])
    for each in left:
        assert each.mends[0].request == Delete(SnapRef(VM, "cut"))


def test_a_base_image_that_is_gone_is_a_note() -> None:
    [one] = found(bases={"another"})
    assert (one.code, one.severity, one.vm) == ("base-image-gone", Severity.NOTE, VM)
    assert found(servers=(server(image=""),), bases={"another"}) == []
