"""How a demo vm could get better snapshots than it can now, with the commands that its platform would take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.advice import AGENT, Advice
from vmsnap_tui.model.vm import AgentState, Backend
from vmsnap_tui.platforms.demo.shape import REQUIRE_QUIESCE, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.demo.facts import DemoFacts

_FROZEN = "snapshots with its file systems frozen"


def advice(facts: DemoFacts) -> Iterator[Advice]:
    """What somebody could change."""
    vm, is_libvirt = facts.vm, facts.shape is Shape.LIBVIRT
    if facts.shape is Shape.OPENSTACK and REQUIRE_QUIESCE not in vm.tags:
        yield Advice(
            "Let the image that it was made from ask for a freeze",
            "server images with the file systems frozen",
            "openstack image set --property hw_qemu_guest_agent=yes --property os_require_quiesce=yes debian-13",
            "It counts for servers that are made or rebuilt from it afterwards.",
        )
    if is_libvirt and vm.agent is AgentState.ABSENT:
        yield Advice(
            "Give it a channel for the guest agent",
            _FROZEN,
            f"virsh attach-device {vm.name} /dev/stdin --live --config <<'EOF'\n"
            "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>\nEOF",
        )
    if vm.state.is_active and vm.agent in {AgentState.ABSENT, AgentState.DISCONNECTED}:
        yield AGENT
    for disk in vm.disks:
        if is_libvirt and disk.format == "raw" and disk.backend is Backend.FILE:
            new = f"{disk.source.rpartition('.')[0]}.qcow2"
            yield Advice(
                f"Convert disk {disk.id} from raw to qcow2",
                "internal snapshots, with memory, of this disk too",
                f"vmsnap merge {vm.ref.site}/{vm.name} {disk.id} --how copy --to {new}",
                "It runs meanwhile; the plan says how much space it takes.",
            )
        if facts.shape is Shape.OPENSHIFT and disk.why_not:
            yield Advice(
                f"Give the storage class of {disk.id} a VolumeSnapshotClass",
                f"snapshots of volume {disk.id}",
                "kubectl apply -f - <<'EOF'\napiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshotClass\n"
                "metadata:\n  name: local-snapshots\ndriver: local.csi.example\ndeletionPolicy: Delete\nEOF",
                "The driver has to be able to take snapshots.",
            )
