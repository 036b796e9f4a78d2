"""The contract that every platform keeps, on a real cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.lab.libvirt.daemon import wait_until
from tests.platforms.contract import PlatformContract
from tests.platforms.subject import Subject
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.platforms import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.protocol import Platform

    from .lab import OpenShiftLab

_SPACE = "contract"


@dataclass
class Somebody:
    """Another client."""

    lab: OpenShiftLab
    vm: str

    def take(self, name: str) -> None:
        source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": self.vm}
        item = {
            "kind": "VirtualMachineSnapshot",
            "metadata": {"name": name, "namespace": _SPACE},
            "spec": {"source": source},
        }
        self.lab.api.create("virtualmachinesnapshots", item)
        wait_until(lambda: self._is_ready(name), 60, name, every=0.1)

    def _is_ready(self, name: str) -> bool:
        found = self.lab.api.get("virtualmachinesnapshots", _SPACE, name)
        return bool(found.get("status", {}).get("readyToUse"))

    def delete(self, name: str) -> None:
        self.lab.api.delete("virtualmachinesnapshots", _SPACE, name)
        wait_until(lambda: self.lab.api.gone("virtualmachinesnapshots", _SPACE, name), 60, name, every=0.1)

    def remove_vm(self) -> None:
        self.lab.api.delete("virtualmachines", _SPACE, self.vm)
        for plural in ("virtualmachines", "virtualmachineinstances"):
            wait_until(lambda plural=plural: self.lab.api.gone(plural, _SPACE, self.vm), 60, self.vm, every=0.1)  # type: ignore[misc]


@pytest.fixture(scope="module")
def other(cluster: OpenShiftLab) -> str:
    cluster.seed_namespace(_SPACE)
    return cluster.seed_vm("other", 1, running=False, namespace=_SPACE)


@pytest.fixture(scope="module")
def site(cluster: OpenShiftLab) -> Site:
    options = {"kubeconfig": str(cluster.kubeconfig)}
    return Site("cluster", PlatformKind.OPENSHIFT, cluster.context, options=options)


@pytest.fixture(scope="module")
def platform(site: Site) -> Iterator[Platform]:
    platform = registry.create(site)
    platform.open()
    yield platform
    platform.close()


def _subject(lab: OpenShiftLab, site: Site, platform: Platform, other: str, *, running: bool) -> Iterator[Subject]:
    platform.open()
    name = lab.seed_vm(f"vm-{uuid4().hex[:8]}", running=running, namespace=_SPACE)
    vm, stays = (VmRef(site.name, f"{_SPACE}/{each}") for each in (name, other))
    read_only = replace(site, read_only=True)
    yield Subject(platform, vm, stays, Somebody(lab, name), lambda: registry.create(read_only))
    for item in lab.api.list("virtualmachinesnapshots", _SPACE):  # names are the namespace's, not the vm's
        lab.api.delete("virtualmachinesnapshots", _SPACE, item["metadata"]["name"])
    if not lab.api.gone("virtualmachines", _SPACE, name):
        lab.api.delete("virtualmachines", _SPACE, name)
    wait_until(lambda: not lab.api.list("virtualmachinesnapshots", _SPACE), 60, "the snapshots to go", every=0.1)


class TestOff(PlatformContract):
    """All of it, on a vm that is off."""

    @pytest.fixture
    def subject(self, cluster: OpenShiftLab, site: Site, platform: Platform, other: str) -> Iterator[Subject]:
        yield from _subject(cluster, site, platform, other, running=False)


class TestRunning:
    """What a vm that runs makes different."""

    @pytest.fixture
    def subject(self, cluster: OpenShiftLab, site: Site, platform: Platform, other: str) -> Iterator[Subject]:
        yield from _subject(cluster, site, platform, other, running=True)

    test_consistency_is_as_promised = PlatformContract.test_consistency_is_as_promised
    test_restore_branches = PlatformContract.test_restore_branches
    test_safety_snapshot_comes_first = PlatformContract.test_safety_snapshot_comes_first
    test_outside_snapshots_are_seen = PlatformContract.test_outside_snapshots_are_seen
