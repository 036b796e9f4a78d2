"""Quotas: refused beforehand where they are known, and nothing half-made where they are hit midway."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.model.errors import Failed
from vmsnap_tui.model.plan import Restore, Take
from vmsnap_tui.model.vm import VmRef

from .lab import MEMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.platforms.openstack.platform import OpenStackPlatform

    from .lab import OpenStackLab


@pytest.fixture(scope="module")
def server(cloud: OpenStackLab) -> str:
    """One with two volumes."""
    server = cloud.seed_server("quota")
    for name in ("quota-1", "quota-2"):
        cloud.attach_volume(server, cloud.seed_volume(name))
    return server


@pytest.fixture
def vm(cloud: OpenStackLab, server: str) -> Iterator[VmRef]:
    yield VmRef(MEMBER.cloud, server)
    cloud.set_quota(MEMBER, snapshots=-1, gigabytes=-1, volumes=-1, instances=-1)


def used(cloud: OpenStackLab, name: str) -> int:
    """What of a quota of the volume service is used."""
    limits = cloud.connect().block_storage.get_limits().absolute
    return int({"snapshots": limits.total_snapshots_used, "gigabytes": limits.total_gigabytes_used}[name])


def left(cloud: OpenStackLab, server: str, name: str) -> list[str]:
    """What there is by that name of the server."""
    connection = cloud.connect()
    images = [image.id for image in connection.image.images(instance_uuid=server) if image.name == name]
    return images + [snap.id for snap in connection.block_storage.snapshots() if snap.name == name]


def run(platform: OpenStackPlatform, plan: Plan) -> None:
    assert not plan.refusals, plan.refusals
    for step in plan.steps:
        platform.run(step, lambda _: None, Event())


def test_a_plan_says_which_quota_is_used_up(cloud: OpenStackLab, platform: OpenStackPlatform, vm: VmRef) -> None:
    already = used(cloud, "snapshots")
    cloud.set_quota(MEMBER, snapshots=already + 1)
    request = Take(vm, "too much", method="volumes")
    (refusal,) = platform.facts(vm).plan(request).refusals
    assert refusal.code == "quota"
    assert f"{already} of {already + 1} are used" in refusal.why
    assert refusal.instead
    cloud.set_quota(MEMBER, snapshots=already + 2)
    assert not platform.facts(vm).plan(request).refusals


def test_gigabytes_are_cautioned_of_and_their_end_is_told(
    cloud: OpenStackLab, platform: OpenStackPlatform, vm: VmRef
) -> None:
    already = used(cloud, "gigabytes")
    cloud.set_quota(MEMBER, gigabytes=already + 1)
    plan = platform.facts(vm).plan(Take(vm, "too large", method="volumes"))
    assert any(f"{already} of {already + 1} are used" in caution for caution in plan.cautions)
    with pytest.raises(Failed, match=r"[Qq]uota|LimitExceeded"):
        run(platform, plan)
    assert left(cloud, vm.id, "too large") == []


def test_what_was_made_before_a_quota_was_hit_is_taken_away(
    cloud: OpenStackLab, platform: OpenStackPlatform, vm: VmRef
) -> None:
    plan = platform.facts(vm).plan(Take(vm, "halfway", method="whole"))
    limit = used(cloud, "snapshots") + 1
    cloud.set_quota(MEMBER, snapshots=limit)
    with pytest.raises(Failed, match="SnapshotLimitExceeded") as caught:
        run(platform, plan)
    assert str(limit) in caught.value.words
    assert "larger quota" in caught.value.hint
    assert left(cloud, vm.id, "halfway") == []
    assert cloud.connect().compute.get_server(vm.id).task_state is None


def test_a_new_server_is_refused_before_and_fails_cleanly_midway(
    cloud: OpenStackLab, platform: OpenStackPlatform, vm: VmRef
) -> None:
    cloud.set_quota(MEMBER, instances=-1)
    run(platform, platform.facts(vm).plan(Take(vm, "to launch", method="image")))
    (taken,) = [each for each in platform.snapshots([vm])[vm] if each.name == "to launch"]
    request = Restore(taken.ref, how="new")
    plan = platform.facts(vm).plan(request)
    servers = len(list(cloud.connect().compute.servers()))
    cloud.set_quota(MEMBER, instances=servers)
    (refusal,) = platform.facts(vm).plan(request).refusals
    assert refusal.code == "quota"
    assert f"{servers} of {servers} are used" in refusal.why
    with pytest.raises(Failed, match=f"Quota exceeded for instances.*{servers} of {servers}") as caught:
        run(platform, plan)
    assert "larger quota" in caught.value.hint
    assert len(list(cloud.connect().compute.servers())) == servers


def test_an_image_that_is_too_large_says_so_and_is_gone(
    cloud: OpenStackLab, platform: OpenStackPlatform, vm: VmRef
) -> None:
    """As from a Glance that limits what a user may store."""
    body = json.dumps({"message": "Denying attempt to upload image because it exceeds the quota"})
    cloud.fault("glance", r"/images/[^/]+/file", methods=("PUT",), status=413, body=body)
    plan = platform.facts(vm).plan(Take(vm, "large", method="image"))
    with pytest.raises(Failed) as caught:
        run(platform, plan)
    cloud.clear_faults()
    assert caught.value.words
    assert caught.value.hint
    assert left(cloud, vm.id, "large") == []
