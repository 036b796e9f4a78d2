"""A vm of two volumes, on a cluster that can do everything, as the planner is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.vm import AgentState, Backend, Disk, Vm, VmRef, VmState
from vmsnap_tui.platforms.openshift.facts import Cut, OpenShiftFacts, Part, Volume

REF = VmRef("c", "shop/web")
UID = "vm-uid"
ROOT = Volume("root", "web-root", 10 << 30, "fast", "fast-snap")
DATA = Volume("data", "web-data", 20 << 30, "fast", "fast-snap")
SCRATCH = Volume("scratch", "web-scratch", 5 << 30, "local", why_not="No VolumeSnapshotClass: … [local] [scratch]")
TEMPLATED = Volume("extra", "web-extra", 5 << 30, "fast", "fast-snap", templated=True)
START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def vm(state: VmState = VmState.RUNNING, agent: AgentState = AgentState.CONNECTED, **values: Any) -> Vm:
    """The vm. A volume is a disk, and so is what cloud-init reads."""
    disks = [Disk(name, backend=Backend.VOLUME) for name in ("root", "data")]
    disks.append(Disk("cloudinit", backend=Backend.EPHEMERAL, writable=False))
    return Vm(REF, "web", state, agent, group="shop", **{"disks": tuple(disks), **values})


def part(name: str, *disks: str, **values: Any) -> Part:
    """What makes up a VirtualMachineSnapshot of root and data, or of other disks."""
    found = disks or ("root", "data")
    cuts = tuple(Cut(disk, f"web-{disk}", f"vmsnapshot-{name}-volume-{disk}", 10 << 30) for disk in found)
    rest = {"uid": f"uid-{name}", "source_uid": UID, "content": f"content-{name}", "disks": ("root", "data")}
    return Part(name, **{**rest, "cuts": cuts, **values})


def taken(name: str, parent: str | None = None, minute: int = 0, **values: Any) -> Snapshot:
    """A snapshot of it."""
    rest: dict[str, Any] = {
        "consistency": Consistency.FILESYSTEM,
        "kind": SnapshotKind.VM,
        "disks": (SnapshotDisk("root"), SnapshotDisk("data")),
        **values,
    }
    above = f"shop/{parent}" if parent else None
    return Snapshot(SnapRef(REF, f"shop/{name}"), name, START + timedelta(minutes=minute), above, **rest)


def ref(name: str) -> SnapRef:
    """What names a snapshot."""
    return SnapRef(REF, f"shop/{name}")


def facts(*snapshots: Snapshot, **values: Any) -> OpenShiftFacts:
    """The facts, everything well unless said otherwise."""
    parts = {snapshot.id: part(snapshot.name) for snapshot in snapshots}
    found: Vm = values.get("vm", vm())
    rest: dict[str, Any] = {
        "vm": found,
        "uid": UID,
        "running": found.state.is_active,
        "freeze": Freeze(FreezeState.THAWED),
        "volumes": (ROOT, DATA),
        "names": {snapshot.name: "web" for snapshot in snapshots},
        "vm_names": frozenset({"web"}),
        "claim_names": frozenset({"web-root", "web-data"}),
        **values,
        "parts": parts | values.get("parts", {}),
    }
    return OpenShiftFacts(snapshots=snapshots, **rest)


OFF = vm(VmState.OFF, AgentState.UNKNOWN)
SILENT = vm(agent=AgentState.DISCONNECTED)
PAUSED = vm(VmState.PAUSED)
ONE, TWO, THREE = taken("one"), taken("two", "one", 1), taken("three", "two", 2, current=True)
