"""A cloud with two projects: server images, volume snapshots, a freeze that nobody sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import AgentState, Backend, Disk, VmState
from vmsnap_tui.platforms.demo.record import stable_id
from vmsnap_tui.platforms.demo.seeds.planter import DAYS, GIB
from vmsnap_tui.platforms.demo.shape import REQUIRE_QUIESCE
from vmsnap_tui.platforms.demo.world import Fault

if TYPE_CHECKING:
    from vmsnap_tui.platforms.demo.seeds.planter import Planter

_IMAGE, _VOLUME, _WHOLE = "image", "volumes", "whole"
_OFF = VmState.OFF


def _root(vm: str, size: int) -> Disk:
    source = f"/var/lib/nova/instances/{stable_id(vm)}/disk"
    return Disk("root", source, "qcow2", Backend.EPHEMERAL, "", size * GIB, size * GIB // 4)


def _volume(vm: str, device: str, size: int) -> Disk:
    return Disk(device, stable_id(vm, device), "raw", Backend.VOLUME, "rbd", size * GIB, size * GIB // 2)


def plant_openstack(planter: Planter) -> None:
    """All of it."""
    _edge(planter)
    _tenant(planter)


def _edge(planter: Planter) -> None:
    proxy = planter.vm("edge-proxy-1", (_root("edge-proxy-1", 20),), memory=4, group="edge-core")
    proxy.took("ubuntu-24.04-hardened", 130 * DAYS, _IMAGE, "base of all proxies", size=2.4, state=_OFF, protected=True)
    proxy.took("haproxy-2.8", 100 * DAYS, _IMAGE, size=2.9)
    proxy.took("haproxy-3.0", 30 * DAYS, _IMAGE, "memory leak", size=3.0)
    proxy.went_back("haproxy-2.8")
    proxy.took("haproxy-3.1", 11 * DAYS, _IMAGE, "rebuilt from 2.8", size=3.0)
    proxy.finish()

    planter.world.launch(proxy.ref, proxy.id_of("haproxy-3.1"), "edge-proxy-canary")

    quiet = planter.vm(
        "edge-proxy-2",
        (_root("edge-proxy-2", 20),),
        memory=4,
        group="edge-core",
        tags=(REQUIRE_QUIESCE,),
        title="images only with a freeze",
    )
    quiet.took("haproxy-2.8", 99 * DAYS, _IMAGE, size=2.9)
    quiet.took("haproxy-3.1", 10 * DAYS, _IMAGE, size=3.1)
    quiet.finish()

    bastion = planter.vm("bastion", (_root("bastion", 10),), agent=AgentState.ABSENT, memory=1, group="edge-core")
    bastion.took(
        "keys-rotated", 64 * DAYS, _IMAGE, "by somebody else's script", size=1.2, consistency=Consistency.UNKNOWN
    )
    bastion.took(
        "after-audit", 8 * DAYS, _IMAGE, error="the image never left the state queued: no space in the image store"
    )
    bastion.finish()
    planter.vm("dns-1", (_root("dns-1", 10),), _OFF, AgentState.UNKNOWN, memory=1, vcpus=1, group="edge-core").finish()


def _tenant(planter: Planter) -> None:
    ledger = planter.vm(
        "blue-postgres",
        (_root("blue-postgres", 20), _volume("blue-postgres", "vdb", 300)),
        memory=32,
        vcpus=8,
        group="tenant-blue",
    )
    ledger.took("installed", 75 * DAYS, _IMAGE, size=3.3)
    ledger.took("data-monday", 6 * DAYS, _VOLUME, size=140, state=_OFF)
    ledger.took("data-wednesday", 4 * DAYS, _VOLUME, "while attached, forced", size=142)
    ledger.took("data-friday", 2 * DAYS, _VOLUME, "while attached, forced", size=143)
    ledger.took("before-16", DAYS, _WHOLE, "all of it, before the upgrade", size=146)
    ledger.finish()

    queue = planter.vm(
        "blue-rabbit",
        (_root("blue-rabbit", 20),),
        memory=8,
        group="tenant-blue",
        title="the project's quota is used up",
        faults=(Fault.QUOTA,),
    )
    queue.took("3.13", 50 * DAYS, _IMAGE, size=2.7)
    queue.finish()

    for number in range(1, 5):
        name = f"blue-worker-{number}"
        state = (VmState.RUNNING, VmState.RUNNING, VmState.PAUSED, VmState.CRASHED)[number - 1]
        worker = planter.vm(name, (_root(name, 40),), state, memory=16, vcpus=8, group="tenant-blue")
        worker.took("workers-v7", 28 * DAYS, _IMAGE, size=5.5, state=VmState.RUNNING)
        if number == 1:
            worker.took("workers-v8-canary", 5 * DAYS, _IMAGE, size=5.6)
        worker.finish()
    planter.vm("blue-test", (_root("blue-test", 10),), memory=2, group="tenant-blue").finish()
