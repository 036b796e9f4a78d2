"""The contract that every platform keeps, on a real OpenStack."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

import openstack.exceptions
import pytest

from tests.platforms.contract import PlatformContract
from tests.platforms.subject import Subject
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms import registry

from .conftest import site_of
from .lab import MEMBER
from .proofs import Somebody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.protocol import Platform

    from .lab import OpenStackLab

SITE = site_of(MEMBER)


@pytest.fixture(scope="module")
def other(cloud: OpenStackLab) -> str:
    return cloud.seed_server("contract-other")


@dataclass
class Spares:
    """Servers that a test left as it found them, for the next one; by their status."""

    lab: OpenStackLab
    ready: dict[str, str] = field(default_factory=dict)

    def server(self, status: str) -> str:
        if status in self.ready:
            return self.ready.pop(status)
        compute = self.lab.connect().compute
        server = self.lab.seed_server(f"contract-{uuid4().hex[:8]}")
        if status == "SHUTOFF":
            compute.stop_server(server)
            compute.wait_for_server(compute.get_server(server), status=status, interval=0.2)
        return server

    def give_back(self, server: str) -> None:
        """Take away what a test left; a server that was rebuilt, or is gone, serves no other."""
        connection = self.lab.connect()
        for image in connection.image.images(instance_uuid=server):
            connection.image.delete_image(image.id)
        try:
            found = connection.compute.get_server(server)
        except openstack.exceptions.NotFoundException:
            return
        if found.image.id == self.lab.image() and found.status in {"ACTIVE", "SHUTOFF"} and not found.task_state:
            connection.compute.delete_server_metadata(server, list(found.metadata))
            self.ready[found.status] = server
        else:
            connection.compute.delete_server(server)


@pytest.fixture(scope="module")
def spares(cloud: OpenStackLab) -> Spares:
    return Spares(cloud)


def _subject(spares: Spares, platform: Platform, other: str, *, status: str) -> Iterator[Subject]:
    platform.open()
    server = spares.server(status)
    vm, stays = VmRef(SITE.name, server), VmRef(SITE.name, other)
    read_only = replace(SITE, read_only=True)
    yield Subject(platform, vm, stays, Somebody(spares.lab, server), lambda: registry.create(read_only))
    spares.give_back(server)


class TestOff(PlatformContract):
    """All of it, on a server that is off."""

    @pytest.fixture
    def subject(self, spares: Spares, platform: Platform, other: str) -> Iterator[Subject]:
        yield from _subject(spares, platform, other, status="SHUTOFF")


class TestRunning:
    """What a server that runs makes different."""

    @pytest.fixture
    def subject(self, spares: Spares, platform: Platform, other: str) -> Iterator[Subject]:
        yield from _subject(spares, platform, other, status="ACTIVE")

    test_consistency_is_as_promised = PlatformContract.test_consistency_is_as_promised
    test_restore_branches = PlatformContract.test_restore_branches
    test_safety_snapshot_comes_first = PlatformContract.test_safety_snapshot_comes_first

    @pytest.mark.parametrize("early", [True, False], ids=["before it begins", "at its first report"])
    def test_stopped_take_is_all_or_nothing(self, subject: Subject, *, early: bool) -> None:
        PlatformContract().test_stopped_is_all_or_nothing(subject, "take", early=early)
