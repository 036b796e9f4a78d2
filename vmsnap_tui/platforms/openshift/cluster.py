"""One cluster: a login that all threads share, and a client with an event loop of its own for each of them."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import ClientTimeout

from vmsnap_tui.model.errors import Missing, Unreachable, Unsupported, VmsnapError
from vmsnap_tui.platforms.openshift import may
from vmsnap_tui.platforms.openshift.errors import refusal, typed_errors
from vmsnap_tui.platforms.openshift.line import Ask, Line
from vmsnap_tui.platforms.openshift.login import log_in
from vmsnap_tui.platforms.openshift.records import Page
from vmsnap_tui.platforms.openshift.serving import Serving, discover

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence

    from vmsnap_tui.model.vm import Site
    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.login import Login

T = TypeVar("T")

PAGE = 500
_TIMEOUT = 60.0  # seconds that a request may take
_AT_ONCE = 16  # requests that one thread has under way at a time
_TRIES = 3
_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds between tries
_ALLOWED_FOR = 60.0  # seconds for which an answer to "may I?" holds

MERGE = "application/merge-patch+json"


class Cluster:
    """Speaks to the API server. Everything but what is `async` may be called from any thread.

    Nothing is sent twice that could be done twice: a read is, after a pause, and whatever the server has turned away
    (401 after another login, 429 after the pause that it asks for).
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._local = threading.local()
        self._lock = threading.Lock()
        self._login: Login | None = None
        self._lines: list[Line] = []
        self._allowed: dict[tuple[str, ...], tuple[float, bool]] = {}
        self.serving = Serving()
        """What there is in it."""
        self.requests = 0
        """How many requests were sent."""

    def open(self) -> None:
        """Log in, and find out what there is. Raises Unreachable, Denied."""
        with typed_errors():
            self._login = asyncio.run(log_in(self._site))
        self.serving = discover(self.get_several)

    def close(self) -> None:
        """Forget the login."""
        with self._lock:
            lines, self._lines, self._login = self._lines, [], None
            self._local = threading.local()
            self._allowed.clear()
        for line in lines:
            line.close()

    @property
    def address(self) -> str:
        """Of the API server."""
        return "" if self._login is None else str(self._login.configuration.host)

    @property
    def user(self) -> str:
        """The kubeconfig's name for who is logged in."""
        return "" if self._login is None else self._login.user

    @property
    def namespace(self) -> str:
        """The context's own namespace."""
        return "default" if self._login is None else self._login.namespace

    # Where things are

    def path(self, kind: Kind[Any], namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """Where the API has a kind of object, in all namespaces or one, or one object. Raises Unsupported."""
        version = self.serving.version(kind)
        if not version:
            raise Unsupported(
                f"the cluster has no {kind.plural}.{kind.group}", "ask who runs it to install what serves them"
            )
        parts = [f"/apis/{kind.group}/{version}" if kind.group else f"/api/{version}"]
        if namespace is not None and kind.namespaced:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(kind.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)

    # Asking

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """An answer's raw JSON (b"" where there is none). Raises the model's errors."""
        return self.run(self.asking(Ask(method, path, body, query, content_type)))

    def several(self, asks: Sequence[Ask]) -> list[bytes | VmsnapError]:
        """The answers to several requests that are sent at the same time, or what became of each."""
        return self.run(self._several(asks))

    @property
    def kubectl(self) -> tuple[str, ...]:
        """What a command of the cluster's own client begins with to be for this cluster."""
        given = {"--kubeconfig": self._site.options.get("kubeconfig", ""), "--context": self._site.address}
        return ("kubectl", *(word for option, value in given.items() if value for word in (option, value)))

    def get(self, kind: Kind[T], namespace: str | None, name: str) -> T:
        """One object. Raises Missing."""
        with typed_errors():
            return msgspec.json.decode(self.ask("GET", self.path(kind, namespace, name)), type=kind.type)

    def found(self, kind: Kind[T], namespace: str | None, name: str) -> T | None:
        """One object, None where it is not there."""
        try:
            return self.get(kind, namespace, name)
        except Missing:
            return None

    def get_several(self, paths: Sequence[str], type_: type[T]) -> list[T | VmsnapError]:
        """What is at several paths, read at the same time, or why it is not to be had."""
        found: list[T | VmsnapError] = []
        for answer in self.several([Ask("GET", path) for path in paths]):
            if isinstance(answer, VmsnapError):
                found.append(answer)
                continue
            with typed_errors():
                found.append(msgspec.json.decode(answer, type=type_))
        return found

    def pages(
        self, kind: Kind[T], namespace: str | None = None, *, limits: Iterable[int] = (), query: Mapping[str, str] = {}
    ) -> Iterator[Page[T]]:
        """A list in pages. `limits` are the sizes of the first pages; all others hold `PAGE`."""
        path, next_page, sizes = self.path(kind, namespace), "", iter(limits)
        while True:
            answer = self.ask("GET", path, query=part_of(kind, next(sizes, PAGE), next_page, query))
            page = self.page(kind, answer)
            yield page
            next_page = page.metadata.next
            if not next_page:
                return

    @staticmethod
    def page(kind: Kind[T], answer: bytes) -> Page[T]:
        """A page of a list, decoded."""
        with typed_errors():
            return _decoder(kind).decode(answer)

    def every(self, kind: Kind[T], namespace: str | None = None, query: Mapping[str, str] = {}) -> list[T]:
        """The whole of a list."""
        return [item for page in self.pages(kind, namespace, query=query) for item in page.items or ()]

    def may(self, verb: str, group: str, resource: str, namespace: str = "") -> bool:
        """Whether the cluster says that one may do that, as `may_all`: a hint, since it may change."""
        return self.may_all([(verb, group, resource)], namespace)[0]

    def may_all(self, rights: Sequence[tuple[str, str, str]], namespace: str = "") -> list[bool]:
        """The same for several at a time: verb, API group ("" for the core), resource with its
        "/subresource". `namespace` is "" for all of them.
        """
        now = time.monotonic()
        keys = [(*right, namespace) for right in rights]
        unknown = [key for key in dict.fromkeys(keys) if self._allowed.get(key, (0.0, False))[0] < now]
        for key, answer in zip(unknown, self.several([may.question(*key) for key in unknown]), strict=True):
            if isinstance(answer, Unreachable):
                raise answer
            # Who may not even ask is told when it is tried.
            said = isinstance(answer, VmsnapError) or may.is_allowed(answer)
            self._allowed[key] = now + _ALLOWED_FOR, said
        return [self._allowed[key][1] for key in keys]

    # Inside a thread's loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work`, which may use what is async here, in this thread's own loop."""
        with typed_errors():
            return self._line().run(work)

    async def asking(self, ask: Ask) -> bytes:
        """As `ask`."""
        turned_away = False
        for attempt in range(1, _TRIES + 1):
            line = await self._current()
            try:
                with typed_errors():
                    return await self._send(line, ask)
            except _TurnedAway as error:
                if error.pause is None and not turned_away:
                    turned_away = True
                    await self._renew(line)
                    continue
                if error.pause is None or attempt == _TRIES:
                    raise error.meaning from None
                await asyncio.sleep(min(error.pause, _LONGEST_PAUSE))
            except Unreachable:
                if ask.method != "GET" or attempt == _TRIES:
                    raise
                await asyncio.sleep(_PAUSE * 2**attempt * random.uniform(0.8, 1.2))  # noqa: S311 - nothing secret
        raise Unreachable("no answer", "refresh the site")

    async def lines(self, path: str, query: Mapping[str, str], silence: float) -> AsyncIterator[bytes]:
        """The lines of an answer that goes on: at first b"", when the server has agreed, and then what it says.

        They end when the server ends them. Raises Unreachable when it says nothing for `silence` seconds.
        """
        with typed_errors():
            patience = ClientTimeout(total=None, sock_connect=_TIMEOUT, sock_read=silence)
            line = await self._current()
            response = await self._response(line, Ask("GET", path, query=query), patience)
            if response.status == 401:
                response.response.close()
                await self._renew(line)
                response = await self._response(line, Ask("GET", path, query=query), patience)
            try:
                if response.status >= 400:
                    raise refusal(response.status, await response.read())
                yield b""
                while text := await response.response.content.readline():
                    yield text
            finally:
                response.response.close()

    async def _several(self, asks: Sequence[Ask]) -> list[bytes | VmsnapError]:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(ask: Ask) -> bytes | VmsnapError:
            async with gate:
                try:
                    return await self.asking(ask)
                except VmsnapError as error:
                    return error

        return await asyncio.gather(*map(one, asks))

    async def _send(self, line: Line, ask: Ask) -> bytes:
        response = await self._response(line, ask, ClientTimeout(total=_TIMEOUT))
        body: bytes = await response.read()
        if response.status < 400:
            return body
        meaning = refusal(response.status, body)
        if response.status == 401:
            raise _TurnedAway(meaning, None)
        if response.status == 429:
            raise _TurnedAway(meaning, _seconds(response.getheader("Retry-After")))
        raise meaning

    async def _response(self, line: Line, ask: Ask, patience: ClientTimeout) -> Any:  # noqa: ANN401 - the library's own
        self.requests += 1
        request = await line.client.param_serialize(
            ask.method,
            ask.path,
            query_params=list((ask.query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": ask.content_type},
            body=ask.body,
            auth_settings=["BearerToken"],
        )
        return await line.client.call_api(*request, _request_timeout=patience)

    async def _current(self) -> Line:
        """This thread's line, with a login that is not too old."""
        line = self._line()
        if line.login.is_old:
            await self._renew(line)
        elif line.login is not self._login:
            await line.renew(self._opened())
        return line

    async def _renew(self, line: Line) -> None:
        """Log in anew, unless another thread has done that."""
        if self._login is line.login:
            self._login = await log_in(self._site)
        await line.renew(self._opened())

    def _line(self) -> Line:
        line: Line | None = getattr(self._local, "line", None)
        if line is None:
            with self._lock:
                line = self._local.line = Line(self._opened())
                self._lines.append(line)
        return line

    def _opened(self) -> Login:
        if self._login is None:
            raise Unreachable("not connected", "refresh the site to connect now")
        return self._login


def part_of(kind: Kind[Any], limit: int, next_page: str = "", query: Mapping[str, str] = {}) -> dict[str, str]:
    """The query for a part of a list: its first `limit` objects, or those from `next_page` on."""
    part = {"limit": str(limit), **query}
    if kind.selector:
        part["labelSelector"] = kind.selector
    if next_page:
        part["continue"] = next_page
    return part


@cache
def _decoder(kind: Kind[T]) -> msgspec.json.Decoder[Page[T]]:
    """Of a page of a list."""
    return msgspec.json.Decoder(Page[kind.type])  # type: ignore[name-defined]


class _TurnedAway(Exception):
    """The server did nothing: try again after `pause` seconds, or after another login (None)."""

    def __init__(self, meaning: VmsnapError, pause: float | None) -> None:
        super().__init__(str(meaning))
        self.meaning = meaning
        self.pause = pause


def _seconds(text: str | None) -> float:
    try:
        return max(0.1, float(text or 1))
    except ValueError:
        return 1.0
