"""What the cluster's objects of a vm mean."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.openshift.objects import claim, read, vm, vmi
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.vm import AgentState, Backend, Disk, Firmware, Vm, VmRef, VmState
from vmsnap_tui.platforms.openshift.convert import freeze_of, has_backend_state, quantity, vm_of
from vmsnap_tui.platforms.openshift.records import Claim, VirtualMachine, VirtualMachineInstance

NO_CLASS = "No VolumeSnapshotClass: Volume snapshots are not configured for this StorageClass [slow] [data]"


def instance(**what: Any) -> VirtualMachineInstance:
    return read(vmi(**what), VirtualMachineInstance)


def converted(machine: dict[str, Any], running: VirtualMachineInstance | None = None) -> Vm:
    claims = {"web-root": read(claim("web-root", 20), Claim)}
    return vm_of(read(machine, VirtualMachine), running, claims, "east")


def test_all_of_a_vm() -> None:
    assert converted(vm(), instance()) == Vm(
        VmRef("east", "shop/web"),
        "web",
        VmState.RUNNING,
        AgentState.CONNECTED,
        group="shop",
        memory=4 << 30,
        vcpus=4,
        disks=(
            Disk("root", "web-root", "raw", Backend.VOLUME, "fast", 10 << 30),
            Disk("data", "web-data", "raw", Backend.VOLUME, shared=True, included=False, why_not=NO_CLASS),
            Disk("tools", "registry/virtio-win:1", "", Backend.EPHEMERAL, writable=False, included=False),
        ),
        firmware=Firmware.UEFI,
        autostart=True,
        tags=("node:worker-1", "run:Always"),
    )


@pytest.mark.parametrize(
    ("printed", "running", "expected"),
    [
        ("Running", {}, VmState.RUNNING),
        ("Running", {"paused": True}, VmState.PAUSED),
        ("Paused", {"paused": True}, VmState.PAUSED),
        ("Stopped", None, VmState.OFF),
        ("Stopped", {}, VmState.CHANGING),
        ("Stopped", {"phase": "Succeeded"}, VmState.OFF),
        ("Starting", None, VmState.CHANGING),
        ("Migrating", {}, VmState.CHANGING),
        ("ErrorUnschedulable", {"phase": "Scheduling"}, VmState.CHANGING),
        ("CrashLoopBackOff", None, VmState.CRASHED),
        ("Unknown", {}, VmState.UNKNOWN),
        ("SomethingOfNextYear", {}, VmState.UNKNOWN),
        ("", {}, VmState.UNKNOWN),
        ("", None, VmState.UNKNOWN),
    ],
)
def test_states(printed: str, running: dict[str, Any] | None, expected: VmState) -> None:
    machine = vm(status={"printableStatus": printed})
    assert converted(machine, None if running is None else instance(**running)).state is expected


def test_a_vm_that_no_controller_has_seen_is_off_only_where_it_is_told_to_be() -> None:
    assert converted(vm(status={"printableStatus": "", "created": False}, spec={"runStrategy": "Halted"})).state is (
        VmState.OFF
    )


@pytest.mark.parametrize(
    ("running", "expected"),
    [({}, AgentState.CONNECTED), ({"agent": False}, AgentState.DISCONNECTED)],
)
def test_agent_of_what_runs(running: dict[str, Any], expected: AgentState) -> None:
    assert converted(vm(), instance(**running)).agent is expected


def test_the_agent_of_a_vm_that_is_off_is_not_known() -> None:
    assert converted(vm(status={"printableStatus": "Stopped", "conditions": []})).agent is AgentState.UNKNOWN


@pytest.mark.parametrize(
    ("spec", "strategy", "autostart"),
    [
        ({"runStrategy": "Halted"}, "run:Halted", False),
        ({"runStrategy": "RerunOnFailure"}, "run:RerunOnFailure", True),
        ({"runStrategy": "", "running": True}, "run:Always", True),
        ({"runStrategy": "", "running": False}, "run:Halted", False),
    ],
)
def test_run_strategies(spec: dict[str, Any], strategy: str, *, autostart: bool) -> None:
    found = converted(vm(spec=spec))
    assert strategy in found.tags
    assert found.autostart is autostart


def test_what_is_at_work_is_told() -> None:
    status = {"snapshotInProgress": "s1", "restoreInProgress": "r1", "printableStatus": "WaitingForVolumeBinding"}
    assert {"snapshot:s1", "restore:r1", "status:WaitingForVolumeBinding"} <= set(converted(vm(status=status)).tags)


@pytest.mark.parametrize(
    ("running", "state"),
    [
        (None, FreezeState.UNAVAILABLE),
        ({"agent": False}, FreezeState.UNAVAILABLE),
        ({}, FreezeState.THAWED),
        ({"frozen": "thawed"}, FreezeState.THAWED),
        ({"frozen": "frozen"}, FreezeState.FROZEN),
        ({"frozen": "frozen", "agent": False}, FreezeState.FROZEN),
    ],
)
def test_freeze(running: dict[str, Any] | None, state: FreezeState) -> None:
    assert freeze_of(None if running is None else instance(**running)).state is state


def test_backend_state() -> None:
    assert not has_backend_state(read(vm(), VirtualMachine))
    machine = vm()
    machine["spec"]["template"]["spec"]["domain"]["devices"]["tpm"] = {"persistent": True}
    assert has_backend_state(read(machine, VirtualMachine))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10Gi", 10 << 30), ("1.5Gi", 3 << 29), ("1G", 10**9), ("500M", 500 * 10**6), ("1e3", 1000), (42, 42),
        ("128974848", 128974848), ("2Ti", 2 << 40), ("", None), (None, None), ("many", None), ("1Zi", None),
        ("1.2.3", None),
    ],
)  # fmt: skip
def test_quantities(text: object, size: int | None) -> None:
    assert quantity(text) == size


def test_hostile_names_are_cleaned() -> None:
    machine = vm(status={"printableStatus": "\x1b[31mRunning"})
    assert not any("\x1b" in tag for tag in converted(machine).tags)
