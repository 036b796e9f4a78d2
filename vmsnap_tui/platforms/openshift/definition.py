"""A VirtualMachine's definition, without what the cluster fills in or changes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.compare import Definition
from vmsnap_tui.model.errors import Unsupported
from vmsnap_tui.model.text import clean_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

_OTHERS = (
    "kubectl.kubernetes.io/",
    "kubevirt.io/latest-observed-api-version",
    "kubevirt.io/storage-observed-api-version",
    "restore.kubevirt.io/",
)
"""What annotations begin with that clients and controllers write for themselves."""


def definition_of(machine: Mapping[str, Any]) -> Definition:
    """Labels, annotations and spec of a VirtualMachine, or of what a VirtualMachineSnapshotContent has of one.

    Raises Unsupported where there is none.
    """
    import yaml  # comes with kubernetes

    spec, metadata = machine.get("spec"), machine.get("metadata") or {}
    if not isinstance(spec, dict):
        raise Unsupported("the snapshot's content has no definition of the vm")
    annotations = {
        key: text for key, text in (metadata.get("annotations") or {}).items() if not key.startswith(_OTHERS)
    }
    kept = {"labels": metadata.get("labels"), "annotations": annotations}
    told = {"metadata": {key: values for key, values in kept.items() if values}, "spec": _bare(spec)}
    text = yaml.safe_dump({key: value for key, value in told.items() if value}, allow_unicode=True, width=10_000)
    return Definition(clean_lines(text), "yaml")


def _bare(value: object) -> object:
    """Without null, which says nothing. (An empty object says something: "the default".)"""
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if inner is not None}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value
