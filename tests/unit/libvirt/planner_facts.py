"""Facts to plan on, made by naming what differs from an ordinary vm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import structs

from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.snapshot import SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.vm import AgentState, Backend, Disk, Vm, VmRef, VmState
from vmsnap_tui.platforms.libvirt.facts import Definition, Folder, Host, LibvirtFacts, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

VM = VmRef("lab", "8f0c")
GIB = 1 << 30
HARDWARE = frozenset({"1048576 KiB of memory", "2 CPUs", "disk vda", "disk vdb"})
BASE = {"vda": "/vm/web.qcow2", "vdb": "/vm/data.qcow2"}
_START = datetime(2026, 1, 1, tzinfo=UTC)


def disk(name: str = "vda", **changes: Any) -> Disk:
    return structs.replace(Disk(name, BASE.get(name, f"/vm/{name}.qcow2"), "qcow2", Backend.FILE), **changes)


def snap(name: str, parent: str | None = None, *, kind: str = "external", **changes: Any) -> Snapshot:
    """A disk-only snapshot of both disks; `memory=True` one with memory."""
    memory = changes.pop("memory", None)
    internal = kind == "internal"
    where = ("internal" if internal else f"/vm/web.{name}.mem") if memory else None
    made = Snapshot(
        SnapRef(VM, name),
        name,
        _START + timedelta(minutes=len(name), seconds=sum(name.encode())),
        parent,
        state=VmState.RUNNING if memory else VmState.OFF,
        kind=SnapshotKind(kind),
        memory=where,
        disks=tuple(SnapshotDisk(each, SnapshotKind(kind)) for each in BASE),
    )
    return structs.replace(made, **changes)


def facts(snapshots: Sequence[Snapshot] = (), *, current: str = "", **changes: Any) -> LibvirtFacts:
    """A running vm with two qcow2 files and an agent, on libvirt 11.3; `current` names the current snapshot."""
    vm_changes = {key: changes.pop(key) for key in tuple(changes) if key in Vm.__struct_fields__ and key != "ref"}
    state = vm_changes.get("state", VmState.RUNNING)
    active = changes.pop("active", state.is_active)
    vm = structs.replace(
        Vm(
            VM,
            "web",
            VmState.RUNNING,
            AgentState.CONNECTED if active else AgentState.DISCONNECTED,
            memory=GIB,
            disks=(disk("vda"), disk("vdb")),
        ),
        **vm_changes,
    )
    thawed = active and vm.agent is AgentState.CONNECTED
    return replace(
        LibvirtFacts(
            vm=vm,
            host=Host("QEMU", 11_003_000, 10_000_002),
            active=active,
            snapshots=tuple(structs.replace(each, current=each.id == current) for each in snapshots),
            freeze=Freeze(FreezeState.THAWED if thawed else FreezeState.UNAVAILABLE),
            resident=GIB // 2,
            definition=Definition(BASE, hardware=HARDWARE),
            records=records(snapshots),
            folders={"/vm": Folder(frozenset({"web.qcow2", "data.qcow2"}) | _names(snapshots), 100 * GIB)},
        ),
        **changes,
    )


def records(snapshots: Sequence[Snapshot]) -> dict[str, Record]:
    """What libvirt would hold of them: a first child froze its parent's overlay, a later one what a restore made."""
    first: dict[str | None, str] = {}
    return {each.id: _record(each, first=first.setdefault(each.parent, each.id) == each.id) for each in snapshots}


def _record(each: Snapshot, *, first: bool) -> Record:
    external = each.kind is SnapshotKind.EXTERNAL
    sources = BASE
    if external and each.parent:
        sources = _overlays(each.parent if first else f"before-{each.id}")
    return Record(
        Definition(sources, hardware=HARDWARE),
        overlays=_overlays(each.id) if external else {},
        memory=each.memory if external and each.memory else "",
    )


def _overlays(name: str) -> dict[str, str]:
    return {"vda": f"/vm/web.{name}", "vdb": f"/vm/data.{name}"}


def _names(snapshots: Sequence[Snapshot]) -> frozenset[str]:
    paths = [path for each in snapshots for path in (*_overlays(each.id).values(), f"/vm/web.{each.id}.mem")]
    return frozenset(path.rpartition("/")[2] for path in paths)
