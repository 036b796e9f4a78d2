"""Listing and watching a real API server: what stops, expires, is forbidden, or comes by the ten thousand."""

from __future__ import annotations

import time
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from tests.bench.cluster import openshift
from tests.lab.libvirt.daemon import wait_until
from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import Denied, Unreachable
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.platforms.openshift.kinds import VM_SNAPSHOTS
from vmsnap_tui.platforms.openshift.platform import OpenShiftPlatform

from .lab import ADMIN, READER, TENANT, OpenShiftLab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Heard:
    """What a watch tells."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Change] = SimpleQueue()

    def until(self, fits: Callable[[Change], bool], seconds: float = 60) -> Change:
        """The next change that fits."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                change = self.queue.get(timeout=max(0.01, deadline - time.monotonic()))
            except Empty:
                raise AssertionError("it was not told") from None
            if fits(change):
                return change

    def of(self, kind: ChangeKind, vm: VmRef | None = None) -> Change:
        """The next change of a kind, of a vm where one is named."""
        return self.until(lambda change: change.kind is kind and vm in {None, change.vm})


def platform_of(lab: OpenShiftLab, user: str = ADMIN, **options: str) -> OpenShiftPlatform:
    context = lab.context_of(user)
    return OpenShiftPlatform(
        Site("lab", PlatformKind.OPENSHIFT, context, options={"kubeconfig": str(lab.kubeconfig), **options})
    )


@contextmanager
def watched(lab: OpenShiftLab, user: str = ADMIN, **options: str) -> Iterator[tuple[OpenShiftPlatform, Heard]]:
    """A platform whose watch stands."""
    platform, heard, stop = platform_of(lab, user, **options), Heard(), Event()
    platform.open()
    thread = Thread(target=platform.watch, args=(heard.queue.put, stop), daemon=True)
    thread.start()
    try:
        wait_until(lambda: platform.inventory.is_kept, 60, "the watches", every=0.05)
        yield platform, heard
    finally:
        stop.set()
        thread.join(10)
        platform.close()
    assert not thread.is_alive()


def snapshot(lab: OpenShiftLab, namespace: str, vm: str, name: str) -> None:
    """Somebody else asks for one."""
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm}
    metadata = {"name": name, "namespace": namespace}
    item = {"kind": "VirtualMachineSnapshot", "metadata": metadata, "spec": {"source": source}}
    lab.api.create("virtualmachinesnapshots", item)


@pytest.fixture
def space(cluster: OpenShiftLab, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own, with a vm `web` that is off."""
    name: str = request.node.name.replace("_", "-").replace("test-", "w-")[:40].strip("-")
    cluster.seed_namespace(name)
    cluster.seed_vm("web", 1, running=False, namespace=name)
    return name


def test_the_lamp_follows_a_snapshot_live(cluster: OpenShiftLab, space: str) -> None:
    cluster.seed_vm("live", running=True, namespace=space)
    vm = VmRef("lab", f"{space}/live")
    with watched(cluster, namespaces=space) as (_, heard):
        snapshot(cluster, space, "live", "s")
        lamps = [heard.of(ChangeKind.FREEZE, vm).freeze for _ in range(2)]
        assert [lamp.state.value for lamp in lamps if lamp is not None] == ["frozen", "thawed"]


def test_a_stopped_api_server_is_lost_and_back_and_nothing_is_missed(cluster: OpenShiftLab, space: str) -> None:
    vm = VmRef("lab", f"{space}/web")
    with watched(cluster, namespaces=space) as (platform, heard):
        cluster.stop_api()
        error = heard.of(ChangeKind.LOST).error
        assert isinstance(error, Unreachable)
        with pytest.raises(Unreachable):
            platform.vm(vm)
        cluster.start_api()
        heard.of(ChangeKind.BACK)
        snapshot(cluster, space, "web", "after")
        heard.of(ChangeKind.SNAPSHOTS, vm)
        assert {each.name for each in platform.snapshots([vm])[vm]} == {"after"}


def test_what_happened_while_the_server_forgot_is_found_by_a_new_list(cluster: OpenShiftLab, space: str) -> None:
    vm = VmRef("lab", f"{space}/web")
    snapshot(cluster, space, "web", "kept")
    snapshot(cluster, space, "web", "deleted")
    for name in ("kept", "deleted"):
        wait_until(lambda name=name: _is_ready(cluster, space, name), 60, name, every=0.1)  # type: ignore[misc]
    platform = platform_of(cluster, namespaces=space)
    platform.open()
    assert len(platform.snapshots([vm, vm, VmRef("lab", "x/y"), VmRef("lab", "x/z")])[vm]) == 2
    assert platform.inventory.mirror.version(VM_SNAPSHOTS, space)
    cluster.api.delete("virtualmachinesnapshots", space, "deleted")
    wait_until(lambda: cluster.api.gone("virtualmachinesnapshots", space, "deleted"), 60, "it to go", every=0.1)
    snapshot(cluster, space, "web", "new")
    wait_until(lambda: _is_ready(cluster, space, "new"), 60, "new", every=0.1)
    cluster.stop_api()  # so that its own memory of what happened goes too
    cluster.compact()
    cluster.start_api()
    heard, stop = Heard(), Event()
    thread = Thread(target=platform.watch, args=(heard.queue.put, stop), daemon=True)
    with cluster.counting() as requests:
        thread.start()
        heard.of(ChangeKind.SNAPSHOTS, vm)
        wait_until(lambda: platform.inventory.is_kept, 60, "the watches", every=0.05)
        assert {each.name for each in platform.snapshots([vm])[vm]} == {"kept", "new"}
        stop.set()
        thread.join(10)
    platform.close()
    assert any(
        request.verb == "list" and "virtualmachinesnapshots" in request.path
        for request in requests
        if request.user != "lab"
    )


def _is_ready(lab: OpenShiftLab, namespace: str, name: str) -> bool:
    found = lab.api.get("virtualmachinesnapshots", namespace, name)
    return bool(found.get("status", {}).get("readyToUse"))


def test_nothing_is_polled(cluster: OpenShiftLab, space: str) -> None:
    with watched(cluster, namespaces=space) as (platform, _):
        vm = VmRef("lab", f"{space}/web")
        before = platform.requests
        for _ in range(20):
            platform.vm(vm)
            platform.snapshots([vm])
            list(platform.vms())
        assert platform.requests == before


def test_a_reader_sees_it_all(cluster: OpenShiftLab, space: str) -> None:
    vm = VmRef("lab", f"{space}/web")
    with watched(cluster, READER) as (platform, heard):
        assert vm in {each.ref for page in platform.vms() for each in page}
        snapshot(cluster, space, "web", "seen")
        heard.of(ChangeKind.SNAPSHOTS, vm)
        assert [each.name for each in platform.snapshots([vm])[vm]] == ["seen"]


def test_a_tenant_sees_its_namespace_alone(cluster: OpenShiftLab, space: str) -> None:
    with pytest.raises(Denied, match="virtualmachines"):
        platform_of(cluster, TENANT, namespaces=space).open()
    cluster.grant(space, "view")
    with watched(cluster, TENANT, namespaces=space) as (platform, _):
        assert [each.ref.id for page in platform.vms() for each in page] == [f"{space}/web"]


@pytest.mark.alone
@pytest.mark.timeout(3600)
def test_great_numbers(cluster: OpenShiftLab, tmp_path: Path) -> None:
    """In a cluster of its own; this one's programs are there."""
    del cluster
    figures = list(openshift(tmp_path))
    assert len(figures) == 4
    assert not [figure.cells for figure in figures if figure.is_missed]
