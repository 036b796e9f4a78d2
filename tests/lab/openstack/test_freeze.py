"""What a snapshot of a running server is worth, with every kind of guest agent: nothing is claimed that is not so."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.snapshot import Consistency

from .proofs import Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.platforms.protocol import Platform

    from .lab import OpenStackLab


@pytest.fixture(scope="module")
def demanding(cloud: OpenStackLab, platform: Platform) -> Proof:
    """A server with a local disk whose image demands a freeze."""
    image = cloud.seed_image("demanding", agent=True, require_quiesce=True)
    return Proof.on(cloud, platform, cloud.seed_server("demanding", image=image))


@pytest.fixture(scope="module")
def booted(cloud: OpenStackLab, platform: Platform) -> Proof:
    """One that boots from a volume with such an image."""
    volume = cloud.seed_volume("booted", image=cloud.seed_image("booted", agent=True, require_quiesce=True))
    return Proof.on(cloud, platform, cloud.seed_server("booted", volume=volume))


@pytest.fixture
def slowly(cloud: OpenStackLab) -> Iterator[None]:
    cloud.set_duration("server-snapshot", 4)
    yield
    cloud.set_duration("server-snapshot", 0.2)


def failure(proof: Proof, name: str) -> VmsnapError:
    """Why it could not be taken; nothing of it is left, here or in the image service."""
    before = proof.snapshots
    with pytest.raises(VmsnapError) as caught:
        proof.take_by("image", name)
    assert proof.snapshots == before
    assert name not in {image.name for image in proof.lab.connect().image.images(instance_uuid=proof.vm.id)}
    assert proof.lab.connect().compute.get_server(proof.vm.id).task_state is None
    assert caught.value.hint
    return caught.value


@pytest.mark.usefixtures("slowly")
def test_an_agent_that_answers(cloud: OpenStackLab, demanding: Proof) -> None:
    cloud.set_agent(demanding.vm.id, answers=True)
    frozen = []

    def report(progress: Progress) -> None:
        assert progress.freeze is None
        frozen.append(cloud.is_frozen(demanding.vm.id))

    plan = demanding.plan(Take(demanding.vm, "frozen", method="image"))
    demanding.platform.run(plan.steps[0], report, Event())
    assert True in frozen
    assert not cloud.is_frozen(demanding.vm.id)
    # Nova tells nobody that it did: the same image comes of an agent that is silent.
    assert plan.consistency is demanding.snapshots["frozen"].consistency is Consistency.UNKNOWN
    assert demanding.platform.facts(demanding.vm).freeze.state is FreezeState.HIDDEN


@pytest.mark.parametrize("answers", [False, None], ids=["silent", "none"])
def test_an_agent_that_does_not(cloud: OpenStackLab, demanding: Proof, *, answers: bool | None) -> None:
    cloud.set_agent(demanding.vm.id, answers=answers)
    assert demanding.take_by("image", f"not frozen, {answers}").consistency is Consistency.UNKNOWN
    assert not cloud.is_frozen(demanding.vm.id)


def test_a_demand_that_cannot_be_met(cloud: OpenStackLab, platform: Platform) -> None:
    image = cloud.seed_image("unable", require_quiesce=True)
    failure(Proof.on(cloud, platform, cloud.seed_server("unable", image=image)), "never")


def test_of_volumes_a_freeze_is_certain(cloud: OpenStackLab, booted: Proof) -> None:
    cloud.set_agent(booted.vm.id, answers=True)
    assert booted.take_by("image", "frozen").consistency is Consistency.FILESYSTEM
    assert not cloud.is_frozen(booted.vm.id)
    cloud.set_agent(booted.vm.id, answers=False)
    assert "quiesc" in failure(booted, "not frozen").words.lower()


@pytest.mark.usefixtures("slowly")
def test_an_agent_that_dies_while_the_guest_is_frozen(cloud: OpenStackLab, demanding: Proof) -> None:
    cloud.set_agent(demanding.vm.id, answers=True)

    def report(_: Progress) -> None:
        if cloud.is_frozen(demanding.vm.id):
            cloud.set_agent(demanding.vm.id, answers=False)

    demanding.reports.clear()
    plan = demanding.plan(Take(demanding.vm, "died", method="image"))
    before = demanding.snapshots
    with pytest.raises(VmsnapError) as caught:
        demanding.platform.run(plan.steps[0], report, Event())
    assert "may stand frozen" in caught.value.hint
    assert demanding.snapshots == before
    assert cloud.is_frozen(demanding.vm.id)  # Nova leaves it so, and tells nobody
    assert demanding.platform.facts(demanding.vm).freeze.state is FreezeState.HIDDEN
    cloud.set_agent(demanding.vm.id, answers=True)


def test_what_is_not_demanded_is_not_promised(cloud: OpenStackLab, platform: Platform) -> None:
    able = cloud.seed_server("able", image=cloud.seed_image("able", agent=True))
    cloud.set_agent(able, answers=True)
    proof = Proof.on(cloud, platform, able)
    assert proof.take_by("image", "crash").consistency is Consistency.CRASH
    compute = cloud.connect().compute
    compute.stop_server(able)
    compute.wait_for_server(compute.get_server(able), status="SHUTOFF", interval=0.2)
    assert proof.take_by("image", "clean").consistency is Consistency.CLEAN
    assert proof.take_by("image", "clean as well").consistency is Consistency.CLEAN
