"""VMs and volumes to play with, and what their storage holds."""

from __future__ import annotations

import json
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from tests.lab.libvirt.daemon import wait_until
from tests.lab.libvirt.packages import LabError

from . import identity
from .cluster import NO_SNAPSHOTS, STORAGE_CLASS
from .settings import DRIVER

if TYPE_CHECKING:
    from pathlib import Path

    from .api import Api, Object
    from .settings import Place

SIZE: Final = 16 * 2**20  # of a volume, in bytes


def vm_spec(name: str, volumes: list[str], *, running: bool) -> Object:
    """A VirtualMachine's, whole as virt-api would have completed it, with a disk for each claim in `volumes`."""
    domain = {
        "architecture": "amd64",
        "cpu": {"cores": 1, "sockets": 1, "threads": 1},
        "machine": {"type": "q35"},
        "resources": {"requests": {"memory": "64Mi"}},
        "firmware": {"serial": f"serial-{name}"},
        "devices": {
            "disks": [{"name": volume, "disk": {"bus": "virtio"}} for volume in volumes],
            "interfaces": [{"name": "default", "masquerade": {}, "model": "virtio"}],
        },
    }
    architecture = domain.pop("architecture")
    spec = {
        "architecture": architecture,
        "domain": domain,
        "evictionStrategy": "None",
        "terminationGracePeriodSeconds": 0,
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [{"name": volume, "persistentVolumeClaim": {"claimName": volume}} for volume in volumes],
    }
    return {
        "runStrategy": "Always" if running else "Halted",
        "template": {"metadata": {"labels": {"kubevirt.io/vm": name}}, "spec": spec},
    }


class Seeds:
    """What tests put into the cluster and read from its storage."""

    place: Place
    api: Api

    # -- namespaces and rights

    def seed_namespace(self, name: str) -> str:
        """One of that name, made unless it is there."""
        if self.api.find("namespaces", None, name) is None:
            self.api.create("namespaces", {"kind": "Namespace", "metadata": {"name": name}})
        return name

    def fresh_namespace(self, prefix: str) -> str:
        """A new one, so that a test that is tried again finds nothing of what it did before."""
        return self.seed_namespace(f"{prefix}-{token_hex(3)}")

    def grant(self, namespace: str, role: str = "admin", user: str = identity.TENANT) -> None:
        """Let a user do what a cluster role says in one namespace, with VMs too."""
        for name in (role, f"kubevirt.io:{role}"):
            self.api.create("rolebindings", identity.binding(user, name, namespace))

    # -- volumes

    def seed_volume(self, name: str, *, namespace: str = "default", size: int = SIZE, snapshots: bool = True) -> str:
        """A claim with a volume of `size` bytes; with `snapshots` off one of a class that has none."""
        claim: Object = {
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": str(size)}},
                "storageClassName": STORAGE_CLASS if snapshots else NO_SNAPSHOTS,
            },
        }
        made = self.api.create("persistentvolumeclaims", claim)
        if not snapshots:
            self._volume_by_hand(made, size)
        wait_until(lambda: self._is_bound(namespace, name), 60, f"the volume of {name}", every=0.1)
        return name

    def _volume_by_hand(self, claim: Object, size: int) -> None:
        """A volume for a class that nobody provisions for."""
        metadata = claim["metadata"]
        handle = f"static-{metadata['uid']}"
        with (self.place.storage / "volumes" / handle).open("wb") as file:
            file.truncate(size)
        volume: Object = {
            "kind": "PersistentVolume",
            "metadata": {"name": handle},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "capacity": {"storage": str(size)},
                "claimRef": {"namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]},
                "csi": {"driver": f"static.{DRIVER}", "volumeHandle": handle},
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": NO_SNAPSHOTS,
            },
        }
        self.api.create("persistentvolumes", volume)

    def _is_bound(self, namespace: str, claim: str) -> bool:
        found = self.api.get("persistentvolumeclaims", namespace, claim)
        return bool(found.get("status", {}).get("phase") == "Bound")

    def volume_file(self, claim: str, namespace: str = "default") -> Path:
        """The file that the volume behind a claim is."""
        name = self.api.get("persistentvolumeclaims", namespace, claim)["spec"].get("volumeName")
        if not name:
            raise LabError(f"{namespace}/{claim} has no volume")
        handle: str = self.api.get("persistentvolumes", None, name)["spec"]["csi"]["volumeHandle"]
        return self.place.storage / "volumes" / handle

    def write_volume(self, claim: str, content: bytes, namespace: str = "default") -> None:
        """Put `content` at the begin of a volume, as its guest would."""
        with self.volume_file(claim, namespace).open("r+b") as file:
            file.write(content)

    def read_volume(self, claim: str, size: int, namespace: str = "default") -> bytes:
        with self.volume_file(claim, namespace).open("rb") as file:
            return file.read(size)

    # -- VMs

    def seed_vm(
        self,
        name: str,
        volumes: int = 2,
        *,
        running: bool = True,
        agent: bool = True,
        namespace: str = "default",
        wait: bool = True,
        **metadata: Any,
    ) -> str:
        """A VM with claims `NAME-0`, `NAME-1` …; `metadata` may bring labels and annotations.

        With `wait`, until it runs (with its agent connected, if it has one) or is known to be stopped.
        """
        self.set_guest(name, namespace, agent=agent)
        claims = [self.seed_volume(f"{name}-{number}", namespace=namespace) for number in range(volumes)]
        return self.seed_vm_with(name, claims, running=running, namespace=namespace, wait=wait, **metadata)

    def seed_vm_with(
        self,
        name: str,
        claims: list[str],
        *,
        running: bool = False,
        namespace: str = "default",
        wait: bool = True,
        **metadata: Any,
    ) -> str:
        """One with these claims for its disks."""
        vm: Object = {
            "kind": "VirtualMachine",
            "metadata": {"name": name, "namespace": namespace} | metadata,
            "spec": vm_spec(name, claims, running=running),
        }
        self.api.create("virtualmachines", vm)
        if wait:
            self.wait_vm(name, "Running" if running else "Stopped", namespace)
            if running and self.guest(name, namespace).get("agent"):
                wait_until(lambda: self.has_agent(name, namespace), 30, f"the agent of {name}", every=0.1)
        return name

    def wait_vm(self, name: str, status: str, namespace: str = "default", timeout: float = 60) -> None:
        """Until its printable status is this one."""

        def reached() -> bool:
            vm = self.api.get("virtualmachines", namespace, name)
            return bool(vm.get("status", {}).get("printableStatus") == status)

        wait_until(reached, timeout, f"{namespace}/{name} to be {status}", every=0.1)

    def has_agent(self, name: str, namespace: str = "default") -> bool:
        return self._condition(name, namespace, "AgentConnected")

    def is_frozen(self, name: str, namespace: str = "default") -> bool:
        """As the cluster says."""
        vmi = self.api.find("virtualmachineinstances", namespace, name) or {}
        return bool(vmi.get("status", {}).get("fsFreezeStatus") == "frozen")

    def _condition(self, name: str, namespace: str, kind: str) -> bool:
        vmi = self.api.find("virtualmachineinstances", namespace, name) or {}
        conditions = vmi.get("status", {}).get("conditions", [])
        return any(entry["type"] == kind and entry["status"] == "True" for entry in conditions)

    # -- how the stand-in's guests behave: see stand_in/guest.py

    def guest(self, name: str, namespace: str = "default") -> dict[str, Any]:
        path = self.place.guests / namespace / f"{name}.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def set_guest(self, name: str, namespace: str = "default", **what: Any) -> None:
        path = self.place.guests / namespace / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(self.guest(name, namespace) | what))
        fresh.rename(path)

    def set_agent(self, name: str, connected: bool, namespace: str = "default") -> None:
        """Start or end the agent of a guest; of one that runs, until the cluster knows."""
        self.set_guest(name, namespace, agent=connected)
        if self.api.find("virtualmachineinstances", namespace, name):
            wait_until(lambda: self.has_agent(name, namespace) == connected, 30, f"the agent of {name}", every=0.1)

    def set_freeze(
        self, name: str, namespace: str = "default", *, fails: str = "", thaw_fails: str = "", seconds: float = 0
    ) -> None:
        """Let the next freezes (thaws) of a guest fail with these words, and take so long; by default all is well.

        `thaw_fails` with "fsfreeze is limited" in it is what Windows says when its ten seconds are over.
        """
        self.set_guest(name, namespace, freeze_fails=fails, thaw_fails=thaw_fails, freeze_seconds=seconds)

    def pause(self, name: str, namespace: str = "default") -> None:
        """Halt a running guest where it is."""
        where = f"/apis/subresources.kubevirt.io/v1/namespaces/{namespace}/virtualmachineinstances/{name}/pause"
        self.api.ask("PUT", where, {})
        wait_until(lambda: self._condition(name, namespace, "Paused"), 30, f"{name} to pause", every=0.1)

    # -- what goes wrong in storage: see programs/storage

    def set_storage_fault(self, call: str, words: str | None = "out of space", *, seconds: float = 0) -> None:
        """Let CreateVolume, DeleteVolume, CreateSnapshot or DeleteSnapshot fail with these words, or (None) not,
        and take so long first. `ready` takes seconds only: a snapshot is cut at once, and ready so much later.
        """
        faults = self.place.storage / "faults"
        (faults / f"{call}.seconds").write_text(str(seconds))
        if words is None:
            (faults / call).unlink(missing_ok=True)
        else:
            (faults / call).write_text(words)

    def clear_storage_faults(self) -> None:
        for path in (self.place.storage / "faults").iterdir():
            path.unlink()
