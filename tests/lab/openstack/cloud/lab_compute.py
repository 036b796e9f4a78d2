"""A hypervisor without machines whose disks are real: files that hold what the image held.

Upstream's fake one uploads nothing on snapshot. Here a server's root disk is `instances/<id>/disk`; a snapshot uploads
it, a rebuild replaces it by the image. Whether a guest agent answers is what `instances/<id>/agent` says (`silent`
or absent: nobody answers), asked where nova's libvirt driver asks, and refused in its words.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import nova.conf
from nova import context as nova_context
from nova import exception, objects
from nova.compute import power_state, task_states, vm_states
from nova.image import glance
from nova.virt import fake

CONF = nova.conf.CONF
CHUNK = 64 * 1024


class LabDriver(fake.FakeDriverWithoutFakeNodes):  # type: ignore[misc]  # nova has no types
    capabilities = fake.FakeDriverWithoutFakeNodes.capabilities | {"supports_image_type_qcow2": True}

    def init_host(self, host: str) -> None:
        super().init_host(host)
        # A fake hypervisor forgets its machines when it ends; they are still there.
        context = nova_context.get_admin_context()
        for instance in objects.InstanceList.get_by_host(context, host):
            if _folder(instance).exists():
                runs = instance.vm_state == vm_states.ACTIVE
                state = power_state.RUNNING if runs else power_state.SHUTDOWN
                self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)

    def spawn(self, context: Any, instance: Any, *rest: Any, **named: Any) -> None:
        super().spawn(context, instance, *rest, **named)
        _folder(instance).mkdir(parents=True, exist_ok=True)
        if instance.image_ref:
            glance.API().download(context, instance.image_ref, dest_path=str(_folder(instance) / "disk"))

    def destroy(self, context: Any, instance: Any, *rest: Any, **named: Any) -> None:
        super().destroy(context, instance, *rest, **named)
        shutil.rmtree(_folder(instance), ignore_errors=True)

    def quiesce(self, context: Any, instance: Any, image_meta: Any) -> None:
        del context
        self._ask_agent(instance, image_meta)
        (_folder(instance) / "frozen").touch()

    def unquiesce(self, context: Any, instance: Any, image_meta: Any) -> None:
        del context
        self._ask_agent(instance, image_meta)
        (_folder(instance) / "frozen").unlink(missing_ok=True)

    def _ask_agent(self, instance: Any, image_meta: Any) -> None:
        if not image_meta.properties.get("hw_qemu_guest_agent", False):
            raise exception.QemuGuestAgentNotEnabled
        agent = _folder(instance) / "agent"
        if not agent.exists() or agent.read_text() == "silent":
            words = f"Error from libvirt while quiescing {instance.name}: [Error Code 86] Guest agent is not responding"
            raise exception.InstanceQuiesceFailed(
                reason=f"{words}, libvirt cannot connect to the qemu-guest-agent inside the instance."
            )

    def snapshot(self, context: Any, instance: Any, image_id: str, update_task_state: Any) -> None:
        if instance.uuid not in self.instances:
            raise exception.InstanceNotRunning(instance_id=instance.uuid)
        update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
        kept = _folder(instance) / "snapshot"
        frozen = self._frozen(context, instance)
        try:
            time.sleep(_seconds("snapshot"))
            shutil.copyfile(_folder(instance) / "disk", kept)
        finally:
            if frozen:
                self.unquiesce(context, instance, instance.image_meta)
        update_task_state(task_state=task_states.IMAGE_UPLOADING, expected_state=task_states.IMAGE_PENDING_UPLOAD)
        api = glance.API()
        name = api.get(context, image_id)["name"]
        properties = {
            "kernel_id": instance.kernel_id,
            "image_location": "snapshot",
            "image_state": "available",
            "owner_id": instance.project_id,
            "ramdisk_id": instance.ramdisk_id,
        }
        formats = {"disk_format": "raw", "container_format": "bare"}
        meta = formats | {"status": "active", "name": name, "properties": properties}
        try:
            with kept.open("rb") as file:
                api.update(context, image_id, meta, _Slow(file, kept.stat().st_size, _seconds("upload")))
        finally:
            kept.unlink()

    def _frozen(self, context: Any, instance: Any) -> bool:
        """As nova's libvirt driver has it: an image that demands what it does not enable stands in the way, and an
        agent that does not answer does not.
        """
        if self.instances[instance.uuid].state != power_state.RUNNING:
            return False
        meta = instance.image_meta
        try:
            self.quiesce(context, instance, meta)
        except exception.QemuGuestAgentNotEnabled:
            if meta.properties.get("os_require_quiesce", False):
                raise
            return False
        except exception.InstanceQuiesceFailed:
            return False
        return True


class _Slow:
    """A file that takes `seconds` to read."""

    def __init__(self, file: Any, size: int, seconds: float) -> None:
        self._file = file
        self._each = seconds / max(1, -(-size // CHUNK))

    def read(self, size: int = -1) -> bytes:
        time.sleep(self._each)
        data: bytes = self._file.read(CHUNK if size < 0 else min(size, CHUNK))
        return data


def _folder(instance: Any) -> Path:
    return Path(CONF.instances_path, instance.uuid)


def _seconds(what: str) -> float:
    """How long a phase takes, as the tests want it."""
    try:
        return float(Path(CONF.state_path, f"{what}.seconds").read_text())
    except OSError:
        return 0.2
