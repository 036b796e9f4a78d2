"""How a domain could get better snapshots."""

from __future__ import annotations

import pytest

from tests.unit.libvirt.planner_facts import disk, facts
from vmsnap_tui.model.advice import AGENT
from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.vm import AgentState, Backend, VmState
from vmsnap_tui.platforms.libvirt.facts import Host

RAW = disk("vda", source="/vm/a b.raw", format="raw", backend=Backend.FILE)
ON_RAW = (Layer("vda", LayerKind.ACTIVE, "/vm/a b.raw", "raw"),)


def test_none_where_all_is_well() -> None:
    assert facts().advice() == ()
    assert facts(state=VmState.OFF).advice() == ()


@pytest.mark.parametrize(
    ("state", "persistent", "serial_bus", "where"),
    [
        (VmState.RUNNING, True, True, "--live --config"),
        (VmState.RUNNING, False, True, "--live"),
        (VmState.RUNNING, True, False, "--config"),
        (VmState.OFF, True, True, "--config"),
    ],
)
def test_a_channel_for_the_agent(state: VmState, where: str, *, persistent: bool, serial_bus: bool) -> None:
    host = Host(uri="qemu+ssh://root@host/system?a=b c")
    found = facts(
        state=state, agent=AgentState.ABSENT, persistent=persistent, host=host, serial_bus=serial_bus
    ).advice()
    assert found[0].command.splitlines() == [
        f"virsh --connect 'qemu+ssh://root@host/system?a=b c' attach-device web /dev/stdin {where} <<'EOF'",
        "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
        "EOF",
    ]
    assert ("next start" in found[0].caution) == (state is VmState.RUNNING and not serial_bus)
    assert found[1:] == ((AGENT,) if state is VmState.RUNNING else ())


def test_a_transient_one_without_a_bus_gets_none() -> None:
    assert facts(agent=AgentState.ABSENT, persistent=False).advice() == (AGENT,)


def test_an_agent_that_does_not_run() -> None:
    assert facts(agent=AgentState.DISCONNECTED).advice() == (AGENT,)


def test_from_raw_to_qcow2() -> None:
    [live] = facts(disks=(RAW,), chain=ON_RAW).advice()
    assert live.command == "vmsnap merge lab/web vda --how copy --to '/vm/a b.qcow2'"
    [off] = facts(disks=(RAW,), chain=ON_RAW, state=VmState.OFF).advice()
    convert, edit = off.command.splitlines()
    assert convert == "qemu-img convert -p -O qcow2 '/vm/a b.raw' '/vm/a b.qcow2'"
    assert edit.startswith("virsh --connect qemu:///system edit web  # disk vda:")


def test_a_raw_base_under_an_overlay_is_in_nobodys_way() -> None:
    overlay = Layer("vda", LayerKind.ACTIVE, "/vm/a.mon", "qcow2", below="/vm/a b.raw")
    base = Layer("vda", LayerKind.BASE, "/vm/a b.raw", "raw")
    assert facts(disks=(RAW,), chain=(overlay, base)).advice() == ()
