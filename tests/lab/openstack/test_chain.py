"""What holds a server's data in a real cloud, held against what the SDK reads by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.layer import LayerKind

from .proofs import Proof

if TYPE_CHECKING:
    from vmsnap_tui.platforms.protocol import Platform

    from .lab import OpenStackLab


def test_a_server_on_an_image_with_a_volume(cloud: OpenStackLab, platform: Platform) -> None:
    server = cloud.seed_server("chained")
    cloud.attach_volume(server, cloud.seed_volume("chained"))
    proof = Proof.on(cloud, platform, server)
    for name in ("one", "two"):
        proof.take_by("whole", name)
    survey = platform.survey([proof.vm])
    assert survey.is_healthy, survey.findings
    found = survey.holdings[proof.vm].layers
    sdk = cloud.connect()
    images = {each.id: each for each in sdk.image.images(instance_uuid=server)}
    taken = {each.place: each for each in found if each.kind is LayerKind.IMAGE and each.aside}
    assert taken.keys() == images.keys()
    for id_, image in images.items():
        assert (taken[id_].used, taken[id_].format) == (image.size, image.disk_format)
        assert dict(taken[id_].hops[0].details)["status"] == image.status
    attached = [each.volume_id for each in sdk.compute.volume_attachments(server)]
    assert [each.place for each in found if each.kind is LayerKind.VOLUME] == attached
    cuts = {each.id: each for each in sdk.block_storage.snapshots() if each.volume_id in attached}
    shown = {each.place: each for each in found if each.kind is LayerKind.VOLUME_SNAPSHOT}
    assert shown.keys() == cuts.keys()
    for id_, cut in cuts.items():
        assert shown[id_].virtual == cut.size * 2**30
        assert dict(shown[id_].hops[-1].details)["status"] == cut.status
    volume = sdk.block_storage.get_volume(attached[0])
    told = dict(next(each for each in found if each.kind is LayerKind.VOLUME).hops[0].details)
    assert (told["status"], told["type"]) == (volume.status, volume.volume_type)
