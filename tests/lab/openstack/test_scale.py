"""Large projects: read whole by few requests, and left in peace while nothing moves."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import until
from vmsnap_tui.model.vm import VmRef, VmState

from .conftest import site_of
from .lab import ADMIN, MEMBER, Login

if TYPE_CHECKING:
    from vmsnap_tui.model.snapshot import Snapshot

    from .conftest import Follow, Opened
    from .lab import OpenStackLab, Request

SERVERS, IMAGES, SNAPS = 500, 1000, 1000
PAGES = {"nova": 3, "glance": 3, "cinder": 4}
"""Requests for all rows: a page holds 200 servers and 1,000 of the rest, and one that is full is asked what follows.
Volumes are listed twice, for the servers' disks and for the snapshots' tree; images of servers that boot from volumes
are found by a list of their own."""
LOGIN = 7
"""Requests of logging in and finding out what there is."""
LARGE = Login("lab-large", MEMBER.user, MEMBER.password, "large")
SITE = site_of(LARGE)


@pytest.fixture(scope="module")
def server(cloud: OpenStackLab) -> str:
    """One of so many, with a volume, in a project that holds nothing else."""
    admin = cloud.connect(ADMIN).identity
    project = admin.create_project(name=LARGE.project, domain_id="default")
    admin.assign_project_role_to_user(project, admin.find_user(LARGE.user), admin.find_role("member"))
    clouds = json.loads(cloud.clouds_yaml.read_text())
    member = clouds["clouds"][MEMBER.cloud]
    clouds["clouds"][LARGE.cloud] = member | {"auth": member["auth"] | {"project_name": LARGE.project}}
    cloud.clouds_yaml.write_text(json.dumps(clouds))
    return cloud.seed_large(LARGE, servers=SERVERS, images=IMAGES, snapshots=SNAPS)


def counted(requests: list[Request]) -> Counter[str]:
    """How many lists each service gave."""
    lists = [request for request in requests if request.path.endswith(("/images", "/detail"))]
    assert {request.status for request in lists} == {200}
    return Counter(request.service for request in lists)


def test_all_of_it_is_read_by_few_requests(here: OpenStackLab, server: str, opened: Opened) -> None:
    with here.counting() as requests:
        platform = opened(SITE)
        vms = [vm for page in platform.vms() for vm in page]
        found: dict[VmRef, tuple[Snapshot, ...]] = {}
        for start in range(0, len(vms), 40):  # as the engine asks
            found |= platform.snapshots([vm.ref for vm in vms[start : start + 40]])
    assert len(vms) == len({vm.ref for vm in vms}) == SERVERS
    assert found.keys() == {vm.ref for vm in vms}
    parts = {disk.place for snapshot in found[VmRef(SITE.name, server)] for disk in snapshot.disks if disk.place}
    assert len(parts) == IMAGES + SNAPS
    assert counted(requests) == PAGES
    assert len(requests) <= sum(PAGES.values()) + LOGIN


def test_the_first_rows_come_before_the_rest_is_asked_for(here: OpenStackLab, server: str, opened: Opened) -> None:
    del server
    platform = opened(SITE)
    with here.counting() as requests:
        assert len(next(iter(platform.vms()))) == 200
    assert counted(requests)["glance"] == 0
    assert counted(requests)["nova"] == 1


async def test_polling_calms_down_and_wakes_up(here: OpenStackLab, follow: Follow) -> None:
    server = here.seed_server("polled")
    site = site_of(MEMBER)
    async with follow(site) as engine:
        await engine.loaded(snapshots=True)
        began = time.time()

        def pauses() -> list[float]:
            asked = [request for request in here.requests(since=began) if "changes-since" in request.query]
            return [later.time - earlier.time for earlier, later in pairwise(asked)]

        await until(lambda: max(pauses(), default=0) > 8, "a long pause", patience=300)
        quiet = pauses()
        assert max(quiet) > 2 * min(quiet)
        # What is begun elsewhere is seen at the next look, and from then on it looks often.
        await asyncio.to_thread(here.connect().compute.stop_server, server)
        ref = VmRef(site.name, server)
        await until(lambda: (vm := engine.store.vm(ref)) is not None and vm.state is VmState.OFF, "it off", patience=90)
        seen = len(pauses())
        await until(lambda: len(pauses()) >= seen + 3, "more looks", patience=60)
        assert min(pauses()[seen:]) < max(quiet) / 2
