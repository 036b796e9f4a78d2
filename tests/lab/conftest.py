"""Labs: the real thing, brought up for the session."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.lab.libvirt.lab import Lab, LabUnavailableError
from tests.lab.openshift import software
from tests.lab.openshift.lab import OpenShiftLab
from tests.lab.openstack.lab import OpenStackLab
from tests.lab.openstack.virt import VirtHost

if TYPE_CHECKING:
    from collections.abc import Iterator

AnyLab = TypeVar("AnyLab", Lab, OpenShiftLab, OpenStackLab, VirtHost)

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    compiling = 600 if software.is_made() else 3600
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
            if item.get_closest_marker("timeout") is None:  # the first one waits for packages too
                of_cluster = isinstance(item, pytest.Function) and "cluster" in item.fixturenames
                item.add_marker(pytest.mark.timeout(compiling if of_cluster else 600))


def _running(lab: AnyLab) -> Iterator[AnyLab]:
    try:
        with lab:
            yield lab
    except LabUnavailableError as error:
        if os.environ.get("CI") == "true":  # there a lab that is missing is a failure
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A running libvirtd of our own; guests that a test defines may stay for the next."""
    yield from _running(Lab())


@pytest.fixture(scope="session")
def cloud() -> Iterator[OpenStackLab]:
    """A running OpenStack of our own; what a test puts there may stay for the next."""
    yield from _running(OpenStackLab())


@pytest.fixture(scope="module")
def virt_cloud(cloud: OpenStackLab) -> Iterator[VirtHost]:
    """A compute host of the cloud's that runs real machines, as long as the module's tests."""
    # On a libvirt of its own: Nova takes up none that has guests already.
    with contextmanager(_running)(Lab()) as lab:
        yield from _running(VirtHost(cloud, lab))


@pytest.fixture(scope="session")
def cluster() -> Iterator[OpenShiftLab]:
    """A running cluster of our own; tests keep to namespaces of their own and need not clean up."""
    yield from _running(OpenShiftLab())
