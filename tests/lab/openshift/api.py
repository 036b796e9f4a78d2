"""The API server as the lab itself talks to it: blocking, in plain JSON, as one of its own controllers."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from tests.lab.libvirt.daemon import wait_until
from tests.lab.libvirt.packages import LabError

if TYPE_CHECKING:
    from .settings import Place

Object = dict[str, Any]
MARK: Final = "lab.vmsnap.io/call"

KUBEVIRT: Final = "kubevirt.io/v1"
SNAPSHOT: Final = "snapshot.kubevirt.io/v1beta1"
STORAGE_SNAPSHOT: Final = "snapshot.storage.k8s.io/v1"
RESOURCES: Final = {
    "apiservices": "apiregistration.k8s.io/v1",
    "clusterrolebindings": "rbac.authorization.k8s.io/v1",
    "clusterroles": "rbac.authorization.k8s.io/v1",
    "controllerrevisions": "apps/v1",
    "customresourcedefinitions": "apiextensions.k8s.io/v1",
    "events": "v1",
    "kubevirts": KUBEVIRT,
    "namespaces": "v1",
    "nodes": "v1",
    "persistentvolumeclaims": "v1",
    "persistentvolumes": "v1",
    "pods": "v1",
    "rolebindings": "rbac.authorization.k8s.io/v1",
    "services": "v1",
    "storageclasses": "storage.k8s.io/v1",
    "validatingwebhookconfigurations": "admissionregistration.k8s.io/v1",
    "virtualmachineclones": "clone.kubevirt.io/v1beta1",
    "virtualmachineinstances": KUBEVIRT,
    "virtualmachinerestores": SNAPSHOT,
    "virtualmachines": KUBEVIRT,
    "virtualmachinesnapshotcontents": SNAPSHOT,
    "virtualmachinesnapshots": SNAPSHOT,
    "volumesnapshotclasses": STORAGE_SNAPSHOT,
    "volumesnapshotcontents": STORAGE_SNAPSHOT,
    "volumesnapshots": STORAGE_SNAPSHOT,
}


PASSING: Final = {"ServerTimeout", "Timeout", "TooManyRequests"}
"""Reasons of the API server's to try again: it, or etcd behind it, is busy."""
NOT_YET: Final = ("etcdserver: ", "not yet ready to handle request")
"""Words with which it says the same without such a reason: an election, a request that took too long, a plugin of its
admission whose first list is not in.
"""
PATIENCE: Final = 60.0


class RefusedError(LabError):
    """The API server said no. `passes` where it says itself that it may be tried again."""

    def __init__(self, status: int, message: str, *, passes: bool = False) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.passes = passes


def path(resource: str, namespace: str | None = None, name: str | None = None, sub: str | None = None) -> str:
    """Where objects of a resource are: `pods`, all or of a namespace, one of them, or its subresource."""
    version = RESOURCES[resource]
    parts = ["apis" if "/" in version else "api", version]
    parts += ["namespaces", namespace] if namespace else []
    parts += [part for part in (resource, name, sub) if part]
    return "/" + "/".join(quote(part) for part in parts)


class Api:
    """One connection for each thread that calls."""

    def __init__(self, place: Place, user: str = "lab") -> None:
        self._port = place.ports["api"]
        self._trust = ssl.create_default_context(cafile=str(place.keys.authority))
        self._token = place.keys.tokens_of_users().get(user)
        if self._token is None:
            self._trust.load_cert_chain(place.keys.certificate(user), place.keys.key(user))
        self._local = threading.local()

    def ask(
        self, method: str, where: str, body: Object | list[Object] | None = None, *, kind: str = "json", **query: Any
    ) -> Object:
        """Send it and return the answer, an empty one if it has none; `kind` is the patch's: json, merge-patch …

        What the API server says can be tried again is: on a busy machine it is slow, and that is no test's subject.
        """
        refusals: list[RefusedError] = []

        def answered() -> bool:
            try:
                answers.append(self._ask(method, where, body, kind, query))
            except RefusedError as error:
                if not error.passes:
                    raise
                refusals.append(error)
            return bool(answers)

        answers: list[Object] = []
        try:
            wait_until(answered, PATIENCE, where, every=0.5)
        except RefusedError:
            raise
        except LabError as error:
            raise refusals[-1] from error
        return answers[0]

    def _ask(
        self, method: str, where: str, body: Object | list[Object] | None, kind: str, query: dict[str, Any]
    ) -> Object:
        target = f"{where}?{urlencode(query)}" if query else where
        content = json.dumps(body) if body is not None else None
        headers = {"Content-Type": f"application/{kind}{'' if kind == 'json' else '+json'}"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        status, text = self._exchange(method, target, content, headers)
        if status >= 400:
            words, reason = text.decode(errors="replace"), ""
            with suppress(ValueError, TypeError, KeyError):
                told = json.loads(text)
                words, reason = told["message"], told.get("reason", "")
            passes = reason in PASSING or any(each in words for each in NOT_YET)
            raise RefusedError(status, f"{method} {target}: {words}", passes=passes)
        with suppress(ValueError):  # /readyz and the subresources answer in text, if at all
            found = json.loads(text)
            return found if isinstance(found, dict) else {}
        return {}

    def _exchange(self, method: str, target: str, content: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        connection: http.client.HTTPSConnection = getattr(self._local, "connection", None) or self._connect()
        kept = connection.sock is not None
        try:
            connection.request(method, target, content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, OSError):
            connection.close()
            if not kept:
                raise
        # The server had closed it meanwhile; a new one would fail for a reason.
        return self._exchange(method, target, content, headers)

    def _connect(self) -> http.client.HTTPSConnection:
        self._local.connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=60, context=self._trust)
        connection: http.client.HTTPSConnection = self._local.connection
        return connection

    def is_ready(self) -> bool:
        try:
            self.ask("GET", "/readyz")
        except (RefusedError, http.client.HTTPException, OSError):
            return False
        return True

    # -- objects

    def get(self, resource: str, namespace: str | None, name: str) -> Object:
        return self.ask("GET", path(resource, namespace, name))

    def find(self, resource: str, namespace: str | None, name: str) -> Object | None:
        try:
            return self.get(resource, namespace, name)
        except RefusedError as error:
            if error.status != 404:
                raise
            return None

    def list(self, resource: str, namespace: str | None = None, **query: Any) -> list[Object]:
        items: list[Object] = self.ask("GET", path(resource, namespace), **query)["items"]
        return items

    def create(self, resource: str, item: Object) -> Object:
        """Make it; it need not say its version and kind's API."""
        metadata = item["metadata"]
        namespace, mark = metadata.get("namespace"), token_hex(8)
        # So that it is known for the one of this call, should the answer have been lost and it be sent again.
        marked = metadata | {"annotations": {**(metadata.get("annotations") or {}), MARK: mark}}
        whole = {"apiVersion": RESOURCES[resource]} | item | {"metadata": marked}
        try:
            return self.ask("POST", path(resource, namespace), whole)
        except RefusedError as error:
            made = self.find(resource, namespace, metadata["name"]) if error.status == 409 else None
            if made is None or made["metadata"].get("annotations", {}).get(MARK) != mark:
                raise
            return made

    def merge(self, resource: str, namespace: str | None, name: str, change: Object, sub: str | None = None) -> Object:
        return self.ask("PATCH", path(resource, namespace, name, sub), change, kind="merge-patch")

    def delete(self, resource: str, namespace: str | None, name: str, **query: Any) -> None:
        self.ask("DELETE", path(resource, namespace, name), **query)

    def gone(self, resource: str, namespace: str | None, name: str) -> bool:
        return self.find(resource, namespace, name) is None
