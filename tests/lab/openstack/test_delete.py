"""Deleting: what depends on a snapshot is named first, and a group goes as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Delete, LossKind, Scope

from .proofs import SIZE, Proof

if TYPE_CHECKING:
    from vmsnap_tui.platforms.protocol import Platform

    from .lab import OpenStackLab


def test_dependents_are_named_and_live_on(cloud: OpenStackLab, platform: Platform) -> None:
    server = cloud.seed_server("depended")
    cloud.attach_volume(server, cloud.seed_volume("depended"))
    proof = Proof.on(cloud, platform, server)
    for name in ("one", "two", "three"):
        proof.write(name)
        proof.take_by("whole", name)
    parts = {disk.disk: disk.place for disk in proof.snapshots["one"].disks}
    made = cloud.seed_volume("made", snapshot_id=parts["sdb"])
    booted = cloud.seed_server("booted", image=parts["root"])

    plan = proof.plan(Delete(proof.snapshots["one"].ref))
    assert "Volume “made” was made from “one”." in plan.cautions
    assert "Server “booted” was made from “one”." in plan.cautions
    assert any("“two”" in caution for caution in plan.cautions)
    assert [(loss.kind, loss.what, loss.detail) for loss in plan.losses] == [
        (LossKind.SNAPSHOT, "one", "1 image and 1 volume snapshot")
    ]
    proof.do(plan.request)
    assert proof.tree == {"two": None, "three": "two"}
    assert left(cloud, server) == (["three", "two"], ["three", "two"])
    assert cloud.read_volume(made, SIZE).rstrip(b"\0") == b"one"
    assert cloud.root_disk(booted).read_bytes().startswith(b"one")

    proof.do(Delete(proof.snapshots["two"].ref, Scope.TREE))
    assert proof.snapshots == {}
    assert left(cloud, server) == ([], [])
    assert proof.held() == {"root": "three", "sdb": "three"}
    cloud.connect().compute.delete_server(booted)


def test_an_image_goes_with_what_nova_made_along_with_it(cloud: OpenStackLab, platform: Platform) -> None:
    server = cloud.seed_server("boots-deleted", volume=cloud.seed_volume("boots-deleted", image=cloud.image()))
    proof = Proof.on(cloud, platform, server)
    proof.take_by("image", "whole")
    (volume,) = cloud.connect().compute.get_server(server).attached_volumes
    assert len(list(cloud.connect().block_storage.snapshots(volume_id=volume["id"]))) == 1
    proof.do(Delete(proof.snapshots["whole"].ref))
    assert left(cloud, server) == ([], [])


def left(cloud: OpenStackLab, server: str) -> tuple[list[str], list[str]]:
    """The names of what the services still have: images, and snapshots of the attached volumes."""
    connection = cloud.connect()
    attached = [each["id"] for each in connection.compute.get_server(server).attached_volumes]
    cuts = [snap.name for volume in attached for snap in connection.block_storage.snapshots(volume_id=volume)]
    return sorted(image.name for image in connection.image.images(instance_uuid=server)), sorted(cuts)
