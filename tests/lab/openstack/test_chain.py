"""What holds a server's data in a real cloud, held against what the SDK reads by itself."""

from __future__ import annotations

import json
import os
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.layer import LayerKind

from . import packages
from .proofs import Proof

if TYPE_CHECKING:
    from pathlib import Path

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


def test_the_same_as_the_clouds_own_client_prints(cloud: OpenStackLab, platform: Platform) -> None:
    """Of a server that boots from a volume: server, volume, image and the snapshot that the image counts on."""
    root = cloud.seed_volume("printed", image=cloud.image())
    server = cloud.seed_server("printed", volume=root)
    proof = Proof.on(cloud, platform, server)
    proof.take_by("image", "one")
    printed = partial(client, cloud)
    found = platform.survey([proof.vm]).holdings[proof.vm].layers
    [volume] = [each for each in found if each.kind is LayerKind.VOLUME]
    [attached] = printed("server", "volume", "list", server)
    assert volume.place == attached["Volume ID"]
    shown = printed("volume", "show", volume.place)
    assert volume.virtual == shown["size"] * 2**30
    assert dict(volume.hops[0].details)["status"] == shown["status"]
    [cut] = [each for each in found if each.kind is LayerKind.VOLUME_SNAPSHOT]
    [listed] = printed("volume", "snapshot", "list", "--volume", volume.place)
    assert (cut.place, cut.virtual) == (listed["ID"], listed["Size"] * 2**30)
    [image] = [each for each in printed("image", "list", "--property", "bdm_v2=True") if each["Name"] == "one"]
    assert image["ID"] in {hop.name for hop in cut.hops}


def test_what_belongs_to_nobody_any_more_is_found(cloud: OpenStackLab, platform: Platform) -> None:
    """An image outlives its server; what Nova made along with an image outlives that."""
    server = cloud.seed_server("leaving")
    other = cloud.seed_server("staying", volume=cloud.seed_volume("staying", image=cloud.image()))
    leaving, staying = Proof.on(cloud, platform, server), Proof.on(cloud, platform, other)
    leaving.take_by("image", "kept")
    staying.take_by("image", "gone")
    image = leaving.snapshots["kept"].id
    [cut] = [
        each.place
        for each in platform.survey([staying.vm]).holdings[staying.vm].layers
        if each.kind is LayerKind.VOLUME_SNAPSHOT
    ]

    def codes() -> set[tuple[str, str]]:
        return {(each.code, each.place) for each in platform.survey(None).findings if each.place in {image, cut}}

    assert codes() == set()
    images = cloud.connect().image
    [doomed] = [each for each in images.images() if each.name == "gone"]
    images.delete_image(doomed.id)
    assert codes() == {("left-behind", cut)}
    leaving.outside.remove_vm()
    assert codes() == {("left-behind", cut), ("snapshot-of-nobody", image)}
    [mend] = next(each for each in platform.survey(None).findings if each.place == cut).mends
    assert mend.request is not None
    staying.do(mend.request)
    assert codes() == {("snapshot-of-nobody", image)}


def client(cloud: OpenStackLab, *words: str) -> Any:
    """What the command `openstack` prints."""
    command: list[str | Path] = [packages.client(), "--os-cloud", cloud.cloud, *words, "--format", "json"]
    done = subprocess.run(command, env=dict(os.environ) | cloud.environment, capture_output=True, check=True, text=True)
    return json.loads(done.stdout)
