"""A few daemon threads that answer calls for the loop: the one file that knows threads.

Not a `ThreadPoolExecutor`, because that one waits for its threads when the program ends, and a call into a C library
that hangs cannot be ended. All bookkeeping is done on the loop; a thread does nothing but take a call and answer it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

StopSign = Event
"""Asks a thread to end what it does."""


@dataclass(slots=True, eq=False)
class _Call(Generic[T]):
    """A question and where its answer goes."""

    function: Callable[[], T]
    future: asyncio.Future[T]
    loop: asyncio.AbstractEventLoop


def post(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: object) -> None:
    """Have the loop call `function`. A loop that is closed wants to know nothing more."""
    try:
        loop.call_soon_threadsafe(function, *args)
    except RuntimeError:
        if not loop.is_closed():
            raise


def start_thread(name: str, work: Callable[[], None]) -> None:
    """Start a thread that nobody waits for when the program ends."""
    Thread(target=work, name=name, daemon=True).start()


class _Worker:
    """One thread with its inbox."""

    def __init__(self, name: str, ended: Callable[[_Worker], None]) -> None:
        self.inbox: SimpleQueue[_Call[Any] | None] = SimpleQueue()
        self._ended = ended
        start_thread(name, self._work)

    def _work(self) -> None:
        while self._answer(self.inbox.get()):
            pass

    def _answer(self, call: _Call[Any] | None) -> bool:
        if call is None:
            return False
        if not call.future.cancelled():
            try:
                result = call.function()
            except BaseException as error:  # noqa: BLE001 - whoever awaits the call gets it
                post(call.loop, _fail, call.future, error)
            else:
                post(call.loop, _settle, call.future, result)
        post(call.loop, self._ended, self)
        return True


def _settle(future: asyncio.Future[Any], result: object) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


class Lane:
    """Up to `width` threads, started as they are needed, that take calls in turn."""

    def __init__(self, name: str, width: int) -> None:
        self._name = name
        self._width = width
        self._waiting: deque[_Call[Any]] = deque()
        self._free: list[_Worker] = []
        self._busy: dict[_Worker, asyncio.Future[Any]] = {}

    def call(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Have a thread call `function`. Cancelling the answer gives the thread up, and another takes its place."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Call(function, future, loop))
        self._dispatch()
        return future

    def close(self) -> None:
        """Let idle threads end, and busy ones as soon as they come back. What still waits is not done any more."""
        for call in self._waiting:
            call.future.cancel()
        self._waiting.clear()
        for worker in (*self._free, *self._busy):
            worker.inbox.put(None)
        self._free.clear()
        self._busy.clear()

    def _dispatch(self) -> None:
        while self._waiting and (self._free or len(self._busy) < self._width):
            call = self._waiting.popleft()
            if call.future.cancelled():
                continue
            worker = self._free.pop() if self._free else _Worker(self._name, self._ended)
            self._busy[worker] = call.future
            call.future.add_done_callback(partial(self._given_up, worker))
            worker.inbox.put(call)

    def _given_up(self, worker: _Worker, future: asyncio.Future[Any]) -> None:
        if future.cancelled() and self._busy.get(worker) is future:
            del self._busy[worker]
            worker.inbox.put(None)
            self._dispatch()

    def _ended(self, worker: _Worker) -> None:
        if self._busy.pop(worker, None) is not None:
            self._free.append(worker)
            self._dispatch()
