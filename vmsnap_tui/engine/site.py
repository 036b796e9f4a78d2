"""One site's platform behind awaitables: whatever blocks happens in a thread, whatever comes back lands on the loop."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from vmsnap_tui.engine.hearing import Hearing
from vmsnap_tui.engine.lane import Lane, StopSign, post, start_thread
from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import Failed, Unreachable, VmsnapError
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.together import ALONE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.model.vm import Site, SiteInfo, Vm, VmRef
    from vmsnap_tui.platforms.protocol import Platform

T = TypeVar("T")

log = logging.getLogger(__name__)

READS = 3
"""Threads that read: one for the bulk of snapshots, one for what changed or is looked at, one for who asks."""


class Connection:
    """A site's platform. Reads and steps have threads of their own, so that steps never hold up reads.

    Every method raises the platform's typed errors; anything else that a platform raises is logged and becomes
    Failed.
    """

    def __init__(
        self,
        site: Site,
        platform: Callable[[Site], Platform],
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        """`tell` is called when `hearing` has news."""
        self.site = site
        self.hearing = Hearing(tell)
        self._create = platform
        self._platform: Platform | None = None
        self._reads = Lane(f"{site.name} reads", READS)
        self._steps = Lane(f"{site.name} steps", site.jobs)
        self._together = Lane(f"{site.name} together", sys.maxsize)
        self._watch: StopSign | None = None
        self._on_screen: frozenset[VmRef] = frozenset()

    async def open(self) -> SiteInfo:
        """Reach the site. May be called again after a loss."""
        info = await self._ask(self._open)
        self.look_at(self._on_screen)
        return info

    async def read(self, question: Callable[[Platform], T]) -> T:
        """Put a question to the platform. It is a function that runs in a thread."""
        return await self._ask(lambda: question(self._opened()))

    async def vms(self) -> AsyncIterator[Sequence[Vm]]:
        """All vms, in pages. The next page is read when this one has been dealt with."""
        pages = await self.read(lambda platform: iter(platform.vms()))
        while (page := await self._ask(lambda: next(pages, None))) is not None:
            yield page

    async def run(
        self, step: Step, report: Callable[[Progress], None], stop: StopSign, gate: Gate | None = None
    ) -> str:
        """Do one step. `report` is called on the loop, with the newest progress where it comes too fast.

        Steps that wait for each other at a `gate` have a thread each, so that none waits for one that has none.
        """
        crossing = _Crossing(asyncio.get_running_loop(), report, _same_lamp)
        try:
            lane = self._steps if gate is None else self._together
            return await lane.call(
                lambda: _typed(lambda: self._opened().run(step, crossing.send, stop, gate or ALONE)),
            )
        finally:
            crossing.end()

    def watch(self, changed: Callable[[Change], None]) -> None:
        """Have `changed` called on the loop for whatever the platform sees, until `close`.

        Without effect while a watch runs. Should it end by itself, that is told as LOST.
        """
        if self._watch is not None:
            return
        stop = self._watch = StopSign()

        def tell(change: Change) -> None:
            if change.kind is not ChangeKind.LOST:
                self.hearing.sign_of_life()
            changed(change)

        def ended(error: VmsnapError) -> None:
            if self._watch is stop:
                self._watch = None
                changed(Change(ChangeKind.LOST, error=error))

        loop = asyncio.get_running_loop()
        crossing = _Crossing(loop, tell, _never)

        def work() -> None:
            error: VmsnapError = Unreachable("the watch on the site ended")
            try:
                _typed(lambda: self._opened().watch(crossing.send, stop))
            except VmsnapError as caught:
                error = caught
            if not stop.is_set():
                post(loop, ended, error)

        start_thread(f"{self.site.name} watch", work)

    @property
    def is_watched(self) -> bool:
        """Whether a watch runs, which takes a lost connection up again by itself."""
        return self._watch is not None

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """Tell the platform which vms are on the screen, now and when it is opened again."""
        self._on_screen = vms
        if self._platform is not None:
            self._platform.look_at(vms)

    async def close(self, patience: float = 0.5) -> None:
        """Let go of the site. Does not wait longer than `patience` seconds for calls that hang."""
        if self._watch is not None:
            self._watch.set()
        self.hearing.end()
        platform, self._platform = self._platform, None
        if platform is not None:
            closing = Lane(f"{self.site.name} close", 1)
            await asyncio.wait([closing.call(platform.close)], timeout=patience)
            closing.close()
        self._reads.close()
        self._steps.close()
        self._together.close()

    def _open(self) -> SiteInfo:
        if self._platform is None:
            self._platform = self._create(self.site)
        return self._platform.open()

    def _opened(self) -> Platform:
        if self._platform is None:
            raise Unreachable(f"{self.site.name} is not connected")
        return self._platform

    async def _ask(self, function: Callable[[], T]) -> T:
        self.hearing.asked()
        heard = False
        try:
            answer = await self._reads.call(lambda: _typed(function))
            heard = True
        except VmsnapError as error:
            heard = not isinstance(error, Unreachable)
            raise
        finally:
            self.hearing.answered(heard=heard)
        return answer


def _typed(function: Callable[[], T]) -> T:
    """Call what a platform does, and see to it that nothing but typed errors comes out."""
    try:
        return function()
    except VmsnapError:
        raise
    except Exception as error:
        log.exception("a platform raised what it should not")
        raise Failed(
            clean(f"{type(error).__name__}: {error}"), "this is a fault of the program; its log has more"
        ) from error


class _Crossing(Generic[T]):
    """Carries values from a thread to the loop, in order. A burst crosses in one go.

    A value replaces the last one that still waits where `replaces(last, new)` says so.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deliver: Callable[[T], None],
        replaces: Callable[[T, T], bool],
    ) -> None:
        self._loop = loop
        self._deliver = deliver
        self._replaces = replaces
        self._waiting: deque[T] = deque()
        self._posted = False
        self._ended = False

    def send(self, value: T) -> None:
        """Called from a thread, or from several."""
        self._waiting.append(value)
        if not self._posted:
            self._posted = True
            post(self._loop, self._land)

    def end(self) -> None:
        """Deliver what is left, and nothing after that. Called on the loop."""
        self._land()
        self._ended = True

    def _land(self) -> None:
        self._posted = False  # before anything is taken out, so that nothing can be left lying
        last: T | None = None
        while self._waiting and not self._ended:
            value = self._waiting.popleft()
            if last is not None and not self._replaces(last, value):
                self._deliver(last)
            last = value
        if last is not None:
            self._deliver(last)


def _same_lamp(last: Progress, new: Progress) -> bool:
    """Progress may be skipped, but no freeze state."""
    return last.freeze == new.freeze


def _never(_last: Change, _new: Change) -> bool:
    return False
