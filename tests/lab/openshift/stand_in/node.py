"""What a node does, as far as it shows: pods run, virtual machine instances follow, file systems freeze and thaw.

Instead of kubelet, virt-launcher and virt-handler; virt-controller does its part for real.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tests.lab.openshift.api import Object, RefusedError, path
from tests.lab.openshift.cluster import NODE

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .client import Client
    from .guest import Guests

GUEST_FILES: Final = 0.1  # seconds between looks at them
NO_AGENT: Final = "Guest agent is not responding: QEMU guest agent is not connected"


class GuestError(Exception):
    """The guest did not do it; the text is what libvirt would say."""


class Node:
    """The one node of the cluster."""

    def __init__(self, client: Client, guests: Guests) -> None:
        self._client = client
        self._guests = guests
        self._busy: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thaws: dict[tuple[str, str], asyncio.TimerHandle] = {}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pods())
            group.create_task(self._instances())
            group.create_task(self._follow_guests())

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- kubelet

    async def _pods(self) -> None:
        async for pod in self._client.watch("pods"):
            metadata = pod["metadata"]
            namespace, name = metadata["namespace"], metadata["name"]
            try:
                if metadata.get("deletionTimestamp"):
                    now = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
                    await self._client.ask("DELETE", path("pods", namespace, name), now)
                elif not pod["spec"].get("nodeName"):
                    await self._client.ask("POST", path("pods", namespace, name, "binding"), _binding(namespace, name))
                elif pod.get("status", {}).get("phase") == "Pending":
                    await self._client.change("pods", namespace, name, _run_pod, "status")
            except RefusedError as error:
                if error.status not in {404, 409}:  # deleted or bound meanwhile
                    raise

    # -- virt-handler and virt-launcher

    async def _instances(self) -> None:
        async for vmi in self._client.watch("virtualmachineinstances"):
            metadata, phase = vmi["metadata"], vmi.get("status", {}).get("phase")
            key = metadata["namespace"], metadata["name"]
            if key in self._busy:
                continue
            if metadata.get("deletionTimestamp") and phase in {"Scheduled", "Running"}:
                self._begin(key, self._stop(*key))
            elif phase == "Scheduled":
                self._begin(key, self._boot(*key))

    def _begin(self, key: tuple[str, str], work: Coroutine[object, object, None]) -> None:
        async def whole() -> None:
            try:
                await work
            finally:
                self._busy.discard(key)

        self._busy.add(key)
        self._spawn(whole())

    async def _boot(self, namespace: str, name: str) -> None:
        guest = self._guests(namespace, name)
        await asyncio.sleep(guest.boot_seconds)

        def run(vmi: Object) -> bool:
            if vmi["status"].get("phase") != "Scheduled" or vmi["metadata"].get("deletionTimestamp"):
                return False
            vmi["status"]["phase"] = "Running"
            reached = {"phase": "Running", "phaseTransitionTimestamp": _now()}
            vmi["status"].setdefault("phaseTransitionTimestamps", []).append(reached)
            set_condition(vmi, "LiveMigratable", "False", "DisksNotLiveMigratable")
            _set_agent(vmi, connected=guest.agent)
            return True

        await self.change(namespace, name, run)
        await self._stop_if_asked(namespace, name)

    async def _stop_if_asked(self, namespace: str, name: str) -> None:
        # It may have been deleted while it was busy booting.
        vmi = await self._client.get("virtualmachineinstances", namespace, name)
        if vmi and vmi["metadata"].get("deletionTimestamp"):
            await self._stop(namespace, name)

    async def _stop(self, namespace: str, name: str) -> None:
        await asyncio.sleep(self._guests(namespace, name).stop_seconds)
        self._disarm((namespace, name))

        def end(vmi: Object) -> bool:
            vmi["status"]["phase"] = "Succeeded"
            vmi["status"].pop("fsFreezeStatus", None)
            return True

        await self.change(namespace, name, end)

    async def _follow_guests(self) -> None:
        while True:
            for namespace, name in self._guests.changed():
                connected = self._guests(namespace, name).agent

                def follow(vmi: Object, connected: bool = connected) -> bool:
                    return vmi.get("status", {}).get("phase") == "Running" and _set_agent(vmi, connected=connected)

                await self.change(namespace, name, follow)
            await asyncio.sleep(GUEST_FILES)

    async def change(self, namespace: str, name: str, edit: Callable[[Object], bool]) -> None:
        await self._client.change("virtualmachineinstances", namespace, name, edit)

    # -- what virt-handler is asked for

    async def freeze(self, vmi: Object, seconds: float) -> None:
        """Freeze its file systems, and thaw them after `seconds` unless they are 0 or it was thawed before."""
        key = namespace, name = _key(vmi)
        guest = self._guests(namespace, name)
        if vmi["status"].get("fsFreezeStatus") == "frozen":
            return
        if not guest.agent:
            raise GuestError(NO_AGENT)
        await asyncio.sleep(guest.freeze_seconds)
        if guest.freeze_fails:
            raise GuestError(guest.freeze_fails)
        await self.change(namespace, name, _frozen)
        self._disarm(key)
        if seconds:
            loop = asyncio.get_running_loop()
            self._thaws[key] = loop.call_later(seconds, lambda: self._spawn(self.change(namespace, name, _thawed)))

    async def thaw(self, vmi: Object) -> None:
        key = namespace, name = _key(vmi)
        guest = self._guests(namespace, name)
        self._disarm(key)
        if not guest.agent:
            raise GuestError(NO_AGENT)
        await self.change(namespace, name, _thawed)
        if guest.thaw_fails:
            raise GuestError(guest.thaw_fails)

    def _disarm(self, key: tuple[str, str]) -> None:
        if timer := self._thaws.pop(key, None):
            timer.cancel()


def set_condition(vmi: Object, kind: str, status: str | None, reason: str = "", message: str = "") -> bool:
    """Set or (None) remove one; says whether it was otherwise before."""
    conditions = vmi["status"].setdefault("conditions", [])
    before = [entry for entry in conditions if entry["type"] == kind]
    if (before[0]["status"] if before else None) == status:
        return False
    vmi["status"]["conditions"] = [entry for entry in conditions if entry["type"] != kind]
    if status is not None:
        entry = {"type": kind, "status": status, "lastTransitionTime": _now(), "lastProbeTime": None}
        entry |= {"reason": reason} if reason else {}
        entry |= {"message": message} if message else {}
        vmi["status"]["conditions"].append(entry)
    return True


def _set_agent(vmi: Object, *, connected: bool) -> bool:
    if connected:
        vmi["status"]["guestOSInfo"] = {"id": "debian", "name": "Debian GNU/Linux", "prettyName": "Debian (stand-in)"}
    else:
        vmi["status"].pop("guestOSInfo", None)
    return set_condition(vmi, "AgentConnected", "True" if connected else None)


def _frozen(vmi: Object) -> bool:
    vmi["status"]["fsFreezeStatus"] = "frozen"
    return True


def _thawed(vmi: Object) -> bool:
    # virt-handler says nothing of a guest that is thawed.
    return vmi["status"].pop("fsFreezeStatus", None) is not None


def _key(vmi: Object) -> tuple[str, str]:
    return vmi["metadata"]["namespace"], vmi["metadata"]["name"]


def _binding(namespace: str, name: str) -> Object:
    target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}


def _run_pod(pod: Object) -> bool:
    started = {"running": {"startedAt": _now()}}
    pod["status"] |= {
        "phase": "Running",
        "podIP": "127.0.0.1",
        "podIPs": [{"ip": "127.0.0.1"}],
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": _now()}
            for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container.get("image", ""),
                "imageID": "",
                "ready": True,
                "restartCount": 0,
                "started": True,
                "state": started,
            }
            for container in pod["spec"]["containers"]
        ],
    }
    return True


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
