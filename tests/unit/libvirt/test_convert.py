"""Domain XML becomes a vm, and what is not understood stays unknown."""

from __future__ import annotations

import libvirt
import pytest

from tests.unit.libvirt.domain_xml import BIOS, RUNNING
from vmsnap_tui.model.vm import AgentState, Backend, Disk, Firmware, Vm, VmRef, VmState
from vmsnap_tui.platforms.libvirt.convert import vm_from_xml, vm_state
from vmsnap_tui.platforms.libvirt.inventory import sizes

REF = VmRef("here", "11111111-2222-4333-8444-555555555555")


def read(text: str, state: VmState = VmState.RUNNING) -> Vm:
    return vm_from_xml(text, REF, "db01", state=state, is_nfs=lambda path: path.startswith("/mnt/nas/"))


def test_a_running_vm() -> None:
    vm = read(RUNNING)
    assert vm.name == "db01"
    assert vm.title == "Orders <primary>"
    assert vm.description == "first line\nsecond line"
    assert vm.memory == 4 * 1024**3
    assert vm.vcpus == 2
    assert vm.firmware is Firmware.UEFI
    assert vm.tpm
    assert vm.agent is AgentState.CONNECTED


def test_disks_by_their_targets() -> None:
    assert {disk.id: disk for disk in read(RUNNING).disks} == {
        "vda": Disk("vda", "/srv/vm/db01.snap2", "qcow2", Backend.FILE),
        "vdb": Disk("vdb", "/mnt/nas/db01-data.img", "raw", Backend.NFS, shared=True),
        "vdc": Disk("vdc", "/dev/vg0/db01-log", "raw", Backend.BLOCK, included=False),
        "vdd": Disk("vdd", "vms/db01-archive", "raw", Backend.NETWORK, "rbd"),
        "vde": Disk("vde", "fast/db01-tmp", "qcow2", Backend.VOLUME),
        "sda": Disk("sda", "", "raw", Backend.FILE, writable=False, included=False),
        "vdz": Disk("vdz", "", "", Backend.UNKNOWN),
    }


def test_sizes_come_from_the_stats_by_target() -> None:
    stats = {
        "block.count": 3,
        "block.0.name": "vda",
        "block.0.capacity": 100,
        "block.0.allocation": 40,
        "block.1.name": "vda",
        "block.1.backingIndex": 1,
        "block.1.capacity": 7,
        "block.2.name": "vdb",
    }
    assert sizes(stats) == {"vda": (100, 40), "vdb": (None, None)}
    vm = vm_from_xml(RUNNING, REF, "db01", sizes=sizes(stats))
    assert (vm.disks[0].capacity, vm.disks[0].allocation) == (100, 40)


@pytest.mark.parametrize(
    ("channel", "state", "agent"),
    [
        ("state='connected'", VmState.RUNNING, AgentState.CONNECTED),
        ("state='disconnected'", VmState.RUNNING, AgentState.DISCONNECTED),
        ("", VmState.RUNNING, AgentState.UNKNOWN),
        ("state='dancing'", VmState.RUNNING, AgentState.UNKNOWN),
        ("", VmState.OFF, AgentState.DISCONNECTED),
    ],
)
def test_agent(channel: str, state: VmState, agent: AgentState) -> None:
    text = BIOS.replace("name='org.qemu.guest_agent.0'", f"name='org.qemu.guest_agent.0' {channel}")
    assert read(text, state).agent is agent


def test_no_channel_is_no_agent() -> None:
    assert read(BIOS.replace("org.qemu.guest_agent.0", "org.example")).agent is AgentState.ABSENT


def test_bios_and_other_units() -> None:
    vm = read(BIOS)
    assert (vm.firmware, vm.tpm, vm.memory) == (Firmware.BIOS, False, 256 * 1024**2)
    assert read(BIOS.replace("MiB", "hogshead")).memory is None
    assert read(BIOS.replace("hvm", "exe")).firmware is Firmware.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<domain>",
        "no xml at all",
        "<domain><name>x</name></domain",
        "<!DOCTYPE d [<!ENTITY a 'b'>]><domain><title>&a;</title></domain>",
    ],
)
def test_broken_xml_leaves_name_and_state(text: str) -> None:
    vm = vm_from_xml(text, REF, "db01\x1b[31m", state=VmState.PAUSED, autostart=True, saved=True)
    assert vm == Vm(REF, "db01␛[31m", VmState.PAUSED, autostart=True, saved=True)


def test_hostile_text_is_shown_not_obeyed() -> None:
    # XML cannot carry an escape character itself, but the bidirectional ones and markup.
    vm = read(RUNNING.replace("Orders", "[bold]\u202eexe.&#x85;"))
    assert vm.title == "[bold]\ufffdexe.\ufffd <primary>"


@pytest.mark.parametrize(
    ("code", "reason", "state"),
    [
        (libvirt.VIR_DOMAIN_RUNNING, 1, VmState.RUNNING),
        (libvirt.VIR_DOMAIN_BLOCKED, 0, VmState.RUNNING),
        (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER, VmState.PAUSED),
        (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP, VmState.CHANGING),
        (libvirt.VIR_DOMAIN_SHUTDOWN, 0, VmState.CHANGING),
        (libvirt.VIR_DOMAIN_SHUTOFF, 0, VmState.OFF),
        (libvirt.VIR_DOMAIN_CRASHED, 0, VmState.CRASHED),
        (libvirt.VIR_DOMAIN_PMSUSPENDED, 0, VmState.SUSPENDED),
        (libvirt.VIR_DOMAIN_NOSTATE, 0, VmState.UNKNOWN),
        (4711, 0, VmState.UNKNOWN),
        (None, None, VmState.UNKNOWN),
    ],
)
def test_states(code: int | None, reason: int | None, state: VmState) -> None:
    assert vm_state(code, reason) is state
