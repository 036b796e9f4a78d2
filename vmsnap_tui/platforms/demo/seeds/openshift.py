"""A cluster of a shop: namespaces, a flat list of snapshots that restores make a tree, volumes left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import AgentState, Backend, Disk, VmState
from vmsnap_tui.platforms.demo.seeds.planter import DAYS, GIB, MINUTES, WEEKLY
from vmsnap_tui.platforms.demo.world import Fault

if TYPE_CHECKING:
    from vmsnap_tui.platforms.demo.seeds.planter import Planter

_VM, _VOLUME = "vm-snapshot", "volume-snapshot"
_OFF = VmState.OFF


def _claims(vm: str, root: int, data: int = 0, *, scratch: bool = False) -> tuple[Disk, ...]:
    """A root volume, a data volume where it has a size (GiB), and one of a class that knows no snapshots."""
    disks = [Disk("rootdisk", f"{vm}-root", "raw", Backend.VOLUME, "", root * GIB, root * GIB // 3)]
    if data:
        disks.append(Disk("data", f"{vm}-data", "raw", Backend.VOLUME, "", data * GIB, data * GIB // 2))
    if scratch:
        disks.append(Disk("scratch", f"{vm}-scratch", "raw", Backend.VOLUME, "", 50 * GIB, included=False))
    return tuple(disks)


def plant_openshift(planter: Planter) -> None:
    """All of it."""
    _shop(planter)
    _payments(planter)
    _windows(planter)
    _sandbox(planter)


def _shop(planter: Planter) -> None:
    front = planter.vm("shop-frontend", _claims("shop-frontend", 30), memory=8, group="shop")
    front.took("golden", 88 * DAYS, _VM, "template of the platform team", size=4, state=_OFF, protected=True)
    front.took("before-christmas-2024", 60 * DAYS, _VM, size=6)
    front.took("campaign-a", 20 * DAYS, _VM, size=6.4)
    front.took("campaign-a-fixed", 18 * DAYS, _VM, size=6.6)
    front.went_back("before-christmas-2024")
    front.took("campaign-b", 12 * DAYS, _VM, "went back to the state before campaign A", size=6.3)
    front.took("campaign-b-live", 3 * DAYS, _VM, "with the database behind it", size=6.9, group=WEEKLY)
    front.finish()

    store = planter.vm(
        "shop-db", _claims("shop-db", 40, 200, scratch=True), memory=16, vcpus=4, group="shop", title="MariaDB"
    )
    store.took("initial-load", 45 * DAYS, _VM, "scratch is not in it", size=70)
    store.took("before-schema-9", 16 * DAYS, _VM, size=84)
    store.took("schema-9-data", 15.9 * DAYS, _VOLUME, "the data volume alone", size=60, disks=("data",))
    store.took("freeze-window-missed", 9 * DAYS, _VM, "the freeze timed out", size=86, consistency=Consistency.CRASH)
    store.took("nightly-a", 31, _VM, error="snapshot deadline exceeded: VolumeSnapshot data is not ready")
    store.took("nightly-b", 7, _VM, size=88)
    store.finish()

    cache = planter.vm("shop-cache", _claims("shop-cache", 10), agent=AgentState.ABSENT, memory=32, group="shop")
    cache.took("configured", 40 * DAYS, _VM, size=1)
    cache.finish()


def _payments(planter: Planter) -> None:
    gate = planter.vm(
        "pay-gateway",
        _claims("pay-gateway", 20, 20),
        memory=8,
        group="payments",
        title="left frozen by a backup that died",
        frozen_for=7 * MINUTES,
    )
    gate.took("audit-q3", 35 * DAYS, _VM, "for the auditors", size=9, protected=True)
    gate.took("hsm-driver", 6 * DAYS, _VM, size=9.4)
    gate.finish()

    ledger = planter.vm(
        "pay-ledger",
        _claims("pay-ledger", 20, 120),
        memory=16,
        group="payments",
        description="Its freeze times out under load.",
        faults=(Fault.AGENT_TIMEOUT,),
    )
    ledger.took("opening-balance", 300 * DAYS, _VM, size=12, state=_OFF, protected=True)
    ledger.took("year-end", 290 * DAYS, _VM, size=40, agent=AgentState.DISCONNECTED)
    ledger.took("month-10", 20 * DAYS, _VM, size=52)
    ledger.finish()


def _windows(planter: Planter) -> None:
    desk = planter.vm("win-rdp-01", _claims("win-rdp-01", 90), memory=24, vcpus=8, group="windows", tpm=True)
    desk.took("sysprepped", 120 * DAYS, _VM, size=22, state=_OFF, protected=True)
    desk.took("office-installed", 119 * DAYS, _VM, size=31)
    desk.took("driver-test", 50 * DAYS, _VM, "blue screen", size=32, agent=AgentState.DISCONNECTED)
    desk.went_back("office-installed")
    desk.took("patch-day", 20 * DAYS, _VM, size=35)
    desk.finish()
    planter.vm("win-rdp-02", _claims("win-rdp-02", 90), _OFF, memory=24, vcpus=8, group="windows", tpm=True).finish()


def _sandbox(planter: Planter) -> None:
    trial = planter.vm("fedora-trial", _claims("fedora-trial", 20), _OFF, group="sandbox", memory=4)
    trial.took("fresh", 9 * DAYS, _VM, size=2)
    for number, thing in enumerate(("podman", "flatpak", "toolbox", "ostree")):
        trial.went_back("fresh")
        trial.took(f"with-{thing}", (8 - number) * DAYS, _VM, size=2.4)
    trial.finish()
    planter.vm("centos-starting", _claims("centos-starting", 20), VmState.CHANGING, group="sandbox").finish()
    planter.vm("paused-debug", _claims("paused-debug", 20), VmState.PAUSED, group="sandbox").finish()
    disk = Disk("container", "quay.io/containerdisks/fedora", "raw", Backend.EPHEMERAL, included=False)
    planter.vm("stateless", (disk,), group="sandbox", memory=2, vcpus=1).finish()
