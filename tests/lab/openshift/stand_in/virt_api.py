"""What virt-api does for the subresources of VMs, in its words: start, stop, restart, pause, freeze …

The API server has checked the user's rights before it asks. A VM's spec and its state change requests are changed as
virt-api changes them, for virt-controller to act on; what virt-handler would be asked is asked of `node.py`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tests.lab.openshift.api import Object, RefusedError, path

from .node import GuestError, Node, set_condition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .client import Client

GROUP: Final = "subresources.kubevirt.io"
VERSIONS: Final = {"groupVersion": f"{GROUP}/v1", "version": "v1"}
SUBRESOURCES: Final = {
    "virtualmachines": ("start", "stop", "restart"),
    "virtualmachineinstances": (
        "pause", "unpause", "freeze", "unfreeze", "guestosinfo", "filesystemlist", "userlist",
    ),
}  # fmt: skip
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


class RefusalError(Exception):
    """An answer other than yes."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


def _conflict(kind: str, name: str, words: str) -> RefusalError:
    return RefusalError(409, "Conflict", f'Operation cannot be fulfilled on {kind}.kubevirt.io "{name}": {words}')


def _handler_failed(words: str) -> RefusalError:
    # virt-handler answers 400, and virt-api wraps that once more.
    inner = f"unexpected return code 400 (400 Bad Request), message: {words}"
    return RefusalError(500, "InternalError", f"Internal error occurred: {inner}")


class VirtApi:
    """The extension API server of `subresources.kubevirt.io`."""

    def __init__(self, client: Client, node: Node) -> None:
        self._client = client
        self._node = node

    def routes(self) -> list[web.RouteDef]:
        base = f"/apis/{GROUP}"
        one = f"{base}/v1/namespaces/{{namespace}}"
        routes = [web.get(base, _group), web.get(f"{base}/v1", _resources), web.get("/apis", _groups)]
        for kind, subresources in SUBRESOURCES.items():
            for sub in subresources:
                method = web.get if sub in _READS else web.put
                routes.append(method(f"{one}/{kind}/{{name}}/{sub}", self._answer(kind, sub)))
        return routes

    def _answer(self, kind: str, sub: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            if request.transport is None or request.transport.get_extra_info("peercert") is None:
                return _refused(RefusalError(401, "Unauthorized", "only the API server may ask"))
            namespace, name = request.match_info["namespace"], request.match_info["name"]
            text = await request.text()
            body = json.loads(text) if text else {}
            try:
                item = await self._find(kind, namespace, name)
                if sub in _READS:
                    return web.json_response(_READS[sub](item))
                await getattr(self, f"_{sub}")(item, body)
            except RefusalError as refusal:
                return _refused(refusal)
            except GuestError as error:
                return _refused(_handler_failed(str(error)))
            except RefusedError as error:
                return _refused(RefusalError(500, "InternalError", f"Internal error occurred: {error}"))
            return web.Response(status=202 if kind == "virtualmachines" else 200)

        return answer

    async def _find(self, kind: str, namespace: str, name: str) -> Object:
        item = await self._client.get(kind, namespace, name)
        if item is None:
            raise RefusalError(404, "NotFound", f'{kind.removesuffix("s")}.kubevirt.io "{name}" not found')
        return item

    # -- VMs

    async def _start(self, vm: Object, body: Object) -> None:
        namespace, name = _key(vm)
        vmi = await self._client.get("virtualmachineinstances", namespace, name)
        if vmi and _phase(vmi) not in {"", "Unknown", "Succeeded", "Failed"}:
            raise _conflict("virtualmachine", name, "VM is already running")
        strategy = _strategy(vm)
        if strategy in {"Always", "Once"}:
            raise _conflict("virtualmachine", name, f"{strategy} does not support manual start requests")
        if strategy == "Halted":
            await self._set_running(vm, running=True)
        else:
            await self._request(vm, [{"action": "Start"}])

    async def _stop(self, vm: Object, body: Object) -> None:
        namespace, name = _key(vm)
        vmi = await self._client.get("virtualmachineinstances", namespace, name)
        strategy = _strategy(vm)
        if strategy in {"Always", "Once"}:
            await self._set_running(vm, running=False)
            return
        if vmi is None or _phase(vmi) in {"Succeeded", "Failed"}:
            raise _conflict("virtualmachine", name, "VM is not running")
        if strategy == "Halted":
            words = "Halted only supports manual stop requests with a shorter graceperiod"
            raise _conflict("virtualmachine", name, words)
        await self._request(vm, [{"action": "Stop", "uid": vmi["metadata"]["uid"]}])

    async def _restart(self, vm: Object, body: Object) -> None:
        namespace, name = _key(vm)
        strategy = _strategy(vm)
        if strategy in {"Halted", "Once"}:
            words = f"RunStategy {strategy} does not support manual restart requests"
            raise _conflict("virtualmachine", name, words)
        vmi = await self._client.get("virtualmachineinstances", namespace, name)
        if vmi is None:
            raise _conflict("virtualmachine", name, "VM is not running: Halted")
        await self._request(vm, [{"action": "Stop", "uid": vmi["metadata"]["uid"]}, {"action": "Start"}])

    async def _set_running(self, vm: Object, *, running: bool) -> None:
        where = path("virtualmachines", *_key(vm))
        field = "runStrategy" if "runStrategy" in vm["spec"] else "running"
        value = running if field == "running" else "Always" if running else "Halted"
        change = [
            {"op": "test", "path": f"/spec/{field}", "value": vm["spec"].get(field)},
            {"op": "replace", "path": f"/spec/{field}", "value": value},
        ]
        await self._client.ask("PATCH", where, change, kind="json-patch")

    async def _request(self, vm: Object, changes: list[Object]) -> None:
        before = vm.get("status", {}).get("stateChangeRequests")
        if before and not (len(changes) == 1 and changes[0]["action"] == "Stop"):
            words = "unable to complete request: stop/start already underway"
            raise RefusalError(500, "InternalError", f"Internal error occurred: {words}")
        where = path("virtualmachines", *_key(vm), "status")
        await self._client.ask("PATCH", where, {"status": {"stateChangeRequests": changes}}, kind="merge-patch")

    # -- instances

    async def _pause(self, vmi: Object, body: Object) -> None:
        _check_running(vmi)
        if _is_paused(vmi):
            raise _conflict("virtualmachineinstance", _key(vmi)[1], "VMI is already paused")
        await self._node.change(
            *_key(vmi), lambda item: set_condition(item, "Paused", "True", "PausedByUser", "VMI was paused by user")
        )

    async def _unpause(self, vmi: Object, body: Object) -> None:
        namespace, name = _key(vmi)
        vm = await self._client.get("virtualmachines", namespace, name)
        if vm and vm.get("status", {}).get("snapshotInProgress"):
            raise _conflict("virtualmachine", name, "VM snapshot is in progress")
        _check_running(vmi, "VMI is not running")
        if not _is_paused(vmi):
            raise _conflict("virtualmachineinstance", name, "VMI is not paused")
        await self._node.change(namespace, name, lambda item: set_condition(item, "Paused", None))

    async def _freeze(self, vmi: Object, body: Object) -> None:
        _check_running(vmi)
        timeout = body.get("unfreezeTimeout")
        if timeout is None:
            raise _handler_failed("Unfreeze timeout in freeze request is not set")
        await self._node.freeze(vmi, _seconds(timeout))

    async def _unfreeze(self, vmi: Object, body: Object) -> None:
        _check_running(vmi, "VMI is not running")
        await self._node.thaw(vmi)


def _check_running(vmi: Object, words: str = "VM is not running") -> None:
    if _phase(vmi) != "Running":
        raise _conflict("virtualmachineinstance", _key(vmi)[1], words)


def _is_paused(vmi: Object) -> bool:
    return any(entry["type"] == "Paused" for entry in vmi["status"].get("conditions", []))


def _phase(vmi: Object) -> str:
    return str(vmi.get("status", {}).get("phase", ""))


def _key(item: Object) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _strategy(vm: Object) -> str:
    default = "Always" if vm["spec"].get("running") else "Halted"
    return str(vm["spec"].get("runStrategy") or default)


def _seconds(duration: str) -> float:
    """Of a duration as Go writes it: 5m0s."""
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)([a-zµ]+)", duration))


def _refused(refusal: RefusalError) -> web.Response:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": str(refusal),
        "reason": refusal.reason,
        "code": refusal.code,
    }
    return web.json_response(status, status=refusal.code)


def _system_info(vmi: Object) -> Object:
    connected = "guestOSInfo" in vmi.get("status", {})
    return {"os": vmi["status"]["guestOSInfo"] if connected else {}, "fsFreezeStatus": _freeze_status(vmi)}


def _freeze_status(vmi: Object) -> str:
    return str(vmi.get("status", {}).get("fsFreezeStatus", "thawed"))


def _file_systems(vmi: Object) -> Object:
    disks = vmi["spec"]["domain"]["devices"].get("disks", []) if "guestOSInfo" in vmi.get("status", {}) else []
    items = [
        {"diskName": f"vd{chr(97 + number)}1", "mountPoint": "/" if number == 0 else f"/data{number}"}
        | {"fileSystemType": "ext4", "usedBytes": 2**20, "totalBytes": 2**23, "disk": []}
        for number, _ in enumerate(disks)
    ]
    return {"kind": "VirtualMachineInstanceFileSystemList", "apiVersion": "kubevirt.io/v1", "items": items}


def _users(vmi: Object) -> Object:
    return {"kind": "VirtualMachineInstanceGuestOSUserList", "apiVersion": "kubevirt.io/v1", "items": []}


_READS: Final = {"guestosinfo": _system_info, "filesystemlist": _file_systems, "userlist": _users}


async def _groups(_: web.Request) -> web.Response:
    group = {"name": GROUP, "versions": [VERSIONS], "preferredVersion": VERSIONS}
    return web.json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]})


async def _group(_: web.Request) -> web.Response:
    group = {"kind": "APIGroup", "apiVersion": "v1", "name": GROUP}
    return web.json_response(group | {"versions": [VERSIONS], "preferredVersion": VERSIONS})


async def _resources(_: web.Request) -> web.Response:
    resources = [
        {"name": f"{kind}/{sub}", "singularName": "", "namespaced": True, "kind": "", "verbs": []}
        for kind, subresources in SUBRESOURCES.items()
        for sub in subresources
    ]
    found = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": VERSIONS["groupVersion"]}
    return web.json_response(found | {"resources": resources})
