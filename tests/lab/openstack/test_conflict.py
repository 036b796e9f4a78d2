"""What stands in the way of a snapshot, and what is left when one is broken off."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.daemon import wait_until
from vmsnap_tui.model.errors import Conflict, VmsnapError
from vmsnap_tui.model.plan import Delete, Restore, Take

from .proofs import Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.protocol import Platform

    from .lab import OpenStackLab


@pytest.fixture(scope="module")
def proof(cloud: OpenStackLab, platform: Platform) -> Proof:
    """A server with one volume."""
    server = cloud.seed_server("contended")
    cloud.attach_volume(server, cloud.seed_volume("contended"))
    return Proof.on(cloud, platform, server)


@pytest.fixture(autouse=True)
def soundly(cloud: OpenStackLab) -> Iterator[None]:
    yield
    cloud.clear_faults()
    cloud.set_duration("server-snapshot", 0.2)


def images(proof: Proof, name: str) -> list[str]:
    return [image.id for image in proof.lab.connect().image.images(instance_uuid=proof.vm.id) if image.name == name]


def cuts(proof: Proof, name: str) -> list[str]:
    return [snap.id for snap in proof.lab.connect().block_storage.snapshots(name=name)]


def test_while_another_snapshot_is_taken(cloud: OpenStackLab, proof: Proof) -> None:
    cloud.set_duration("server-snapshot", 8)
    planned = proof.plan(Take(proof.vm, "second", method="image"))
    compute = cloud.connect().compute
    first = compute.create_server_image(proof.vm.id, "first")
    wait_until(lambda: compute.get_server(proof.vm.id).task_state, 30, "the first to begin")
    (refusal,) = proof.plan(planned.request).refusals
    assert refusal.code == "busy"
    assert "image_" in refusal.why
    with pytest.raises(Conflict, match="while it is in task_state") as caught:
        proof.run(planned.steps[0])
    assert "try again" in caught.value.hint
    assert images(proof, "second") == []
    wait_until(lambda: not compute.get_server(proof.vm.id).task_state, 60, "the first to end")
    assert cloud.connect().image.get_image(first.id).status == "active"
    proof.do(planned.request)
    assert proof.tree["second"] == first.id or proof.tree["second"] == "first"


def test_a_lost_answer_is_looked_up(cloud: OpenStackLab, proof: Proof) -> None:
    cloud.fault("nova", "/action$", methods=("POST",), status=504, body="gateway timeout", lost=True)
    cloud.fault("cinder", "/snapshots$", methods=("POST",), status=502, body="bad gateway", lost=True)
    with cloud.counting() as requests:
        proof.take_by("whole", "answers lost")
    assert len(images(proof, "answers lost")) == len(cuts(proof, "answers lost")) == 1
    sent = [request.path for request in requests if request.method == "POST" and request.status in {502, 504}]
    assert len(sent) == 2
    assert proof.snapshots["answers lost"].ready


def test_what_was_begun_is_taken_back(cloud: OpenStackLab, proof: Proof) -> None:
    before = proof.snapshots
    words = '{"badRequest": {"code": 400, "message": "the backend is full"}}'
    cloud.fault("cinder", "/snapshots$", methods=("POST",), status=400, body=words)
    with pytest.raises(VmsnapError, match="the backend is full"):
        proof.take_by("whole", "half")
    assert images(proof, "half") == cuts(proof, "half") == []
    assert proof.snapshots == before
    proof.take_by("whole", "half")


def test_an_image_that_is_stuck(cloud: OpenStackLab, proof: Proof) -> None:
    stuck = cloud.seed_queued_image("stuck", image_type="snapshot", instance_uuid=proof.vm.id)
    snapshot = proof.snapshots["stuck"]
    assert not snapshot.ready
    assert "queued" in snapshot.error
    plan = proof.plan(Restore(snapshot.ref))
    assert ("not-ready", snapshot.error) in {(refusal.code, refusal.why) for refusal in plan.refusals}
    proof.do(Delete(snapshot.ref))
    assert "stuck" not in proof.snapshots
    assert stuck not in {image.id for image in cloud.connect().image.images()}


def test_a_step_that_is_stopped_leaves_nothing(cloud: OpenStackLab, proof: Proof) -> None:
    cloud.set_duration("server-snapshot", 4)
    before = proof.snapshots
    stop = Event()
    plan = proof.plan(Take(proof.vm, "stopped", method="whole"))
    with pytest.raises(VmsnapError):
        proof.platform.run(plan.steps[0], lambda progress: stop.set() if "image" in progress.phase else None, stop)
    assert proof.snapshots == before
    assert images(proof, "stopped") == cuts(proof, "stopped") == []
    assert cloud.connect().compute.get_server(proof.vm.id).task_state is None
