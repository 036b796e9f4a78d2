"""The contract that every platform keeps, on a real OpenStack."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

import openstack.exceptions
import pytest

from tests.platforms.contract import PlatformContract
from tests.platforms.subject import Subject
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.platforms import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.protocol import Platform

    from .lab import OpenStackLab

_SITE = Site("cloud", PlatformKind.OPENSTACK, "lab")


def _wait(server: str, lab: OpenStackLab, *, task: str | None = None) -> None:
    """Until no task is at work on a server; with `task`, until it is at another one."""
    deadline = time.monotonic() + 60
    while lab.connect().compute.get_server(server).task_state != task:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@dataclass
class Somebody:
    """Another client."""

    lab: OpenStackLab
    server: str

    def take(self, name: str) -> None:
        self.lab.connect().compute.create_server_image(self.server, name)
        _wait(self.server, self.lab)

    def delete(self, name: str) -> None:
        images = self.lab.connect().image
        (found,) = [image for image in images.images(instance_uuid=self.server) if image.name == name]
        images.delete_image(found.id, ignore_missing=False)

    def remove_vm(self) -> None:
        compute = self.lab.connect().compute
        compute.delete_server(self.server)
        deadline = time.monotonic() + 60
        while compute.find_server(self.server) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.fixture(scope="module")
def other(cloud: OpenStackLab) -> str:
    return cloud.seed_server("contract-other")


@pytest.fixture(scope="module")
def platform(cloud: OpenStackLab) -> Iterator[Platform]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.clouds_yaml))
        platform = registry.create(_SITE)
        platform.open()
        yield platform
        platform.close()


def _subject(lab: OpenStackLab, platform: Platform, other: str, *, off: bool) -> Iterator[Subject]:
    platform.open()
    compute = lab.connect().compute
    server = lab.seed_server(f"contract-{uuid4().hex[:8]}")
    if off:
        compute.stop_server(server)
        compute.wait_for_server(compute.get_server(server), status="SHUTOFF", interval=0.2)
    vm, stays = VmRef(_SITE.name, server), VmRef(_SITE.name, other)
    read_only = replace(_SITE, read_only=True)
    yield Subject(platform, vm, stays, Somebody(lab, server), lambda: registry.create(read_only))
    with suppress(openstack.exceptions.NotFoundException):
        compute.delete_server(server, ignore_missing=False)
    for image in lab.connect().image.images(instance_uuid=server):
        lab.connect().image.delete_image(image.id)


class TestOff(PlatformContract):
    """All of it, on a server that is off."""

    @pytest.fixture
    def subject(self, cloud: OpenStackLab, platform: Platform, other: str) -> Iterator[Subject]:
        yield from _subject(cloud, platform, other, off=True)


class TestRunning:
    """What a server that runs makes different."""

    @pytest.fixture
    def subject(self, cloud: OpenStackLab, platform: Platform, other: str) -> Iterator[Subject]:
        yield from _subject(cloud, platform, other, off=False)

    test_consistency_is_as_promised = PlatformContract.test_consistency_is_as_promised
    test_restore_branches = PlatformContract.test_restore_branches
    test_safety_snapshot_comes_first = PlatformContract.test_safety_snapshot_comes_first

    @pytest.mark.parametrize("early", [True, False], ids=["before it begins", "at its first report"])
    def test_stopped_take_is_all_or_nothing(self, subject: Subject, *, early: bool) -> None:
        PlatformContract().test_stopped_is_all_or_nothing(subject, "take", early=early)
