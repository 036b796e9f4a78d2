"""How a vm could get better snapshots than it can now."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from vmsnap_tui.model.advice import AGENT, Advice
from vmsnap_tui.model.vm import AgentState, VmState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts, Volume

_DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"
_MANIFEST = """\
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshotClass
metadata:
  name: {name}
  annotations:
    {default}: "true"
driver: {driver}
deletionPolicy: Delete"""


def advice(facts: OpenShiftFacts) -> Iterator[Advice]:
    """What somebody could change, with the commands for it."""
    if facts.vm.state is VmState.RUNNING and facts.vm.agent is not AgentState.CONNECTED:
        yield AGENT
    by_class: dict[str, list[Volume]] = {}
    for volume in facts.volumes:
        if volume.driver and not volume.snapshot_class:
            by_class.setdefault(volume.storage_class, []).append(volume)
    for storage_class, volumes in by_class.items():
        yield _torn(storage_class, volumes, facts) if volumes[0].rivals else _bare(storage_class, volumes, facts)


def _torn(storage_class: str, volumes: Sequence[Volume], facts: OpenShiftFacts) -> Advice:
    rivals = volumes[0].rivals
    return Advice(
        f"Make one VolumeSnapshotClass the default for storage class {storage_class}",
        f"snapshots of {_named(volumes)}",
        choose(facts.kubectl, rivals[0]),
        f"{len(rivals)} fit ({', '.join(rivals)}), so none is used; the right one may be another than {rivals[0]}.",
    )


def _bare(storage_class: str, volumes: Sequence[Volume], facts: OpenShiftFacts) -> Advice:
    driver = volumes[0].driver
    return Advice(
        f"Give storage class {storage_class} a VolumeSnapshotClass",
        f"snapshots of {_named(volumes)}",
        make(facts.kubectl, storage_class, driver),
        f"The driver {driver} has to be able to take snapshots, and may want parameters: see its documentation.",
    )


def choose(kubectl: Sequence[str], snapshot_class: str) -> str:
    """The command that makes a VolumeSnapshotClass the default for its driver."""
    return shlex.join([*kubectl, "annotate", "volumesnapshotclass", snapshot_class, f"{_DEFAULT}=true"])


def make(kubectl: Sequence[str], storage_class: str, driver: str) -> str:
    """The command that gives a storage class a VolumeSnapshotClass."""
    manifest = _MANIFEST.format(name=f"{storage_class}-snapshots", default=_DEFAULT, driver=driver)
    return f"{shlex.join([*kubectl, 'apply', '-f', '-'])} <<'EOF'\n{manifest}\nEOF"


def _named(volumes: Sequence[Volume]) -> str:
    return f"volume{'' if len(volumes) == 1 else 's'} {', '.join(volume.disk for volume in volumes)}"
