"""What holds a vm's data on a real cluster, held against what kubectl prints."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.lab.libvirt.daemon import wait_until
from tests.lab.openshift.lab import READER
from tests.lab.openshift.proofs import desk, desk_of, fresh_name
from vmsnap_tui.model.layer import LayerKind
from vmsnap_tui.model.plan import Take
from vmsnap_tui.platforms.openshift import platform as module

if TYPE_CHECKING:
    import pytest

    from tests.lab.openshift.lab import OpenShiftLab
    from tests.lab.openshift.proofs import Desk
    from vmsnap_tui.model.layer import Hop, Layer


def kubectl(lab: OpenShiftLab, kind: str, name: str) -> dict[str, Any]:
    """An object, as the cluster's own client prints it."""
    command = [str(lab.kubectl), "--namespace", "default", "get", kind, name, "--output", "json"]
    printed = subprocess.run(command, env=lab.environment, capture_output=True, check=True, text=True)
    answer: dict[str, Any] = json.loads(printed.stdout)
    return answer


def layers(play: Desk) -> tuple[Layer, ...]:
    return play.platform.survey([play.vm]).holdings[play.vm].layers


def hop(layer: Layer, kind: str) -> Hop:
    return next(each for each in layer.hops if each.kind == kind)


def test_each_hop_is_as_kubectl_prints_it(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        name = fresh_name()
        play.do(Take(play.vm, name))
        survey = play.platform.survey([play.vm])
        assert survey.is_healthy, survey.findings
        cuts = [each for each in layers(play) if each.kind is LayerKind.VOLUME_SNAPSHOT]
        assert {each.disk for each in cuts} == {f"{play.name}-0", f"{play.name}-1"}
        for layer in cuts:
            whole = kubectl(cluster, "virtualmachinesnapshot", name)
            assert hop(layer, "VirtualMachineSnapshot").ready is whole["status"]["readyToUse"] is True
            bundle = kubectl(
                cluster, "virtualmachinesnapshotcontent", whole["status"]["virtualMachineSnapshotContentName"]
            )
            assert hop(layer, "VirtualMachineSnapshotContent").name == bundle["metadata"]["name"]
            backup = next(each for each in bundle["spec"]["volumeBackups"] if each["volumeName"] == layer.disk)
            assert layer.place == backup["volumeSnapshotName"]
            volume = kubectl(cluster, "volumesnapshot", layer.place)
            details = dict(hop(layer, "VolumeSnapshot").details)
            assert details["class"] == volume["spec"]["volumeSnapshotClassName"]
            assert details["restore size"] == volume["status"]["restoreSize"]
            content = kubectl(cluster, "volumesnapshotcontent", volume["status"]["boundVolumeSnapshotContentName"])
            assert hop(layer, "VolumeSnapshotContent").name == content["metadata"]["name"]
            assert hop(layer, content["spec"]["driver"]).name == content["status"]["snapshotHandle"]
            assert layer.virtual == content["status"]["restoreSize"]
        for layer in (each for each in layers(play) if each.kind is LayerKind.ACTIVE):
            claim = kubectl(cluster, "persistentvolumeclaim", hop(layer, "PersistentVolumeClaim").name)
            assert hop(layer, "PersistentVolume").name == claim["spec"]["volumeName"]
            assert dict(layer.hops[0].details)["storage class"] == claim["spec"]["storageClassName"]


def test_who_may_not_read_the_storages_objects_is_told_so(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        play.do(Take(play.vm, fresh_name()))
        with desk_of(cluster, play.name, READER) as other:
            [first, *_] = [each for each in layers(other) if each.kind is LayerKind.VOLUME_SNAPSHOT]
            kinds = [each.kind for each in first.hops]
            assert kinds[:3] == ["VirtualMachineSnapshot", "VirtualMachineSnapshotContent", "VolumeSnapshot"]
            told = hop(first, "VolumeSnapshotContent")
            assert told.ready is None
            assert "volumesnapshotcontents" in told.error


def test_the_advised_class_lets_a_volume_join(cluster: OpenShiftLab) -> None:
    name = fresh_name()
    cluster.set_guest(name, "default", agent=True)
    cluster.seed_vm_with(name, [cluster.seed_volume(f"{name}-0", snapshots=False)], wait=False)
    with desk_of(cluster, name) as play:
        [advice] = play.platform.facts(play.vm).advice()
        assert advice.gains.startswith("snapshots of volume")
        command = advice.command.replace("kubectl", str(cluster.kubectl), 1)
        environment = dict(os.environ) | cluster.environment
        subprocess.run(["bash", "-c", command], env=environment, capture_output=True, check=True, text=True)
        made = command.split("  name: ")[1].splitlines()[0]
        try:
            assert play.platform.facts(play.vm).advice() == ()
        finally:
            cluster.api.delete("volumesnapshotclasses", None, made)


def test_what_belongs_to_nobody_any_more_is_found(cluster: OpenShiftLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vm that was deleted leaves its snapshot, a content that is kept its space."""
    monkeypatch.setattr(module, "_PATIENCE", timedelta())
    with desk(cluster) as play:
        name = fresh_name()
        play.do(Take(play.vm, name))
        places = [each.place for each in layers(play) if each.kind is LayerKind.VOLUME_SNAPSHOT]

        def codes() -> set[tuple[str, str]]:
            found = play.platform.survey(None).findings
            ours = {name, *places, content}
            return {(each.code, each.place) for each in found if ours & {each.place, each.snapshot.partition("/")[2]}}

        volume = kubectl(cluster, "volumesnapshot", places[0])
        content = str(volume["status"]["boundVolumeSnapshotContentName"])
        assert codes() == set()
        cluster.api.merge("volumesnapshotcontents", None, content, {"spec": {"deletionPolicy": "Retain"}})
        cluster.api.delete("volumesnapshots", "default", places[0])
        wait_until(lambda: cluster.api.gone("volumesnapshots", "default", places[0]), 30, "it to go")
        # Its controller finds out by itself, and calls the snapshot failed.
        wait_until(lambda: codes() == {("failed-snapshot", ""), ("orphan-content", content)}, 30, "both to be found")
        [mend] = next(each for each in play.platform.survey(None).findings if each.place == content).mends
        for command in mend.command.splitlines():
            subprocess.run(
                ["bash", "-c", command.replace("kubectl", str(cluster.kubectl), 1)],
                env=dict(os.environ) | cluster.environment,
                capture_output=True,
                check=True,
            )
        # A snapshot of vmsnap or the console goes with its vm; one that virtctl or kubectl made stays.
        name = fresh_name()
        source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": play.name}
        plain = {"kind": "VirtualMachineSnapshot", "metadata": {"name": name, "namespace": "default"}}
        cluster.api.create("virtualmachinesnapshots", {**plain, "spec": {"source": source}})
        wait_until(lambda: name in play.snapshots and play.snapshots[name].ready, 60, "it to be ready")
        cluster.api.delete("virtualmachines", "default", play.name)
        wait_until(lambda: cluster.api.gone("virtualmachines", "default", play.name), 60, "the vm to go")
        wait_until(lambda: codes() == {("snapshot-of-nobody", name)}, 30, "the snapshot to be nobody's")
