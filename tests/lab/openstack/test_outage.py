"""An API that goes away and comes back, in the middle of a job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import until
from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.vm import VmRef

from .conftest import site_of
from .lab import MEMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.jobs import Job

    from .conftest import Follow
    from .lab import OpenStackLab

SITE = site_of(MEMBER)


@pytest.fixture(scope="module")
def server(cloud: OpenStackLab) -> str:
    return cloud.seed_server("outage")


@pytest.fixture
def slowly(cloud: OpenStackLab) -> Iterator[None]:
    """An upload that takes its time."""
    cloud.set_duration("server-upload", 12)
    yield
    cloud.set_duration("server-upload", 0.2)
    cloud.start_api("nova")
    cloud.clear_faults()


async def submit(engine: Engine, vm: VmRef, name: str) -> Job:
    return await engine.jobs.submit(await engine.plan(Take(vm, name, method="image")))


def images(cloud: OpenStackLab, server: str, name: str) -> list[str]:
    return [image.status for image in cloud.connect().image.images(instance_uuid=server) if image.name == name]


@pytest.mark.usefixtures("slowly")
async def test_a_job_goes_on_when_nova_is_away_for_a_while(here: OpenStackLab, server: str, follow: Follow) -> None:
    vm = VmRef(SITE.name, server)
    async with follow(SITE) as engine:
        with here.counting() as requests:
            job = await submit(engine, vm, "outlived")
            await until(lambda: "uploading" in _phase(engine, job), "the upload to begin", patience=60)
            await asyncio.to_thread(here.stop_api, "nova")
            await until(lambda: _status(engine) is SiteStatus.LOST, "the loss to show", patience=60)
            assert isinstance(engine.store.sites[SITE.name].error, Unreachable)
            await until(lambda: "waiting for the cloud" in _phase(engine, job), "the job to say so", patience=60)
            await asyncio.to_thread(here.start_api, "nova")
            await until(lambda: _status(engine) is SiteStatus.ONLINE, "the return to show", patience=60)
            ended = await engine.jobs.wait(job.id)
        assert ended.state is JobState.DONE, ended.error
        found = [each for each in (await engine.facts(vm)).snapshots if each.name == "outlived"]
        assert [each.ready for each in found] == [True]
    assert images(here, server, "outlived") == ["active"]
    asked = [each for each in requests if each.service == "nova" and each.path.endswith("/action")]
    assert [each.method for each in asked] == ["POST"]


async def test_a_create_whose_answer_is_lost_is_done_once(here: OpenStackLab, server: str, follow: Follow) -> None:
    vm = VmRef(SITE.name, server)
    async with follow(SITE) as engine:
        here.fault("nova", "/action", methods=("POST",), status=504, body="gateway timeout", lost=True)
        ended = await engine.jobs.wait((await submit(engine, vm, "answer lost")).id)
        assert ended.state is JobState.DONE, ended.error
    assert images(here, server, "answer lost") == ["active"]


async def test_what_was_never_begun_fails_in_words(here: OpenStackLab, server: str, follow: Follow) -> None:
    vm = VmRef(SITE.name, server)
    async with follow(SITE) as engine:
        here.fault("nova", "/action", methods=("POST",), status=503, body="no server is available")
        ended = await engine.jobs.wait((await submit(engine, vm, "never begun")).id)
    assert ended.state is JobState.FAILED
    assert ended.error
    assert ended.error.hint
    assert images(here, server, "never begun") == []


def _phase(engine: Engine, job: Job) -> str:
    now = engine.jobs.get(job.id)
    return now.progress.phase if now and now.progress else ""


def _status(engine: Engine) -> SiteStatus:
    return engine.store.sites[SITE.name].status
