"""Taking snapshots of vms on a real cluster: what they are worth, and what is left when they fail."""

from __future__ import annotations

from secrets import token_hex
from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.lab.openshift.lab import EDITOR, READER
from tests.lab.openshift.proofs import AFTER, BEFORE, desk, desk_of, fresh_name
from vmsnap_tui.model.errors import Cancelled, Conflict, Denied, Failed
from vmsnap_tui.model.plan import Delete, Restore, Take
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import VmState

if TYPE_CHECKING:
    from tests.lab.openshift.lab import OpenShiftLab
    from vmsnap_tui.model.progress import Progress


@pytest.mark.parametrize(
    ("running", "agent", "consistency", "state"),
    [
        (True, True, Consistency.FILESYSTEM, VmState.RUNNING),
        (True, False, Consistency.CRASH, VmState.RUNNING),
        (False, False, Consistency.CLEAN, VmState.OFF),
    ],
    ids=["agent", "no agent", "off"],
)
def test_what_it_is_worth(
    cluster: OpenShiftLab, consistency: Consistency, state: VmState, *, running: bool, agent: bool
) -> None:
    with desk(cluster, running=running, agent=agent) as play:
        name = fresh_name()
        assert play.plan(Take(play.vm, name)).consistency is consistency
        play.do(Take(play.vm, name, "why not", settings=(("labels", "team=lab"),)))
        taken = play.snapshots[name]
        assert (taken.consistency, taken.state, taken.ready) == (consistency, state, True)
        assert taken.description == "why not"
        assert {disk.disk for disk in taken.disks if disk.included} == {f"{play.name}-0", f"{play.name}-1"}
        made = cluster.api.get("virtualmachinesnapshots", "default", name)
        assert made["metadata"]["labels"]["team"] == "lab"
        assert made["metadata"]["ownerReferences"][0]["name"] == play.name
        # A freeze may be over before anybody looks.
        assert [state for state in play.lamp if state != "frozen"] == (["freezing", "thawed"] if agent else [])
        assert not cluster.is_frozen(play.name)


def test_a_paused_guest_is_not_frozen(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        cluster.pause(play.name)
        name = fresh_name()
        assert play.plan(Take(play.vm, name)).consistency is Consistency.CRASH
        play.do(Take(play.vm, name))
        assert play.snapshots[name].consistency is Consistency.CRASH
        assert play.snapshots[name].state is VmState.PAUSED


def test_a_guest_whose_freeze_ends_before_each_cut_gives_no_snapshot(cluster: OpenShiftLab) -> None:
    """Windows thaws by itself after ten seconds, and KubeVirt tries again until its deadline."""
    with desk(cluster) as play:
        cluster.set_freeze(play.name, thaw_fails="command Unfreeze failed: fsfreeze is limited up to 10 seconds")
        name = fresh_name()
        with pytest.raises(Failed):
            play.do(Take(play.vm, name, settings=(("deadline", "8s"),)))
        assert name not in play.snapshots
        cluster.set_freeze(play.name)


def test_the_deadline_passes(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        cluster.set_freeze(play.name, fails="guest agent command failed: no")
        name = fresh_name()
        with pytest.raises(Failed, match=r"(?i)deadline exceeded.*no"):
            play.do(Take(play.vm, name, settings=(("deadline", "6s"),)))
        assert play.snapshots == {}
        assert play.lamp[-1] == "thawed"
        cluster.set_freeze(play.name)
        play.do(Take(play.vm, name))


def test_the_storage_fails_and_nobody_stays_frozen(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        cluster.set_storage_fault("CreateSnapshot", "out of space")
        with pytest.raises(Failed, match="deadline exceeded"):
            play.do(Take(play.vm, fresh_name(), settings=(("deadline", "6s"),)))
        assert play.snapshots == {}
        assert not cluster.is_frozen(play.name)
        assert any("out of space" in report.phase for report in play.reports)


def test_stopped_while_frozen(cluster: OpenShiftLab) -> None:
    with desk(cluster) as play:
        cluster.set_storage_fault("CreateSnapshot", None, seconds=5)
        stop = Event()

        def told(progress: Progress) -> None:
            if progress.freeze is not None and progress.freeze.state.value == "frozen":
                stop.set()

        with pytest.raises(Cancelled):
            play.do(Take(play.vm, fresh_name()), stop, told)
        assert play.snapshots == {}
        assert play.lamp[-1] == "thawed"
        assert not cluster.is_frozen(play.name)
        cluster.clear_storage_faults()
        play.do(Take(play.vm, fresh_name()))


def test_a_volume_without_snapshots_stays_out_and_is_named(cluster: OpenShiftLab) -> None:
    name = f"vm-{token_hex(3)}"
    claims = [cluster.seed_volume(f"{name}-0"), cluster.seed_volume(f"{name}-1", snapshots=False)]
    cluster.seed_vm_with(name, claims)
    with desk_of(cluster, name) as play:
        taken = fresh_name()
        plan = play.plan(Take(play.vm, taken))
        assert any(f"Not part of it: {name}-1" in caution for caution in plan.cautions)
        play.do(Take(play.vm, taken))
        assert play.snapshots[taken].missing == (f"{name}-1",)
        restore = play.plan(Restore(play.snapshots[taken].ref))
        assert any(f"{name}-1 was not part of the snapshot" in caution for caution in restore.cautions)


@pytest.mark.parametrize("freeze", [True, False])
def test_volume_snapshots_as_one(cluster: OpenShiftLab, *, freeze: bool) -> None:
    with desk(cluster) as play:
        name = fresh_name()
        method = "frozen-volume-snapshot" if freeze else "volume-snapshot"
        play.do(Take(play.vm, name, "two", method=method))
        taken = play.snapshots[name]
        assert taken.consistency is (Consistency.FILESYSTEM if freeze else Consistency.CRASH)
        assert len(taken.disks) == 2
        assert taken.description == "two"
        assert play.lamp == (["freezing", "frozen", "thawing", "thawed"] if freeze else [])
        assert not cluster.is_frozen(play.name)
        play.do(Delete(taken.ref))
        assert play.snapshots == {}


def test_one_volume_alone_and_back(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        play.write(BEFORE)
        name = fresh_name()
        play.do(Take(play.vm, name, method="volume-snapshot", disks=(f"{play.name}-1",)))
        assert play.snapshots[name].consistency is Consistency.CLEAN
        play.write(AFTER)
        play.do(Take(play.vm, later := fresh_name(), method="volume-snapshot"))
        assert play.current == later
        play.do(Restore(play.snapshots[name].ref))
        assert play.read() == [AFTER + b"0", BEFORE + b"1"]
        assert play.current == name
        play.do(Take(play.vm, branch := fresh_name()))
        assert play.tree == {name: None, later: name, branch: name}
        assert play.current == branch


def test_a_name_is_taken_once_in_a_namespace(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as one, desk(cluster, running=False, agent=False) as two:
        name = fresh_name()
        stale = two.plan(Take(two.vm, name))
        one.do(Take(one.vm, name))
        with pytest.raises(Conflict):
            two.platform.run(stale.steps[0], two.reports.append, Event())
        assert two.snapshots == {}
        assert one.snapshots[name].ready


def test_who_may_only_read_is_told_so(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play, desk_of(cluster, play.name, READER) as reader:
        name = fresh_name()
        admin_plan = play.plan(Take(play.vm, name))
        refusals = reader.plan(Take(play.vm, name, method="vm-snapshot")).refusals
        assert "you may not create virtualmachinesnapshots.snapshot.kubevirt.io" in refusals[0].why
        with pytest.raises(Denied):  # whoever tries all the same
            reader.platform.run(admin_plan.steps[0], reader.reports.append, Event())
        assert play.snapshots == {}
        play.do(Take(play.vm, name))
        assert reader.snapshots[name].ready
        assert "not-allowed" in reader.codes(Delete(reader.snapshots[name].ref))


def test_who_may_not_restore_can_take(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play, desk_of(cluster, play.name, EDITOR) as editor:
        name = fresh_name()
        editor.do(Take(play.vm, name))
        assert "not-allowed" in editor.codes(Restore(editor.snapshots[name].ref))
        editor.do(Delete(editor.snapshots[name].ref))


def test_the_api_goes_away_in_the_midst_of_it(cluster: OpenShiftLab) -> None:
    with desk(cluster, running=False, agent=False) as play:
        name, seen = fresh_name(), Event()
        cluster.set_storage_fault("ready", None, seconds=3)

        def told(progress: Progress) -> None:
            if not seen.is_set() and progress.total:
                seen.set()
                cluster.stop_api()
            elif "answer again" in progress.phase:
                cluster.start_api()

        play.do(Take(play.vm, name), told=told)
        assert seen.is_set()
        assert play.snapshots[name].ready
        assert len(play.snapshots) == 1
