"""Steps that take: what is asked of the cluster, what is shown, and what is left when it goes wrong. On a fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.openshift.fake import Doing, FakeCluster
from vmsnap_tui.model.errors import Cancelled, Denied, Failed, Missing, VmsnapError
from vmsnap_tui.model.together import Alone, Group, Hold
from vmsnap_tui.platforms.openshift.errors import AlreadyThere

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmsnap_tui.model.progress import Progress

pytestmark = pytest.mark.usefixtures("quick")

Object = dict[str, Any]
SNAPSHOTS, CONTENTS, VOLUMES = "virtualmachinesnapshots", "virtualmachinesnapshotcontents", "volumesnapshots"
INSTANCES = "virtualmachineinstances"
GIB = 1 << 30


@pytest.fixture
def cluster() -> FakeCluster:
    """A running vm whose agent answers."""
    found = FakeCluster()
    found.add("virtualmachines", "web", spec={"template": {"spec": {"volumes": []}}})
    found.add(INSTANCES, "web", status={"phase": "Running", "fsFreezeStatus": ""})
    return found


def _params(**values: Any) -> dict[str, Any]:
    usual = {
        "name": "one",
        "description": "",
        "vm_uid": "uid-1",
        "state": "running",
        "volumes": [
            {"disk": "root", "claim": "web-root", "class": "fast", "size": GIB},
            {"disk": "data", "claim": "web-data", "class": "fast", "size": 3 * GIB},
        ],
        "freeze": False,
        "deadline": 300.0,
        "retains": False,
        "labels": {},
        "line": [],
    }
    return usual | values


def _snapshot(status: Object) -> Callable[[FakeCluster], None]:
    def look(cluster: FakeCluster) -> None:
        for name in cluster.names(SNAPSHOTS):
            cluster.objects[SNAPSHOTS, name]["status"] = status

    return look


def _freeze(state: str) -> Callable[[FakeCluster], None]:
    def look(cluster: FakeCluster) -> None:
        cluster.objects[INSTANCES, "web"]["status"]["fsFreezeStatus"] = state

    return look


def _content(status: Object) -> Callable[[FakeCluster], None]:
    """The content of the snapshot, with two volumes."""
    backups = [{"volumeName": disk, "volumeSnapshotName": f"vs-{disk}"} for disk in ("root", "data")]

    def look(cluster: FakeCluster) -> None:
        for name in cluster.names(SNAPSHOTS):
            content = f"vmsnapshot-content-{cluster.objects[SNAPSHOTS, name]['metadata']['uid']}"
            cluster.add(CONTENTS, content, spec={"volumeBackups": backups}, status=status)

    return look


def _both(*looks: Callable[[FakeCluster], None]) -> Callable[[FakeCluster], None]:
    def look(cluster: FakeCluster) -> None:
        for each in looks:
            each(cluster)

    return look


READY = {"phase": "Succeeded", "readyToUse": True, "creationTime": "2026-03-02T12:00:00Z"}
FROZEN_WELL = READY | {"sourceIndications": [{"indication": "Online"}, {"indication": "GuestAgent"}]}


# Snapshots of a whole vm


def test_what_is_asked_for(cluster: FakeCluster) -> None:
    cluster.looks = [_snapshot(READY)]
    asked = _params(description="why", retains=True, labels={"team": "shop"}, line=["a", "b"], deadline=90.0)
    assert Doing(cluster).do("take", **asked) == "taken"
    made = cluster.objects[SNAPSHOTS, "one"]
    assert made["spec"] == {
        "source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "web"},
        "deletionPolicy": "Retain",
        "failureDeadline": "90s",
    }
    assert made["metadata"]["labels"] == {"team": "shop"}
    assert made["metadata"]["annotations"]["description"] == "why"
    assert made["metadata"]["annotations"]["vmsnap.io/parents"] == "a,b"
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["blockOwnerDeletion"]) == ("VirtualMachine", "uid-1", False)


def test_it_is_ready_only_when_it_can_be_restored(cluster: FakeCluster) -> None:
    part = {"volumeSnapshotName": "vs-root", "readyToUse": True}
    cluster.looks = [
        _snapshot({"phase": "InProgress"}),
        _both(_snapshot({"phase": "Succeeded"}), _content({"creationTime": "2026-03-02T12:00:00Z"})),
        _both(
            _snapshot({"phase": "Succeeded", "readyToUse": False}),
            _content({"creationTime": "2026-03-02T12:00:00Z", "volumeSnapshotStatus": [part]}),
        ),
        *[_snapshot({"phase": "Succeeded", "readyToUse": False})] * 4,
        _snapshot(READY),
    ]
    doing = Doing(cluster)
    assert doing.do("take", **_params()) == "taken"
    shown = [(each.done, each.total) for each in doing.reports if each.total]
    assert (GIB, 4 * GIB) in shown
    assert len(cluster.looks) == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["GuestAgent"], "with the file systems frozen"),
        (["NoGuestAgent"], "no agent answered"),
        (["GuestAgent", "QuiesceTimeout"], "the freeze ended"),
        (["QuiesceFailed"], "could not be frozen"),
        (["Paused"], "the guest was paused"),
    ],
)
def test_what_it_is_worth_is_what_the_cluster_says(cluster: FakeCluster, said: list[str], words: str) -> None:
    cluster.looks = [_snapshot(READY | {"indications": ["Online", *said]})]
    assert words in Doing(cluster).do("take", **_params(freeze=True))


def test_the_lamp_follows_the_guest(cluster: FakeCluster) -> None:
    wait = _snapshot({"phase": "InProgress"})
    cluster.looks = [wait, _both(wait, _freeze("frozen")), *[wait] * 6, _freeze("thawed"), *[wait] * 3]
    cluster.looks.append(_snapshot(FROZEN_WELL))
    doing = Doing(cluster)
    assert "frozen" in doing.do("take", **_params(freeze=True))
    assert doing.lamp == ["freezing", "frozen", "thawed"]
    assert cluster.calls == []


def test_an_answer_that_was_lost_makes_no_second_one(cluster: FakeCluster) -> None:
    cluster.looks = [_snapshot(READY)]
    cluster.lose = 1
    assert Doing(cluster).do("take", **_params()) == "taken"
    assert cluster.sent.count(f"POST {SNAPSHOTS}") == 1
    assert cluster.names(SNAPSHOTS) == ["one"]


def test_the_name_of_somebody_elses_is_not_taken_for_ours(cluster: FakeCluster) -> None:
    cluster.add(SNAPSHOTS, "one", status=READY)
    with pytest.raises(AlreadyThere):
        Doing(cluster).do("take", **_params())
    assert cluster.names(SNAPSHOTS) == ["one"]


def test_the_deadline_passes_with_the_reason_that_was_seen_before(cluster: FakeCluster) -> None:
    failed = {
        "phase": "Failed",
        "conditions": [{"type": "Failure", "status": "True", "reason": "snapshot deadline exceeded"}],
    }
    cluster.looks = [
        _snapshot({}),  # the vm is looked at first
        _both(_snapshot({"phase": "InProgress"}), _content({"error": {"message": "Failed freezing vm shop/web"}})),
        *[_snapshot({"phase": "InProgress"})] * 3,
        _snapshot(failed),
    ]
    with pytest.raises(Failed, match="snapshot deadline exceeded: Failed freezing vm shop/web"):
        Doing(cluster).do("take", **_params(freeze=True))
    assert cluster.names(SNAPSHOTS) == []


def test_stopped_it_leaves_nothing_and_nobody_frozen(cluster: FakeCluster) -> None:
    cluster.looks = [_both(_snapshot({"phase": "InProgress"}), _freeze("frozen")), _snapshot({"phase": "InProgress"})]
    cluster.on_call = lambda _: _freeze("thawed")(cluster)
    doing = Doing(cluster)

    def report(progress: Progress) -> None:
        if progress.freeze is not None and progress.freeze.state.value == "frozen":
            doing.stop.set()

    doing.on_report = report
    with pytest.raises(Cancelled):
        doing.do("take", **_params(freeze=True))
    assert cluster.names(SNAPSHOTS) == []
    assert doing.lamp[-1] == "thawed"
    assert ("virtualmachineinstances/unfreeze", {}) in cluster.calls


def test_a_guest_that_stays_frozen_is_told(cluster: FakeCluster) -> None:
    cluster.looks = [_both(_snapshot(FROZEN_WELL), _freeze("frozen"))]
    doing = Doing(cluster)
    with pytest.raises(Failed, match="may still be frozen"):
        doing.do("take", **_params(freeze=True))
    assert doing.lamp[-1] == "failed"


def test_one_that_cannot_be_taken_back_is_named(cluster: FakeCluster) -> None:
    cluster.looks = [_snapshot({"phase": "Failed"})]
    cluster.refuse[f"DELETE {SNAPSHOTS}"] = Denied("you may not")
    with pytest.raises(Failed, match="snapshot one is left"):
        Doing(cluster).do("take", **_params())


def test_a_vm_that_was_made_anew_is_not_the_one(cluster: FakeCluster) -> None:
    with pytest.raises(Missing, match="another one has its name"):
        Doing(cluster).do("take", **_params(vm_uid="other"))
    assert cluster.names(SNAPSHOTS) == []


# Volume snapshots


def _volumes(**status: Any) -> Callable[[FakeCluster], None]:
    def look(cluster: FakeCluster) -> None:
        for name in cluster.names(VOLUMES):
            cluster.objects[VOLUMES, name]["status"] = status

    return look


CUT = {"creationTime": "2026-03-02T12:00:00Z"}


def test_several_volumes_are_one_snapshot(cluster: FakeCluster) -> None:
    cluster.looks = [_volumes(**CUT, readyToUse=True)]
    assert Doing(cluster).do("cut", **_params(line=["a"])) == "taken"
    assert cluster.names(VOLUMES) == ["web-one-root", "web-one-data"]
    notes = cluster.objects[VOLUMES, "web-one-data"]["metadata"]["annotations"]
    notes.pop("vmsnap.io/act")
    assert notes == {
        "vmsnap.io/group": "one",
        "vmsnap.io/parts": "2",
        "vmsnap.io/parents": "a",
        "vmsnap.io/state": "running",
        "vmsnap.io/vm": "web",
        "vmsnap.io/disk": "data",
    }


def test_one_volume_is_named_as_the_snapshot(cluster: FakeCluster) -> None:
    cluster.looks = [_volumes(**CUT, readyToUse=True)]
    Doing(cluster).do("cut", **_params(volumes=_params()["volumes"][:1], description="why"))
    assert cluster.names(VOLUMES) == ["one"]
    made = cluster.objects[VOLUMES, "one"]
    assert made["spec"] == {"source": {"persistentVolumeClaimName": "web-root"}, "volumeSnapshotClassName": "fast"}
    assert "vmsnap.io/group" not in made["metadata"]["annotations"]
    assert made["metadata"]["annotations"]["description"] == "why"


def _obeys(cluster: FakeCluster) -> Callable[[str], None]:
    """The guest does as it is told."""

    def called(what: str) -> None:
        _freeze("thawed" if what.endswith("unfreeze") else "frozen")(cluster)

    return called


def test_the_guest_is_frozen_until_all_are_cut(cluster: FakeCluster) -> None:
    cluster.on_call = _obeys(cluster)
    cluster.looks = [*[_volumes()] * 3, *[_volumes(**CUT)] * 10, _volumes(**CUT, readyToUse=True)]
    doing = Doing(cluster)
    assert doing.do("cut", **_params(freeze=True, deadline=60.0)) == "taken, with the file systems frozen"
    assert cluster.calls == [
        ("virtualmachineinstances/freeze", {"unfreezeTimeout": "60s"}),
        ("virtualmachineinstances/unfreeze", {}),
    ]
    assert doing.lamp == ["freezing", "frozen", "thawing", "thawed"]
    assert {cluster.objects[VOLUMES, name]["metadata"]["annotations"]["vmsnap.io/frozen"] for name in
            cluster.names(VOLUMES)} == {"yes"}  # fmt: skip


def test_a_freeze_that_ended_early_is_no_proof(cluster: FakeCluster) -> None:
    cluster.on_call = _obeys(cluster)
    cluster.looks = [*[_volumes()] * 3, _freeze("thawed"), _both(_volumes(**CUT, readyToUse=True))]
    assert "power cut" in Doing(cluster).do("cut", **_params(freeze=True))
    for name in cluster.names(VOLUMES):
        assert "vmsnap.io/frozen" not in cluster.objects[VOLUMES, name]["metadata"]["annotations"]


def _lets_go_too_early(cluster: FakeCluster) -> Callable[[str], None]:
    """A Windows guest: after ten seconds it writes again, and only the thaw says so."""

    def called(what: str) -> None:
        _obeys(cluster)(what)
        if what.endswith("unfreeze"):
            raise Failed("couldn't hold writes: fsfreeze is limited up to 10 seconds")

    return called


def test_one_that_let_go_before_its_thaw_is_no_proof(cluster: FakeCluster) -> None:
    cluster.on_call = _lets_go_too_early(cluster)
    cluster.looks = [_volumes(**CUT, readyToUse=True)]
    assert "power cut" in Doing(cluster).do("cut", **_params(freeze=True))
    for name in cluster.names(VOLUMES):
        assert "vmsnap.io/frozen" not in cluster.objects[VOLUMES, name]["metadata"]["annotations"]


class Meeting(Alone):
    """A gate that is open, and notes how a guest was held."""

    def __init__(self, window: float | None = None) -> None:
        self.hold: Hold | None = None
        self.window = window

    def over(self, hold: Hold) -> Group | None:
        self.hold = hold
        return Group("g", self.window)


@pytest.mark.parametrize(
    ("guest", "hold", "words"),
    [(_obeys, Hold.HELD, "with the file systems frozen"), (_lets_go_too_early, Hold.TORN, "power cut")],
)
def test_a_part_that_let_go_too_early_was_not_held(
    cluster: FakeCluster, guest: Callable[[FakeCluster], Callable[[str], None]], hold: Hold, words: str
) -> None:
    cluster.on_call = guest(cluster)
    cluster.looks = [_volumes(**CUT, readyToUse=True)]
    doing, meeting = Doing(cluster), Meeting()
    doing.gate = meeting
    assert words in doing.do("cut", **_params(freeze=True, together=True))
    assert meeting.hold is hold


@pytest.mark.parametrize("limit", [0.0, 0.9])
def test_what_is_cut_once_the_time_is_up_was_not_frozen_whatever_the_status_says(
    cluster: FakeCluster, limit: float
) -> None:
    """The cluster has thawed it then, after whole seconds, and tells so later."""
    cluster.on_call = _obeys(cluster)
    cluster.looks = [_volumes(**CUT, readyToUse=True)]
    doing, meeting = Doing(cluster), Meeting()
    doing.gate, meeting.limit = meeting, limit
    assert "power cut" in doing.do("cut", **_params(freeze=True, together=True))
    assert cluster.calls[0] == ("virtualmachineinstances/freeze", {"unfreezeTimeout": "0s"})
    assert meeting.hold is Hold.TORN


@pytest.mark.parametrize(
    ("said", "hold"),
    [("GuestAgent", Hold.FREED), ("QuiesceTimeout", Hold.TORN), ("QuiesceFailed", Hold.TORN)],
)
def test_a_part_that_the_cluster_saw_let_go_was_not_held(cluster: FakeCluster, said: str, hold: Hold) -> None:
    """What it says of the snapshot by itself counts for the group too."""
    cluster.on_call = _obeys(cluster)
    told = {"sourceIndications": [{"indication": "Online"}, {"indication": said}]}
    cluster.looks = [
        *[_both(_snapshot({"phase": "InProgress"} | told), _content(CUT), _freeze("frozen"))] * 8,
        _both(_snapshot(READY | told), _content(CUT), _freeze("thawed")),
    ]
    doing, meeting = Doing(cluster), Meeting()
    doing.gate = meeting
    doing.do("take", **_params(freeze=True, together=True))
    assert meeting.hold is hold


def test_a_part_of_which_that_is_said_later_is_noted_as_no_part_of_the_moment(cluster: FakeCluster) -> None:
    cluster.on_call = _obeys(cluster)
    cluster.looks = [
        *[_both(_snapshot({"phase": "InProgress"}), _content(CUT), _freeze("frozen"))] * 8,
        _both(_snapshot(READY | {"sourceIndications": [{"indication": "QuiesceTimeout"}]}), _freeze("thawed")),
    ]
    doing = Doing(cluster)
    doing.gate = Meeting(0.5)
    doing.do("take", **_params(freeze=True, together=True))
    assert cluster.objects[SNAPSHOTS, "one"]["metadata"]["annotations"]["vmsnap.io/together"] == "g"


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        ("PUT virtualmachineinstances/freeze", Failed("Internal error occurred: command Freeze failed")),
        (f"POST {VOLUMES}", Denied("volumesnapshots is forbidden")),
    ],
)
def test_whatever_goes_wrong_the_guest_is_thawed(cluster: FakeCluster, refused: str, error: VmsnapError) -> None:
    cluster.on_call = _obeys(cluster)
    cluster.refuse[refused] = error
    doing = Doing(cluster)
    with pytest.raises(type(error), match=error.words):
        doing.do("cut", **_params(freeze=True))
    assert cluster.names(VOLUMES) == []
    assert cluster.calls[-1][0] == "virtualmachineinstances/unfreeze"
    assert doing.lamp[-1] == "thawed"


def test_the_storage_that_fails_for_long_ends_it(cluster: FakeCluster) -> None:
    cluster.looks = [_volumes(error={"message": "Failed to create snapshot: no space"})]
    with pytest.raises(Failed, match="no space"):
        Doing(cluster).do("cut", **_params())
    assert cluster.names(VOLUMES) == []


def test_stopped_between_two_cuts_none_is_left(cluster: FakeCluster) -> None:
    cluster.looks = [_volumes()]
    doing = Doing(cluster)
    doing.on_report = lambda progress: doing.stop.set() if "until" in progress.phase else None
    with pytest.raises(Cancelled):
        doing.do("cut", **_params())
    assert cluster.names(VOLUMES) == []


# Thawing


def test_a_thaw_is_seen(cluster: FakeCluster) -> None:
    _freeze("frozen")(cluster)
    cluster.on_call = _obeys(cluster)
    doing = Doing(cluster)
    assert doing.do("thaw") == "thawed"
    assert doing.lamp == ["thawing", "thawed"]


def test_a_thaw_that_does_nothing_is_told(cluster: FakeCluster) -> None:
    _freeze("frozen")(cluster)
    with pytest.raises(Failed, match="may still be frozen"):
        Doing(cluster).do("thaw")
