"""How a domain could get better snapshots than it can now."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from vmsnap_tui.model.advice import AGENT, Advice
from vmsnap_tui.model.layer import LayerKind
from vmsnap_tui.model.vm import AgentState, Backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.vm import Disk
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

_CHANNEL = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"


def advice(facts: LibvirtFacts) -> Iterator[Advice]:
    """What somebody could change, with the commands for it."""
    if facts.vm.agent is AgentState.ABSENT and (facts.vm.persistent or facts.serial_bus):
        yield _channel(facts)
    if facts.active and facts.vm.agent in {AgentState.ABSENT, AgentState.DISCONNECTED}:
        yield AGENT
    for disk in facts.vm.disks:
        if disk.writable and disk.backend is Backend.FILE and _is_raw(disk, facts):
            yield _to_qcow2(disk, facts)


def _channel(facts: LibvirtFacts) -> Advice:
    live = facts.active and facts.serial_bus
    where = [option for option, is_so in (("--live", live), ("--config", facts.vm.persistent)) if is_so]
    command = [*_virsh(facts), "attach-device", facts.vm.name, "/dev/stdin", *where]
    later = "It counts from its next start on: shut it down and start it, a reboot inside is not enough."
    return Advice(
        "Give it a channel for the guest agent",
        "snapshots with its file systems frozen, once the agent runs in the guest",
        f"{shlex.join(command)} <<'EOF'\n{_CHANNEL}\nEOF",
        later if facts.active and not live else "",
    )


def _is_raw(disk: Disk, facts: LibvirtFacts) -> bool:
    """Whether what it writes to now is: a raw base under an overlay is in nobody's way."""
    return any(
        layer.disk == disk.id and layer.kind is LayerKind.ACTIVE and layer.format == "raw" for layer in facts.chain
    )


def _to_qcow2(disk: Disk, facts: LibvirtFacts) -> Advice:
    vm, file = facts.vm, PurePosixPath(disk.source)
    new = str(file.with_suffix(".qcow2"))
    what, gains = f"Convert disk {disk.id} from raw to qcow2", "internal snapshots, with memory, of this disk too"
    if facts.active:
        words = ["vmsnap", "merge", f"{vm.ref.site}/{vm.name}", disk.id, "--how", "copy", "--to", new]
        return Advice(what, gains, shlex.join(words), "It runs meanwhile; the plan says how much space it takes.")
    convert = shlex.join(["qemu-img", "convert", "-p", "-O", "qcow2", str(file), new])
    edit = shlex.join([*_virsh(facts), "edit", vm.name])
    return Advice(
        what,
        gains,
        f"{convert}\n{edit}  # disk {disk.id}: driver type='qcow2', source file='{new}'",
        "Keep it off meanwhile, and the raw file until it runs from the new one.",
    )


def _virsh(facts: LibvirtFacts) -> list[str]:
    return ["virsh", "--connect", facts.host.uri]
