"""Deleting snapshots on a real cluster: what goes and what stays, by the records and by the storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.libvirt.daemon import wait_until
from tests.lab.openshift.proofs import AFTER, BEFORE, both, desk, fresh_name
from vmsnap_tui.model.plan import Delete, Edit, LossKind, Restore, Scope, Take

if TYPE_CHECKING:
    from tests.lab.openshift.lab import OpenShiftLab
    from tests.lab.openshift.proofs import Desk


def _taken(play: Desk, **settings: str) -> str:
    name = fresh_name()
    play.do(Take(play.vm, name, settings=tuple(settings.items())))
    return name


def _cuts(lab: OpenShiftLab) -> set[str]:
    """The snapshots that the storage has."""
    items = lab.api.ask("GET", "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents")["items"]
    return {item.get("status", {}).get("snapshotHandle", "") for item in items}


def test_the_storages_snapshots_are_named_and_go(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        before = _cuts(cluster)
        name = _taken(play)
        made = _cuts(cluster) - before
        assert len(made) == 2
        plan = play.plan(Delete(play.snapshots[name].ref))
        (loss,) = plan.losses
        assert loss.kind is LossKind.SNAPSHOT
        assert all(handle in loss.detail for handle in made)
        assert play.do(Delete(play.snapshots[name].ref)) == "deleted"
        assert play.snapshots == {}
        wait_until(lambda: not made & _cuts(cluster), 60, "the storage's snapshots to go", every=0.2)


def test_what_is_retained_stays(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        before = _cuts(cluster)
        name = _taken(play, deletion="Retain")
        made = _cuts(cluster) - before
        plan = play.plan(Delete(play.snapshots[name].ref))
        (loss,) = plan.losses
        assert loss.kind is LossKind.RECORD
        said = play.do(Delete(play.snapshots[name].ref))
        content = said.rpartition(" ")[2]
        assert play.snapshots == {}
        assert cluster.api.get("virtualmachinesnapshotcontents", "default", content)
        assert made <= _cuts(cluster)


def test_one_in_the_midst_of_the_tree(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        play.write(BEFORE)
        one, two = _taken(play), _taken(play)
        three = _taken(play)
        play.write(AFTER)
        play.do(Delete(play.snapshots[two].ref))
        assert play.tree == {one: None, three: one}
        play.do(Restore(play.snapshots[three].ref))
        assert play.read() == both(BEFORE)
        play.do(Delete(play.snapshots[one].ref, Scope.TREE))
        assert play.snapshots == {}


def test_finalizers_that_hold_it_up_are_shown(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        name = _taken(play)
        where = f"/apis/snapshot.kubevirt.io/v1beta1/namespaces/default/virtualmachinesnapshots/{name}"
        finalizers = cluster.api.ask("GET", where)["metadata"]["finalizers"]
        held = {"metadata": {"finalizers": [*finalizers, "example.com/audit"]}}
        cluster.api.ask("PATCH", where, held, kind="merge-patch")
        cluster.api.ask("DELETE", where)
        assert "example.com/audit" in next(
            refusal.why
            for refusal in play.plan(Delete(play.snapshots[name].ref)).refusals
            if refusal.code == "deleting"
        )
        cluster.api.ask("PATCH", where, {"metadata": {"finalizers": None}}, kind="merge-patch")


def test_describing(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        name = _taken(play)
        play.do(Edit(play.snapshots[name].ref, description="for\nthe auditors"))
        assert play.snapshots[name].description == "for\nthe auditors"
        assert "rename-unsupported" in play.codes(Edit(play.snapshots[name].ref, name="other"))
