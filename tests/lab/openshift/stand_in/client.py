"""The API server as the stand-in talks to it."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final, Self

import aiohttp

from tests.lab.openshift.api import Object, RefusedError, path

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.lab.openshift.settings import Place

RETRY: Final = 0.3  # seconds, while the API server is away


class Client:
    """A session of the cluster's own controllers; use it as a context manager."""

    def __init__(self, place: Place) -> None:
        self._url = place.url("api")
        self._trust = ssl.create_default_context(cafile=str(place.keys.authority))
        self._trust.load_cert_chain(place.keys.certificate("controllers"), place.keys.key("controllers"))
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=0)
        self._session = aiohttp.ClientSession(self._url, connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, method: str, where: str, body: Any = None, *, kind: str = "json") -> Object:
        """Ask, and again while the API server is away."""
        headers = {"Content-Type": f"application/{kind}{'' if kind == 'json' else '+json'}"}
        content = json.dumps(body) if body is not None else None
        while True:
            try:
                async with self._session.request(method, where, data=content, headers=headers) as answer:
                    found: Object = await answer.json()
                    if answer.status >= 400:
                        raise RefusedError(answer.status, found.get("message", ""))
                    return found
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(RETRY)

    async def get(self, resource: str, namespace: str, name: str) -> Object | None:
        try:
            return await self.ask("GET", path(resource, namespace, name))
        except RefusedError as error:
            if error.status != 404:
                raise
            return None

    async def change(
        self, resource: str, namespace: str, name: str, edit: Callable[[Object], bool], sub: str | None = None
    ) -> None:
        """Read it, let `edit` change it, and write it if that says so; again if others wrote meanwhile."""
        while (item := await self.get(resource, namespace, name)) is not None and edit(item):
            try:
                await self.ask("PUT", path(resource, namespace, name, sub), item)
            except RefusedError as error:
                if error.status not in {404, 409}:
                    raise
            else:
                return

    async def watch(self, resource: str) -> AsyncIterator[Object]:
        """Everything there is and whatever changes, as it is then; again from the start when it is cut off.

        What is deleted is not told.
        """
        while True:
            try:
                found = await self.ask("GET", path(resource))
                for item in found["items"]:
                    yield item
                async for item in self._follow(resource, found["metadata"]["resourceVersion"]):
                    yield item
            except (aiohttp.ClientError, TimeoutError, RefusedError, ValueError) as error:
                sys.stderr.write(f"{resource}: {error!r}\n")
                await asyncio.sleep(RETRY)

    async def _follow(self, resource: str, version: str) -> AsyncIterator[Object]:
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "300"}
        endless = aiohttp.ClientTimeout(total=None)
        async with self._session.get(path(resource), params=query, timeout=endless, read_bufsize=2**24) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                if event["type"] != "DELETED":
                    yield event["object"]
