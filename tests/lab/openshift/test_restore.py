"""Restoring vms on a real cluster: what is on the volumes afterwards, what is left behind, what stands in the way."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.daemon import wait_until
from tests.lab.openshift.proofs import AFTER, BEFORE, both, claim_of, desk, desk_of, fresh_name
from vmsnap_tui.model.errors import Cancelled
from vmsnap_tui.model.plan import After, LossKind, Restore, Take
from vmsnap_tui.model.vm import VmState

if TYPE_CHECKING:
    from tests.lab.openshift.lab import OpenShiftLab
    from tests.lab.openshift.proofs import Desk
    from vmsnap_tui.model.progress import Progress


def _taken(play: Desk) -> str:
    """A snapshot of what was written before; something else is written afterwards."""
    play.write(BEFORE)
    name = fresh_name()
    play.do(Take(play.vm, name))
    play.write(AFTER)
    return name


def _claims(play: Desk) -> set[str]:
    items = play.lab.api.ask("GET", f"/api/v1/namespaces/{play.namespace}/persistentvolumeclaims")["items"]
    return {item["metadata"]["name"] for item in items}


def test_into_new_volumes(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        name, old = _taken(play), [play.claim(0), play.claim(1)]
        plan = play.plan(Restore(play.snapshots[name].ref))
        assert [loss.kind for loss in plan.losses] == [LossKind.CHANGES]
        said = play.do(Restore(play.snapshots[name].ref))
        assert said == "restored; the vm is off"
        assert play.read() == both(BEFORE)
        assert [play.claim(0), play.claim(1)] != old
        assert set(old) <= _claims(play)
        numbers = [report.done for report in play.reports if report.done is not None]
        assert numbers == sorted(numbers)


def test_in_place(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        name, old = _taken(play), [play.claim(0), play.claim(1)]
        play.do(Restore(play.snapshots[name].ref, how="in-place"))
        assert play.read() == both(BEFORE)
        assert [play.claim(0), play.claim(1)] == old


def test_a_vm_that_runs_is_stopped_and_started_again(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        name = _taken(play)
        plan = play.plan(Restore(play.snapshots[name].ref))
        assert LossKind.MEMORY in {loss.kind for loss in plan.losses}
        assert play.do(Restore(play.snapshots[name].ref)).endswith("the vm runs")
        assert play.read() == both(BEFORE)
        cluster.wait_vm(play.name, "Running")
        play.do(Restore(play.snapshots[name].ref, After.OFF))
        assert play.platform.vm(play.vm).state is VmState.OFF


def test_waiting_for_somebody_to_switch_it_off(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        name = _taken(play)
        request = Restore(play.snapshots[name].ref, After.OFF, settings=(("running", "wait"),))
        stop = Event()

        def give_up(progress: Progress) -> None:
            if progress.phase.startswith("Waiting for target VM"):
                stop.set()

        with pytest.raises(Cancelled):
            play.do(request, stop, give_up)
        assert play.platform.vm(play.vm).state is VmState.RUNNING
        stopped = Event()

        def switch_off(progress: Progress) -> None:
            if progress.phase.startswith("Waiting for target VM") and not stopped.is_set():
                stopped.set()
                where = f"/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/{play.name}/stop"
                cluster.api.ask("PUT", where, {})

        play.do(request, told=switch_off)
        assert play.read() == both(BEFORE)


def test_the_tree_branches(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        one, two, three = fresh_name(), fresh_name(), fresh_name()
        play.do(Take(play.vm, one))
        play.do(Take(play.vm, two))
        assert play.tree == {one: None, two: one}
        play.do(Restore(play.snapshots[one].ref))
        assert play.current == one
        play.do(Take(play.vm, three))
        assert play.tree == {one: None, two: one, three: one}
        assert play.current == three


def test_a_safety_snapshot_keeps_what_was_there(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        name, safe = _taken(play), fresh_name()
        play.do(Restore(play.snapshots[name].ref, safety=safe, how="in-place"))
        assert play.read() == both(BEFORE)
        play.do(Restore(play.snapshots[safe].ref, how="in-place"))
        assert play.read() == both(AFTER)


def test_what_was_left_behind_is_removed_on_request(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        name = _taken(play)
        first = {play.claim(0), play.claim(1)}
        play.do(Restore(play.snapshots[name].ref))
        second = {play.claim(0), play.claim(1)}
        request = Restore(play.snapshots[name].ref, settings=(("old-volumes", "remove-all"),))
        plan = play.plan(request)
        assert not plan.refusals
        assert first <= {loss.what for loss in plan.losses}
        play.do(request)
        assert play.read() == both(BEFORE)
        wait_until(lambda: not (first | second) & _claims(play), 60, "the old claims to go", every=0.2)


def test_a_new_vm(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        name, new = _taken(play), f"{play.name}-copy"
        play.do(Restore(play.snapshots[name].ref, how="new-vm", settings=(("name", new),)))
        assert play.read() == both(AFTER)
        spec = cluster.api.get("virtualmachines", "default", new)["spec"]["template"]["spec"]
        found = [cluster.read_volume(claim_of(volume), len(BEFORE) + 1) for volume in spec["volumes"]]
        assert found == both(BEFORE)
        old = cluster.api.get("virtualmachines", "default", play.name)["spec"]["template"]["spec"]["domain"]
        assert spec["domain"].get("firmware", {}).get("serial") != old["firmware"]["serial"]
        with desk_of(cluster, new) as copy:
            assert copy.platform.vm(copy.vm).state is VmState.OFF
            assert "name-taken" in play.codes(
                Restore(play.snapshots[name].ref, how="new-vm", settings=(("name", new),))
            )


def test_a_failed_restore_in_the_way_is_cleared(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        name = _taken(play)
        spec = {
            "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": play.name},
            "virtualMachineSnapshotName": name,
            "targetReadinessPolicy": "FailImmediate",
        }
        failed = f"failed-{name}"
        cluster.api.create(
            "virtualmachinerestores",
            {"kind": "VirtualMachineRestore", "metadata": {"name": failed, "namespace": "default"}, "spec": spec},
        )

        def has_failed() -> bool:
            status = cluster.api.get("virtualmachinerestores", "default", failed).get("status", {})
            return any(each["type"] == "Failure" for each in status.get("conditions", []))

        wait_until(has_failed, 60, "the restore to fail", every=0.2)
        plan = play.plan(Restore(play.snapshots[name].ref))
        assert [step.action for step in plan.steps] == ["clear", "restore"]
        assert failed in {loss.what for loss in plan.losses if loss.kind is LossKind.RECORD}
        play.do(Restore(play.snapshots[name].ref))
        assert play.read() == both(BEFORE)


def test_a_vm_that_was_made_anew_is_said_to_be_another(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        name, claims = _taken(play), [play.claim(0), play.claim(1)]
        # Without its owner, so that it outlives the vm.
        where = f"/apis/snapshot.kubevirt.io/v1beta1/namespaces/default/virtualmachinesnapshots/{name}"
        cluster.api.ask("PATCH", where, {"metadata": {"ownerReferences": None}}, kind="merge-patch")
        cluster.api.ask("DELETE", f"/apis/kubevirt.io/v1/namespaces/default/virtualmachines/{play.name}")
        wait_until(lambda: cluster.api.find("virtualmachines", "default", play.name) is None, 60, "it to go", every=0.2)
        cluster.seed_vm_with(play.name, claims)
        plan = play.plan(Restore(play.snapshots[name].ref))
        assert any("an earlier vm of this name" in caution for caution in plan.cautions)
        play.do(Restore(play.snapshots[name].ref))
        assert play.read() == both(BEFORE)
