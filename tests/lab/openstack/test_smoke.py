"""The OpenStack lab itself: what other tests build on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import openstack.exceptions
import pytest
from keystoneauth1.exceptions import ConnectFailure, Unauthorized

from tests.lab.libvirt.daemon import wait_until

from .lab import ADMIN, OTHER

if TYPE_CHECKING:
    from .lab import OpenStackLab


def _snapshot(cloud: OpenStackLab, server: str, name: str) -> str:
    """Take an image and wait until both Nova and Glance are done."""
    compute, images = cloud.connect().compute, cloud.connect().image
    image = compute.create_server_image(server, name)
    images.wait_for_status(images.get_image(image.id), "active", ["killed", "deleted"], interval=0.2, wait=60)
    wait_until(lambda: compute.get_server(server).task_state is None, 30, "the task to end")
    return str(image.id)


def test_an_image_holds_the_disk_and_a_rebuild_brings_it_back(cloud: OpenStackLab) -> None:
    server = cloud.seed_server("smoke-root")
    cloud.root_disk(server).write_bytes(b"first")
    image = _snapshot(cloud, server, "first")
    cloud.root_disk(server).write_bytes(b"second")
    compute = cloud.connect().compute
    compute.rebuild_server(server, image)
    compute.wait_for_server(compute.get_server(server), interval=0.2)
    assert cloud.root_disk(server).read_bytes() == b"first"


def test_volume_snapshots_hold_data_and_revert(cloud: OpenStackLab) -> None:
    storage = cloud.connect().block_storage
    volume = cloud.seed_volume("smoke-volume")
    cloud.write_volume(volume, b"first")
    (snapshot,) = cloud.seed_volume_snapshots(volume, 1)
    cloud.write_volume(volume, b"second")
    storage.revert_volume_to_snapshot(volume, snapshot)
    storage.wait_for_status(storage.get_volume(volume), "available", ["error"], interval=0.2, wait=60)
    assert cloud.read_volume(volume, 6) == b"first\0"


def test_a_server_boots_from_a_volume_that_holds_an_image(cloud: OpenStackLab) -> None:
    volume = cloud.seed_volume("smoke-boot", image=cloud.seed_image("smoke", data=b"image".ljust(512, b".")))
    assert cloud.read_volume(volume, 5) == b"image"
    server = cloud.seed_server("smoke-boot", volume=volume)
    cloud.attach_volume(server, cloud.seed_volume("smoke-data"))
    assert len(cloud.connect().compute.get_server(server).attached_volumes) == 2


def test_a_freeze_is_skipped_where_no_agent_answers_and_fails_where_there_can_be_none(cloud: OpenStackLab) -> None:
    image = cloud.seed_image("smoke-agent", agent=True, require_quiesce=True)
    server = cloud.seed_server("smoke-agent", image=image)
    cloud.set_agent(server, answers=True)
    cloud.set_duration("server-snapshot", 2)
    compute = cloud.connect().compute
    compute.create_server_image(server, "quiesced")
    wait_until(lambda: cloud.is_frozen(server), 30, "the freeze")
    wait_until(lambda: not cloud.is_frozen(server), 30, "the thaw")
    wait_until(lambda: compute.get_server(server).task_state is None, 30, "the task to end")
    cloud.set_agent(server, answers=False)
    skipped = compute.create_server_image(server, "not quiesced")
    wait_until(lambda: compute.get_server(server).task_state is None, 30, "the task to end")
    assert cloud.connect().image.get_image(skipped.id).status == "active"
    unable = cloud.seed_server("smoke-unable", image=cloud.seed_image("smoke-unable", require_quiesce=True))
    failed = compute.create_server_image(unable, "not able")
    wait_until(lambda: compute.get_server(unable).task_state is None, 30, "the task to end")
    with pytest.raises(openstack.exceptions.NotFoundException):  # nova takes it away
        cloud.connect().image.get_image(failed.id)
    cloud.set_duration("server-snapshot", 0.2)


def test_members_see_their_own_project(cloud: OpenStackLab) -> None:
    server = cloud.seed_server("smoke-hidden")
    assert cloud.connect(OTHER).compute.find_server(server) is None
    assert cloud.connect(ADMIN).compute.get_server(server).name == "smoke-hidden"


def test_an_api_that_stops_refuses_connections_and_comes_back(cloud: OpenStackLab) -> None:
    cloud.stop_api("nova")
    with pytest.raises((ConnectFailure, openstack.exceptions.SDKException)):
        list(cloud.connect().compute.servers())
    cloud.start_api("nova")
    list(cloud.connect().compute.servers())


def test_requests_are_counted_and_fail_on_demand(cloud: OpenStackLab) -> None:
    compute = cloud.connect().compute
    list(compute.servers())
    with cloud.counting() as requests:
        list(compute.servers(details=True))
    assert [(request.service, request.method) for request in requests] == [("nova", "GET")]
    cloud.fault("nova", "/servers/detail", status=409, body='{"conflictingRequest": {"message": "told to"}}')
    with pytest.raises(openstack.exceptions.ConflictException, match="told to"):
        list(compute.servers())
    list(compute.servers())


def test_tokens_expire_when_told_to(cloud: OpenStackLab) -> None:
    cloud.set_token_lifetime(15)
    try:
        connection = cloud.fresh_connection()
        token = connection.authorize()
        expiry = connection.session.auth.get_access(connection.session).expires.timestamp()
        wait_until(lambda: time.time() > expiry + 1, 30, "the token to expire")
        url = f"{cloud.services.place.url('compute')}/servers"
        # The token alone is refused; the connection gets itself another one.
        answer = connection.session.get(url, authenticated=False, headers={"X-Auth-Token": token}, raise_exc=False)
        assert answer.status_code == 401
        list(connection.compute.servers())
    finally:
        cloud.set_token_lifetime(14400)


def test_wrong_passwords_are_refused(cloud: OpenStackLab) -> None:
    wrong = cloud.fresh_connection()
    wrong.session.auth._password = "wrong"
    with pytest.raises((Unauthorized, openstack.exceptions.SDKException)):
        wrong.authorize()


def test_an_image_may_be_stuck(cloud: OpenStackLab) -> None:
    stuck = cloud.seed_queued_image("stuck", image_type="snapshot")
    assert cloud.connect().image.get_image(stuck).status == "queued"
