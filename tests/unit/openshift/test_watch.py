"""The watch: what is told of vms, and what becomes of a watch that ends, expires, is refused or breaks."""

from __future__ import annotations

from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.openshift.api import Answer, Asked, FakeApi, event, listed, refused
from tests.unit.openshift.objects import REF, claim, restore, snapshot, vm, vmi, volume_snapshot
from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.platforms.openshift import watch as watch_module
from vmsnap_tui.platforms.openshift.platform import OpenShiftPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Object = dict[str, Any]
_PLURALS = (
    "virtualmachines", "virtualmachineinstances", "persistentvolumeclaims", "virtualmachinesnapshots",
    "virtualmachinerestores", "volumesnapshots",
)  # fmt: skip


class World(FakeApi):
    """Lists of objects by resource, and watches that a test speaks through. `broken` cuts every watch."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, list[Object]] = {"virtualmachines": [vm()], "virtualmachineinstances": [vmi()]}
        self.watches: dict[str, SimpleQueue[Object | None]] = {plural: SimpleQueue() for plural in _PLURALS}
        self.refused: dict[str, Answer] = {}
        self.broken = False
        self.version = 1000
        self.script = self._answer

    def say(self, plural: str, kind: str, item: Object) -> None:
        """A line of a watch."""
        self.version += 1
        metadata = item.get("metadata", {}) | {"resourceVersion": str(self.version)}
        self.watches[plural].put(event(kind, item if kind == "ERROR" else item | {"metadata": metadata}))

    def end(self, plural: str) -> None:
        """The server ends a watch."""
        self.watches[plural].put(None)

    def _answer(self, asked: Asked) -> Answer | None:
        plural = asked.path.rsplit("/", 1)[-1]
        if plural not in _PLURALS:
            return None
        if self.broken:
            return Answer(cut=True)
        if asked.query.get("watch"):
            return self.refused.pop(plural, None) or Answer(lines=self._lines(plural))
        return listed(*self.objects.get(plural, ()), version=str(self.version))

    def _lines(self, plural: str) -> Iterator[Object]:
        queue = self.watches[plural]
        while not self.broken and not self.over.is_set():
            try:
                line = queue.get(timeout=0.02)
            except Empty:
                continue
            if line is None:
                return
            yield line


class Heard:
    """What a watch tells."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Change] = SimpleQueue()

    def until(self, kind: ChangeKind, seconds: float = 20) -> list[Change]:
        """All up to the next change of that kind."""
        deadline, found = monotonic() + seconds, []
        while True:
            try:
                found.append(self.queue.get(timeout=max(0.01, deadline - monotonic())))
            except Empty:
                raise AssertionError(f"no {kind}, but {found}") from None
            if found[-1].kind is kind:
                return found

    def nothing_of(self, *kinds: ChangeKind) -> bool:
        """Whether none of these has come so far."""
        found = []
        while not self.queue.empty():
            found.append(self.queue.get())
        return not {change.kind for change in found} & set(kinds)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_GRACE", 0.01)
    monkeypatch.setattr(watch_module, "_TICK", 0.01)
    monkeypatch.setattr(watch_module, "_FIRST_PAUSE", 0.02)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.serving():
        yield world


@contextmanager
def watched(world: World, tmp_path: Path) -> Iterator[tuple[OpenShiftPlatform, Heard]]:
    platform = OpenShiftPlatform(world.site(tmp_path))
    platform.open()
    heard, stop = Heard(), Event()
    thread = Thread(target=platform.watch, args=(heard.queue.put, stop), daemon=True)
    thread.start()
    try:
        _at_work(world)
        yield platform, heard
    finally:
        stop.set()
        thread.join(5)
        platform.close()
    assert not thread.is_alive()


def _at_work(world: World) -> None:
    deadline = monotonic() + 20
    while len({asked.path for asked in world.asked if asked.query.get("watch")}) < len(_PLURALS):
        assert monotonic() < deadline
        Event().wait(0.01)


@pytest.mark.parametrize(
    ("plural", "kind", "item", "expected"),
    [
        ("virtualmachines", "MODIFIED", vm(status={"printableStatus": "Stopped"}), ChangeKind.VM),
        ("virtualmachines", "MODIFIED", vm(epoch="r-1"), ChangeKind.SNAPSHOTS),
        ("virtualmachines", "DELETED", vm(), ChangeKind.GONE),
        ("virtualmachineinstances", "MODIFIED", vmi(paused=True), ChangeKind.VM),
        ("virtualmachineinstances", "DELETED", vmi(), ChangeKind.VM),
        ("persistentvolumeclaims", "ADDED", claim("web-data", 20), ChangeKind.VM),
        ("virtualmachinesnapshots", "ADDED", snapshot("s", 10, 1), ChangeKind.SNAPSHOTS),
        ("virtualmachinerestores", "ADDED", restore("r", 11, "s", 1), ChangeKind.SNAPSHOTS),
        ("volumesnapshots", "ADDED", volume_snapshot("v", 12, 1), ChangeKind.SNAPSHOTS),
    ],
)
def test_what_is_told(world: World, tmp_path: Path, plural: str, kind: str, item: Object, expected: ChangeKind) -> None:
    with watched(world, tmp_path) as (_, heard):
        world.say(plural, kind, item)
        assert heard.until(expected)[-1].vm == REF


def test_the_lamp_follows_the_freeze(world: World, tmp_path: Path) -> None:
    with watched(world, tmp_path) as (_, heard):
        for frozen, state in (("frozen", FreezeState.FROZEN), ("thawed", FreezeState.THAWED)):
            world.say("virtualmachineinstances", "MODIFIED", vmi(frozen=frozen))
            freeze = heard.until(ChangeKind.FREEZE)[-1].freeze
            assert freeze is not None
            assert freeze.state is state
            assert freeze.since is not None


def test_a_guest_that_was_found_frozen_is_told(world: World, tmp_path: Path) -> None:
    world.objects["virtualmachineinstances"] = [vmi(frozen="frozen")]
    with watched(world, tmp_path) as (_, heard):
        freeze = heard.until(ChangeKind.FREEZE)[-1].freeze
        assert freeze is not None
        assert (freeze.state, freeze.since) == (FreezeState.FROZEN, None)


def test_what_was_there_at_first_and_what_says_the_same_is_not_told(world: World, tmp_path: Path) -> None:
    with watched(world, tmp_path) as (_, heard):
        world.say("virtualmachines", "MODIFIED", vm())
        world.say("virtualmachinesnapshots", "ADDED", snapshot("s", 10, 1))
        world.say("virtualmachinesnapshots", "BOOKMARK", {"metadata": {}})
        assert [change.kind for change in heard.until(ChangeKind.SNAPSHOTS)] == [ChangeKind.SNAPSHOTS]


def test_the_snapshots_of_a_vm_that_is_gone_are_told_to_nobody(world: World, tmp_path: Path) -> None:
    orphan = snapshot("old", 10, 1)
    orphan["spec"]["source"]["name"] = "nobody"
    with watched(world, tmp_path) as (_, heard):
        world.say("virtualmachinesnapshots", "ADDED", orphan)
        world.say("virtualmachinesnapshots", "ADDED", snapshot("s", 11, 2))
        assert [change.vm for change in heard.until(ChangeKind.SNAPSHOTS)] == [REF]


def test_reads_come_from_what_the_watch_keeps_true(world: World, tmp_path: Path) -> None:
    with watched(world, tmp_path) as (platform, heard):
        world.say("virtualmachinesnapshots", "ADDED", snapshot("s", 10, 1))
        heard.until(ChangeKind.SNAPSHOTS)
        world.asked.clear()
        assert [each.name for each in platform.snapshots([REF])[REF]] == ["s"]
        assert [each.ref for page in platform.vms() for each in page] == [REF]
        assert platform.vm(REF).ref == REF
        assert not [asked for asked in world.asked if not asked.query.get("watch")]


def test_a_watch_that_the_server_ends_goes_on_where_it_was(world: World, tmp_path: Path) -> None:
    with watched(world, tmp_path) as (_, heard):
        world.say("virtualmachinesnapshots", "ADDED", snapshot("s", 10, 1))
        heard.until(ChangeKind.SNAPSHOTS)
        last = str(world.version)
        world.end("virtualmachinesnapshots")
        world.say("virtualmachinesnapshots", "ADDED", snapshot("t", 11, 2))
        heard.until(ChangeKind.SNAPSHOTS)
        asked = [each for each in world.asked if each.path.endswith("snapshots") and each.query.get("watch")]
        assert [each.query["resourceVersion"] for each in asked if "virtualmachine" in each.path] == ["1000", last]
        assert all(each.query["allowWatchBookmarks"] == "true" for each in asked)


@pytest.mark.parametrize("when", ["in the middle", "at once"])
def test_one_that_has_expired_is_listed_anew_and_the_difference_told(world: World, tmp_path: Path, when: str) -> None:
    world.objects["virtualmachinesnapshots"] = [snapshot("kept", 10, 1), snapshot("deleted", 11, 2)]
    with watched(world, tmp_path) as (platform, heard):
        world.objects["virtualmachinesnapshots"] = [snapshot("kept", 10, 1), snapshot("new", 12, 3)]
        world.version += 100
        gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version: 1 (5)"}
        if when == "in the middle":
            world.say("virtualmachinesnapshots", "ERROR", gone)
        else:
            world.refused["virtualmachinesnapshots"] = refused(410, "too old resource version")
            world.end("virtualmachinesnapshots")
        for _ in range(2):
            assert [change.kind for change in heard.until(ChangeKind.SNAPSHOTS)] == [ChangeKind.SNAPSHOTS]
        assert {each.name for each in platform.snapshots([REF])[REF]} == {"kept", "new"}


def test_a_broken_connection_is_lost_and_back_once(world: World, tmp_path: Path) -> None:
    with watched(world, tmp_path) as (platform, heard):
        world.broken = True
        lost = heard.until(ChangeKind.LOST)[-1]
        assert lost.error is not None
        world.objects["virtualmachinesnapshots"] = [snapshot("meanwhile", 10, 1)]
        world.say("virtualmachinesnapshots", "ADDED", snapshot("meanwhile", 10, 1))
        world.broken = False
        assert [each.kind for each in heard.until(ChangeKind.BACK)].count(ChangeKind.LOST) == 0
        world.say("virtualmachines", "MODIFIED", vm(status={"printableStatus": "Stopped"}))
        heard.until(ChangeKind.VM)
        assert [each.name for each in platform.snapshots([REF])[REF]] == ["meanwhile"]


def test_one_break_that_heals_at_once_is_no_loss(world: World, tmp_path: Path) -> None:
    with watched(world, tmp_path) as (_, heard):
        world.refused["virtualmachines"] = Answer(cut=True)
        world.end("virtualmachines")
        world.say("virtualmachines", "MODIFIED", vm(status={"printableStatus": "Stopped"}))
        assert [change.kind for change in heard.until(ChangeKind.VM)] == [ChangeKind.VM]


def test_a_right_that_is_taken_away_leaves_the_rest(world: World, tmp_path: Path) -> None:
    with watched(world, tmp_path) as (_, heard):
        world.refused["volumesnapshots"] = refused(403, "volumesnapshots is forbidden")
        world.end("volumesnapshots")
        world.say("virtualmachines", "MODIFIED", vm(status={"printableStatus": "Stopped"}))
        assert [change.kind for change in heard.until(ChangeKind.VM)] == [ChangeKind.VM]
        assert heard.nothing_of(ChangeKind.LOST)


def test_vms_without_the_right_to_watch_them_are_a_loss(world: World, tmp_path: Path) -> None:
    with watched(world, tmp_path) as (_, heard):
        world.refused["virtualmachines"] = refused(403, "virtualmachines is forbidden")
        world.end("virtualmachines")
        error = heard.until(ChangeKind.LOST)[-1].error
        assert error is not None
        assert "forbidden" in error.words
        heard.until(ChangeKind.BACK)


def test_what_is_on_the_screen_is_read_again_when_its_sizes_are_known(world: World, tmp_path: Path) -> None:
    with watched(world, tmp_path) as (platform, heard):
        platform.look_at(frozenset({REF}))
        assert heard.until(ChangeKind.VM)[-1].vm == REF
