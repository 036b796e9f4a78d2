"""Changes, one's own and those of others, arrive within a second or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.platforms.subject import await_change
from vmsnap_tui.model.change import ChangeKind

if TYPE_CHECKING:
    from queue import SimpleQueue

    from tests.platforms.subject import Subject
    from vmsnap_tui.model.change import Change

_SOON = 2.5  # seconds


class WatchingContract:
    """Watching."""

    def test_outside_snapshots_are_seen(self, subject: Subject) -> None:
        with subject.watched() as queue:
            _warm_up(subject, queue)
            subject.outside.take("outside")
            assert await_change(queue, lambda change: _concerns(change, subject), _SOON)
            assert "outside" in subject.snapshots
            _drain(queue)
            subject.outside.delete("outside")
            assert await_change(queue, lambda change: _concerns(change, subject), _SOON)
            assert "outside" not in subject.snapshots

    def test_own_snapshots_are_seen(self, subject: Subject) -> None:
        with subject.watched() as queue:
            _warm_up(subject, queue)
            subject.take("own")
            assert await_change(queue, lambda change: _concerns(change, subject), _SOON)

    def test_a_vm_that_goes_is_seen(self, subject: Subject) -> None:
        subject.platform.vm(subject.vm)  # the going of what was never seen is no change
        with subject.watched() as queue:
            _warm_up(subject, queue)
            subject.outside.remove_vm()
            gone = {ChangeKind.GONE, ChangeKind.ALL}
            assert await_change(queue, lambda change: change.kind in gone and _is(change, subject), _SOON)

    def test_two_watches_in_a_row(self, subject: Subject) -> None:
        for number in range(2):
            with subject.watched() as queue:
                _warm_up(subject, queue, f"round-{number}")


def _warm_up(subject: Subject, queue: SimpleQueue[Change], name: str = "warm-up") -> None:
    """Until the watch is at work: it does not say when, so somebody outside moves until it is noticed."""
    for number in range(10):
        subject.outside.take(f"{name}-{number}")
        if await_change(queue, lambda change: _concerns(change, subject), 1.5):
            _drain(queue)
            return
    raise AssertionError("the watch does not see anything")


def _drain(queue: SimpleQueue[Change]) -> None:
    while await_change(queue, lambda _: True, 0.1):
        pass


def _is(change: Change, subject: Subject) -> bool:
    return change.vm == subject.vm or change.kind is ChangeKind.ALL


def _concerns(change: Change, subject: Subject) -> bool:
    return change.kind in {ChangeKind.SNAPSHOTS, ChangeKind.ALL} and _is(change, subject)
