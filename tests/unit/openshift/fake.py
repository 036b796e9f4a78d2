"""A fake of the API server: objects in a dict, and controllers that are scripted by the test.

It is no cluster: what is not scripted does not happen. Everything above the wire is the real `Cluster`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, Any

from vmsnap_tui.model.errors import Unreachable, VmsnapError
from vmsnap_tui.model.plan import Step
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.platforms.openshift.cluster import Cluster
from vmsnap_tui.platforms.openshift.errors import typed
from vmsnap_tui.platforms.openshift.serving import Serving
from vmsnap_tui.platforms.openshift.steps import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vmsnap_tui.model.plan import JsonValue
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.platforms.openshift.line import Ask

Object = dict[str, Any]
Look = Callable[["FakeCluster"], None]

REF = VmRef("c", "shop/web")
_SERVED = {
    "kubevirt.io/v1": ("virtualmachines", "virtualmachineinstances"),
    "snapshot.kubevirt.io/v1beta1": (
        "virtualmachinesnapshots", "virtualmachinesnapshotcontents", "virtualmachinerestores",
    ),
    "snapshot.storage.k8s.io/v1": ("volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses"),
    "clone.kubevirt.io/v1beta1": ("virtualmachineclones",),
    "export.kubevirt.io/v1beta1": ("virtualmachineexports",),
    "cdi.kubevirt.io/v1beta1": ("datavolumes",),
}  # fmt: skip


class FakeCluster(Cluster):
    """`looks` are called, in turn, before each read: that is when the world moves on. The last one is called for good.

    `calls` are the subresources that were called. `lose` is how many answers to creates are lost from now on, after
    they were carried out; `refuse` holds errors by "METHOD plural".
    """

    def __init__(self) -> None:
        super().__init__(Site("c", PlatformKind.OPENSHIFT, "fake"))
        self.serving = Serving({name: frozenset(plurals) for name, plurals in _SERVED.items()})
        self.objects: dict[tuple[str, str], Object] = {}
        self.looks: list[Look] = []
        self.calls: list[tuple[str, Object]] = []
        self.lose = 0
        self.sent: list[str] = []
        self.refuse: dict[str, VmsnapError] = {}
        self.on_call: Callable[[str], None] = lambda _: None
        self._number = 0

    def add(self, plural: str, name: str, **parts: Any) -> Object:
        """Put an object there, as somebody else would."""
        self._number += 1
        meta = {"name": name, "namespace": "shop", "uid": f"uid-{self._number}", "resourceVersion": str(self._number)}
        whole: Object = {**parts, "metadata": {**meta, **parts.get("metadata", {})}}
        self.objects[plural, name] = whole
        return whole

    def get_raw(self, plural: str, name: str) -> Object | None:
        """An object as it is."""
        return self.objects.get((plural, name))

    def names(self, plural: str) -> list[str]:
        """All of a kind."""
        return [name for kind, name in self.objects if kind == plural]

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """One request."""
        plural, name, sub = _parts(path)
        self.sent.append(f"{method} {plural}{f'/{name}' if name else ''}{f'/{sub}' if sub else ''}")
        if error := self.refuse.get(f"{method} {f'{plural}/{sub}' if sub else plural}"):
            raise error
        if sub:
            self.calls.append((f"{plural}/{sub}", _object(body)))
            self.on_call(f"{plural}/{sub}")
            return b""
        if method == "GET":
            self._move_on()
            return self._read(plural, name)
        return self._write(method, plural, name, body)

    def several(self, asks: Sequence[Ask]) -> list[bytes | VmsnapError]:
        """One after the other."""
        found: list[bytes | VmsnapError] = []
        for each in asks:
            try:
                found.append(self.ask(each.method, each.path, body=each.body, query=each.query))
            except VmsnapError as error:
                found.append(error)
        return found

    def _move_on(self) -> None:
        if self.looks:
            look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
            look(self)

    def _read(self, plural: str, name: str) -> bytes:
        if not name:
            return json.dumps({"items": [self.objects[plural, each] for each in self.names(plural)]}).encode()
        found = self.get_raw(plural, name)
        if found is None:
            raise typed(404, f'{plural} "{name}" not found')
        return json.dumps(found).encode()

    def _write(self, method: str, plural: str, name: str, body: object) -> bytes:
        if method == "POST":
            wanted = _object(body)
            name = wanted["metadata"]["name"]
            if (plural, name) in self.objects:
                raise typed(409, f'{plural} "{name}" already exists')
            made = self.add(plural, name, **wanted)
            if self.lose:
                self.lose -= 1
                raise Unreachable("the connection was closed")
            return json.dumps(made).encode()
        found = self.get_raw(plural, name)
        if found is None:
            raise typed(404, f'{plural} "{name}" not found')
        if method == "DELETE":
            return self._delete(plural, name, found, _object(body))
        self._number += 1
        if isinstance(body, list):
            _patch(found, body)
        else:
            _merge(found, _object(body))
        found["metadata"]["resourceVersion"] = str(self._number)
        return json.dumps(found).encode()

    def _delete(self, plural: str, name: str, found: Object, body: Object) -> bytes:
        uid = body.get("preconditions", {}).get("uid")
        if uid and uid != found["metadata"]["uid"]:
            raise typed(409, "the UID in the precondition does not match")
        if found["metadata"].get("finalizers"):
            found["metadata"]["deletionTimestamp"] = "2026-03-02T12:00:00Z"
        else:
            del self.objects[plural, name]
        return b"{}"


class Doing:
    """A step that is done on a fake, and what it reported."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster
        self.reports: list[Progress] = []
        self.stop = Event()
        self.gate: Gate = ALONE
        self.on_report: Callable[[Progress], None] = lambda _: None

    def do(self, action: str, **params: JsonValue) -> str:
        """Do it."""
        return run(self.cluster, Step(action, REF, action, params), self._note, self.stop, self.gate)

    @property
    def lamp(self) -> list[str]:
        """The freeze states that were shown, in order."""
        return [report.freeze.state.value for report in self.reports if report.freeze is not None]

    def _note(self, progress: Progress) -> None:
        self.reports.append(progress)
        self.on_report(progress)


def _parts(path: str) -> tuple[str, str, str]:
    """Plural, name and subresource."""
    words = path.strip("/").split("/")
    words = words[3:] if words[0] == "apis" else words[2:]
    if words[:1] == ["namespaces"]:
        words = words[2:]
    plural, name, sub = (*words, "", "")[:3]
    return plural, name, sub


def _object(body: object) -> Object:
    assert isinstance(body, dict)
    return json.loads(json.dumps(body))  # type: ignore[no-any-return]


def _merge(into: Object, new: Object) -> None:
    for key, value in new.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def _patch(whole: Object, operations: list[Object]) -> None:
    for each in operations:
        *way, last = each["path"].strip("/").split("/")
        at: Any = whole
        for word in way:
            at = at[int(word)] if isinstance(at, list) else at[word]
        key: Any = int(last) if isinstance(at, list) else last
        if each["op"] == "test":
            if at[key] != each["value"]:
                raise typed(422, "the server rejected our request due to an error in our request")
        elif each["op"] == "remove":
            del at[key]
        else:
            at[key] = each["value"]
