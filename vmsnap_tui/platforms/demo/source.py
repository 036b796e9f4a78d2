"""The text that each platform would show of a vm or a snapshot: XML, YAML or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from msgspec.structs import replace

from vmsnap_tui.model.compare import Definition
from vmsnap_tui.model.errors import Unsupported
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.platforms.demo.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import JsonValue
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm


def source(shape: Shape, vm: Vm, snapshot: Snapshot | None) -> tuple[str, str]:
    """The text and its language."""
    if shape is Shape.LIBVIRT:
        element = _snapshot_xml(vm, snapshot) if snapshot else _domain_xml(vm)
        ET.indent(element)
        return ET.tostring(element, encoding="unicode"), "xml"
    if shape is Shape.OPENSHIFT:
        return "\n".join(_yaml(_resource(vm, snapshot))) + "\n", "yaml"
    return json.dumps(_cloud(vm, snapshot), indent=2, ensure_ascii=False), "json"


def definition(shape: Shape, vm: Vm, snapshot: Snapshot | None) -> Definition:
    """What a vm is made of, as far as its platform keeps that in this snapshot. Raises Unsupported."""
    if shape is Shape.OPENSTACK and snapshot and snapshot.kind not in {SnapshotKind.IMAGE, SnapshotKind.MIXED}:
        raise Unsupported("snapshots of volumes keep no definition of the server")
    # What it was doing is no part of what it is made of.
    text, language = source(shape, replace(vm, state=VmState.OFF, agent=AgentState.DISCONNECTED), None)
    return Definition(text, language)


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text


def _domain_xml(vm: Vm) -> ET.Element:
    domain = ET.Element("domain", type="kvm")
    _text(domain, "name", vm.name)
    _text(domain, "uuid", vm.ref.id)
    if vm.title:
        _text(domain, "title", vm.title)
    _text(domain, "memory", str((vm.memory or 0) // 1024), unit="KiB")
    _text(domain, "vcpu", str(vm.vcpus or 1))
    devices = ET.SubElement(domain, "devices")
    for disk in vm.disks:
        element = ET.SubElement(devices, "disk", type=disk.backend.value, device="disk")
        ET.SubElement(element, "driver", name="qemu", type=disk.format)
        ET.SubElement(element, "source", file=disk.source)
        ET.SubElement(element, "target", dev=disk.id, bus="virtio")
    channel = ET.SubElement(devices, "channel", type="unix")
    ET.SubElement(channel, "target", type="virtio", name="org.qemu.guest_agent.0", state=vm.agent.value)
    return domain


def _snapshot_xml(vm: Vm, snapshot: Snapshot) -> ET.Element:
    root = ET.Element("domainsnapshot")
    _text(root, "name", snapshot.name)
    if snapshot.description:
        _text(root, "description", snapshot.description)
    _text(root, "state", "shutoff" if snapshot.state is VmState.OFF else snapshot.state.value)
    _text(root, "creationTime", str(int(snapshot.created.timestamp())))
    if snapshot.parent:
        _text(ET.SubElement(root, "parent"), "name", clean(snapshot.parent))
    memory = ET.SubElement(root, "memory", snapshot="no")
    if snapshot.memory == "internal":
        memory.set("snapshot", "internal")
    elif snapshot.memory:
        memory.set("snapshot", "external")
        memory.set("file", snapshot.memory)
    disks = ET.SubElement(root, "disks")
    for part in snapshot.disks:
        disk = ET.SubElement(disks, "disk", name=part.disk, snapshot=part.kind.value if part.included else "no")
        if part.kind is SnapshotKind.EXTERNAL:
            ET.SubElement(disk, "source", file=part.place)
    root.append(_domain_xml(vm))
    return root


def _resource(vm: Vm, snapshot: Snapshot | None) -> dict[str, JsonValue]:
    if snapshot is None:
        volumes: list[JsonValue] = [
            {"name": disk.id, "persistentVolumeClaim": {"claimName": disk.source}} for disk in vm.disks
        ]
        return {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachine",
            "metadata": {"name": vm.name, "namespace": vm.group, "uid": vm.ref.id},
            "spec": {
                "runStrategy": "Always" if vm.state.is_active else "Halted",
                "template": {"spec": {"domain": {"cpu": {"cores": vm.vcpus}}, "volumes": volumes}},
            },
            "status": {"printableStatus": "Running" if vm.state.is_active else "Stopped"},
        }
    included: list[JsonValue] = [part.disk for part in snapshot.disks if part.included]
    excluded: list[JsonValue] = list(snapshot.missing)
    status: dict[str, JsonValue] = {
        "creationTime": snapshot.created.isoformat(),
        "phase": "Succeeded" if snapshot.ready else "Failed",
        "readyToUse": snapshot.ready,
        "snapshotVolumes": {"includedVolumes": included, "excludedVolumes": excluded},
    }
    if snapshot.error:
        status["error"] = {"message": snapshot.error}
    return {
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": "VirtualMachineSnapshot",
        "metadata": {"name": snapshot.name, "namespace": vm.group, "uid": snapshot.id},
        "spec": {"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm.name}},
        "status": status,
    }


def _cloud(vm: Vm, snapshot: Snapshot | None) -> dict[str, JsonValue]:
    if snapshot is None:
        disks: list[JsonValue] = [{"id": disk.source, "device": disk.id} for disk in vm.disks]
        status = {VmState.OFF: "SHUTOFF", VmState.PAUSED: "PAUSED", VmState.CRASHED: "ERROR"}.get(vm.state, "ACTIVE")
        return {"id": vm.ref.id, "name": vm.name, "project": vm.group, "status": status, "disks": disks}
    return {
        "id": snapshot.id,
        "name": snapshot.name,
        "description": snapshot.description,
        "created_at": snapshot.created.isoformat(),
        "status": "available" if snapshot.ready else "error",
        "size": snapshot.size,
        "metadata": {"image_type": "snapshot", "instance_uuid": vm.ref.id, "vmsnap_parent": snapshot.parent},
    }


def _yaml(value: JsonValue, indent: str = "") -> Iterator[str]:
    """Block style, a scalar written as JSON writes it wherever plain text could be taken for something else."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict | list) and inner:
                yield f"{indent}{key}:"
                yield from _yaml(inner, indent if isinstance(inner, list) else indent + "  ")
            else:
                yield f"{indent}{key}: {_scalar(inner)}"
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list) and inner:
                first, *rest = _yaml(inner, indent + "  ")
                yield f"{indent}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{indent}- {_scalar(inner)}"


def _scalar(value: JsonValue) -> str:
    if isinstance(value, str) and value.isascii() and value.replace("-", "").replace("/", "").isalpha():
        return value
    return json.dumps(value, ensure_ascii=False)
