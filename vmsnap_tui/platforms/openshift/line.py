"""A request, and what one thread sends its requests by."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kubernetes.aio.client.api_client import ApiClient

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from vmsnap_tui.platforms.openshift.login import Login

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `body` is JSON; `query` and `content_type` as in HTTP."""

    method: str
    path: str
    body: object = None
    query: Mapping[str, str] | None = None
    content_type: str = "application/json"


class Line:
    """A thread's own event loop and client, neither of which may be shared between threads."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self._runner = asyncio.Runner()
        self._busy = threading.Lock()
        self._closed = False
        self._client: ApiClient | None = None

    @property
    def client(self) -> ApiClient:
        """Made inside the loop, as it has to be."""
        if self._client is None:
            self._client = ApiClient(self.login.configuration)
            rest = self._client.rest_client
            rest.pool_manager = rest._create_pool_manager()  # noqa: SLF001 - there is no other way to the session
            # aiohttp would send a PUT or DELETE again whose answer was lost: a second freeze or stop.
            rest.pool_manager._retry_connection = False  # noqa: SLF001
        return self._client

    async def renew(self, login: Login) -> None:
        """Go on with another login."""
        self.login, client, self._client = login, self._client, None
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it in this thread."""
        with self._busy:
            result = self._runner.run(work)
        if self._closed:
            self.close()
        return result

    def close(self) -> None:
        """Let the connections go: now, or when the thread that uses them is done."""
        self._closed = True
        if self._busy.acquire(blocking=False):
            try:
                if self._client is not None:
                    self._runner.run(self._client.close())  # type: ignore[no-untyped-call]
                    self._client = None
                self._runner.close()
            finally:
                self._busy.release()
