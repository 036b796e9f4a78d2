"""The watch: what differs is told once, and a broken connection does not end it."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.unit.openstack.records import REF, SERVER, image, server
from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.platforms.openstack import watch as watch_module
from vmsnap_tui.platforms.openstack.snapshots import Things
from vmsnap_tui.platforms.openstack.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.openstack.inventory import Inventory


class Cloud:
    """An inventory whose content the test sets."""

    def __init__(self) -> None:
        self.server: dict[str, Any] = server()
        self.images: list[dict[str, Any]] = []
        self.away = False
        self.polls = 0
        self.looks = 0
        self.others: list[dict[str, Any]] = []

    def changed_servers(self, _since: str) -> tuple[list[dict[str, Any]], None]:
        self.polls += 1
        if self.away:
            raise Unreachable("refused")
        return [self.server, *self.others], None

    def known_servers(self) -> dict[str, dict[str, Any]]:
        return {} if self.server["status"] == "DELETED" else {SERVER: self.server}

    def picture(self, *, fresh: bool) -> None:
        assert fresh

    def pictured(self, server: dict[str, Any]) -> Things:
        return Things(server, images=tuple(self.images))


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setattr(watch_module, "_FAST", 0.01)
    return Cloud()


@pytest.fixture
def heard(cloud: Cloud) -> Iterator[SimpleQueue[Change]]:
    queue: SimpleQueue[Change] = SimpleQueue()
    stop = Event()

    def hear(change: Change) -> None:
        if change.kind is ChangeKind.LOOKED:
            cloud.looks += 1
        else:
            queue.put(change)

    thread = Thread(target=Watch(cast("Inventory", cloud), "cloud").run, args=(hear, stop), daemon=True)
    thread.start()
    assert queue.get(timeout=5) == Change(ChangeKind.VM, REF)
    yield queue
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def _polled(cloud: Cloud, times: int = 3) -> None:
    """Until it has looked some more times."""
    wanted, waiting = cloud.polls + times, Event()
    for _ in range(1000):
        if cloud.polls >= wanted:
            return
        waiting.wait(0.01)
    raise AssertionError("it does not poll")


def test_a_snapshot_is_told_once(cloud: Cloud, heard: SimpleQueue[Change]) -> None:
    _polled(cloud)
    cloud.images = [image("a", "11:00:00", status="queued")]
    assert heard.get(timeout=5) == Change(ChangeKind.SNAPSHOTS, REF)
    _polled(cloud)
    with pytest.raises(Empty):
        heard.get_nowait()
    cloud.images = [image("a", "11:00:00", status="active")]
    assert heard.get(timeout=5) == Change(ChangeKind.SNAPSHOTS, REF)


def test_a_task_is_a_change_of_the_server(cloud: Cloud, heard: SimpleQueue[Change]) -> None:
    cloud.server = server(**{"OS-EXT-STS:task_state": "image_snapshot"})
    assert heard.get(timeout=5) == Change(ChangeKind.VM, REF)


def test_a_server_that_is_deleted_is_told_once(cloud: Cloud, heard: SimpleQueue[Change]) -> None:
    cloud.server = server(status="DELETED")
    assert heard.get(timeout=5) == Change(ChangeKind.GONE, REF)
    _polled(cloud)
    with pytest.raises(Empty):
        heard.get_nowait()


def test_a_loss_is_told_once_and_its_end_too(cloud: Cloud, heard: SimpleQueue[Change]) -> None:
    cloud.away = True
    lost = heard.get(timeout=5)
    assert (lost.kind, type(lost.error)) == (ChangeKind.LOST, Unreachable)
    _polled(cloud)
    cloud.away = False
    assert heard.get(timeout=5) == Change(ChangeKind.BACK)


def test_it_says_that_it_has_looked_but_not_while_nobody_answers(cloud: Cloud, heard: SimpleQueue[Change]) -> None:
    _polled(cloud)
    assert cloud.looks >= 3
    cloud.away = True
    assert heard.get(timeout=5).kind is ChangeKind.LOST
    before = cloud.looks
    _polled(cloud)
    assert cloud.looks == before


def test_many_that_move_at_once_are_one_change(cloud: Cloud, heard: SimpleQueue[Change]) -> None:
    cloud.others = [server(id=f"other-{number}") for number in range(50)]
    assert heard.get(timeout=5) == Change(ChangeKind.ALL)
    _polled(cloud)
    with pytest.raises(Empty):
        heard.get_nowait()
