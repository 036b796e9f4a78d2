"""A tiny fake of an API server on loopback, for what a real one cannot be made to do at will: break, delay, turn away.

It is no cluster: it answers what a test has it answer, and keeps what it was asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from vmsnap_tui.model.vm import PlatformKind, Site
from vmsnap_tui.platforms.openshift.cluster import Cluster

if TYPE_CHECKING:
    from pathlib import Path

Object = dict[str, Any]

GROUPS = {
    "kubevirt.io": ("v1", ("virtualmachines", "virtualmachineinstances")),
    "snapshot.kubevirt.io": (
        "v1beta1",
        ("virtualmachinesnapshots", "virtualmachinesnapshotcontents", "virtualmachinerestores"),
    ),
    "snapshot.storage.k8s.io": ("v1", ("volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses")),
}


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    token: str


@dataclass
class Answer:
    """`lines` go on after the body, for as long as they come; `cut` breaks the connection instead of an answer."""

    code: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lines: Iterator[Object] | None = None
    cut: bool = False


Script = Callable[[Asked], Answer | None]


class FakeApi:
    """`script` answers before anything else does; None from it leaves a request to the defaults: empty lists.

    Lines of an answer that wait for something stop once it is `over`: their thread would look for more of them as long
    as the tests run.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: Script = lambda _: None
        self.over = Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                pass

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                token = self.headers.get("authorization", "").removeprefix("Bearer ")
                asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), body, token)
                api.asked.append(asked)
                self._send(api.script(asked) or _default(asked))

            def _send(self, answer: Answer) -> None:
                if answer.cut:
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response(answer.code)
                body = b"" if answer.body is None else json.dumps(answer.body).encode()
                headers = {"Content-Type": "application/json", **answer.headers}
                if answer.lines is None:
                    headers["Content-Length"] = str(len(body))
                else:
                    headers["Connection"] = "close"
                    self.close_connection = True
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                for line in answer.lines or ():
                    self.wfile.write(json.dumps(line).encode() + b"\n")
                    self.wfile.flush()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library's names

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def count(self, method: str, ending: str) -> int:
        """How many requests there were of a method, to a path that ends so."""
        return sum(asked.method == method and asked.path.endswith(ending) for asked in self.asked)

    @contextmanager
    def serving(self) -> Iterator[FakeApi]:
        thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def site(self, folder: Path, user: Object | None = None, **options: str) -> Site:
        """A site with a kubeconfig that leads here."""
        config = folder / "kubeconfig"
        config.write_text(
            json.dumps({
                "current-context": "fake",
                "clusters": [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
                "users": [{"name": "ann", "user": user or {"token": "first"}}],
                "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "ann", "namespace": "shop"}}],
            })
        )  # fmt: skip
        return Site("east", PlatformKind.OPENSHIFT, "fake", options={"kubeconfig": str(config), **options})

    def cluster(self, folder: Path, user: Object | None = None) -> Cluster:
        return Cluster(self.site(folder, user))


def refused(code: int, words: str, **headers: str) -> Answer:
    """As the API server refuses."""
    body = {"kind": "Status", "status": "Failure", "message": words, "code": code}
    return Answer(code, body, {name.replace("_", "-"): value for name, value in headers.items()})


def listed(*items: Object, version: str = "100", more: str = "") -> Answer:
    """A page of a list."""
    return Answer(body={"items": list(items), "metadata": {"resourceVersion": version, "continue": more}})


def event(kind: str, item: Object) -> Object:
    """A line of a watch."""
    return {"type": kind, "object": item}


def _default(asked: Asked) -> Answer:
    if asked.path in _WHAT_THERE_IS:
        return Answer(body=_WHAT_THERE_IS[asked.path])
    if asked.path.endswith("/selfsubjectaccessreviews"):
        return Answer(201, {"status": {"allowed": True}})
    if asked.query.get("watch"):
        return Answer(lines=iter(()))
    if asked.path.rsplit("/", 1)[-1] in {"web", "gone"} or "subresources" in asked.path:
        return refused(404, "not found")
    return listed()


_WHAT_THERE_IS: dict[str, Object] = {
    "/version": {"gitVersion": "v1.36.3"},
    "/apis": {
        "groups": [
            {"name": name, "versions": [{"groupVersion": f"{name}/{version}", "version": version}]}
            for name, (version, _) in GROUPS.items()
        ]
    },
    **{
        f"/apis/{name}/{version}": {"resources": [{"name": plural} for plural in plurals]}
        for name, (version, plurals) in GROUPS.items()
    },
}
