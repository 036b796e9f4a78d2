"""Guests that stand frozen: seen, thawed, and never left so."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.daemon import wait_until
from tests.lab.openshift.lab import READER
from tests.lab.openshift.proofs import desk, desk_of, fresh_name
from vmsnap_tui.engine.rendezvous import Rendezvous
from vmsnap_tui.model.errors import Failed
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import Take, Thaw
from vmsnap_tui.model.snapshot import Consistency

if TYPE_CHECKING:
    from tests.lab.openshift.lab import OpenShiftLab
    from tests.lab.openshift.proofs import Desk
    from vmsnap_tui.model.snapshot import Snapshot


def _freeze(lab: OpenShiftLab, name: str, timeout: str = "5m0s") -> None:
    where = f"/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/{name}/freeze"
    lab.api.ask("PUT", where, {"unfreezeTimeout": timeout})
    wait_until(lambda: lab.is_frozen(name), 30, f"{name} to freeze", every=0.1)


def test_one_that_was_left_frozen_is_thawed(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        assert "not-frozen" in play.codes(Thaw(play.vm))
        _freeze(cluster, play.name)
        assert play.platform.facts(play.vm).freeze.state is FreezeState.FROZEN
        assert "frozen" in play.codes(Take(play.vm, fresh_name(), method="vm-snapshot"))
        with desk_of(cluster, play.name, READER) as reader:
            assert "not-allowed" in reader.codes(Thaw(play.vm))
        assert play.do(Thaw(play.vm)) == "thawed"
        assert play.lamp == ["thawing", "thawed"]
        assert not cluster.is_frozen(play.name)


def test_one_that_does_not_freeze_is_not_snapshotted(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        cluster.set_freeze(play.name, fails="agent is busy")
        with pytest.raises(Failed, match="agent is busy"):
            play.do(Take(play.vm, fresh_name(), method="frozen-volume-snapshot"))
        assert play.snapshots == {}
        assert play.lamp[-1] == "thawed"


def test_a_freeze_that_its_own_timeout_ends_proves_nothing(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        cluster.set_storage_fault("CreateSnapshot", None, seconds=6)
        name = fresh_name()
        said = play.do(Take(play.vm, name, method="frozen-volume-snapshot", settings=(("deadline", "3s"),)))
        assert "power cut" in said
        assert play.snapshots[name].consistency is Consistency.CRASH
        assert not cluster.is_frozen(play.name)


def _take_together(play: Desk, limit: float, method: str = "") -> Snapshot:
    """The only part of a group snapshot, as it is read again."""
    name = fresh_name()
    plan = play.plan(Take(play.vm, name, method=method, group="5e1f0c77"))
    assert not plan.refusals, plan.refusals
    meeting = Rendezvous("5e1f0c77", 1, limit)
    gate = meeting.gate()
    for step in plan.steps:
        play.platform.run(step, play.reports.append, Event(), gate)
    assert not play.lab.is_frozen(play.name)
    return play.snapshots[name]


@pytest.mark.parametrize("method", ["vm-snapshot", "frozen-volume-snapshot", "volume-snapshot"])
def test_a_part_of_a_group_is_frozen_by_ourselves(cluster: OpenShiftLab, method: str) -> None:
    with desk(cluster) as play:
        taken = _take_together(play, 30.0, method)
        assert taken.group is not None
        if method == "volume-snapshot":  # two volumes, cut while the guest goes on
            assert not taken.group.is_one_moment
            assert taken.consistency is Consistency.CRASH
        else:
            assert taken.group.is_one_moment
            assert taken.consistency is Consistency.FILESYSTEM
            assert [each for each in play.lamp if each != "thawing"] == ["freezing", "frozen", "thawed"]


@pytest.mark.parametrize("method", ["vm-snapshot", "frozen-volume-snapshot"])
def test_at_the_limit_of_a_group_the_guest_goes_on(cluster: OpenShiftLab, method: str) -> None:
    """The storage takes longer than that: by then the cluster has thawed the guest, and it is no moment."""
    with desk(cluster) as play:
        cluster.set_storage_fault("CreateSnapshot", None, seconds=5)
        taken = _take_together(play, 2.0, method)
        assert taken.group is not None
        assert not taken.group.is_one_moment
        if method == "frozen-volume-snapshot":
            assert taken.consistency is Consistency.CRASH
