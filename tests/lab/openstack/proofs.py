"""Acting on a server through the platform, and looking from the outside at what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openstack.exceptions

from tests.lab.libvirt.daemon import wait_until
from tests.platforms.subject import Subject
from vmsnap_tui.model.plan import Delete, Restore, Take
from vmsnap_tui.model.vm import VmRef

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.platforms.protocol import Platform

    from .lab import OpenStackLab

SIZE = 16
"""Bytes that are written and read back; neither disk begins with as many zeros."""


@dataclass
class Somebody:
    """Another client."""

    lab: OpenStackLab
    server: str

    def take(self, name: str) -> None:
        self.lab.connect().compute.create_server_image(self.server, name)
        self.settle()

    def delete(self, name: str) -> None:
        images = self.lab.connect().image
        (found,) = [image for image in images.images(instance_uuid=self.server) if image.name == name]
        images.delete_image(found.id, ignore_missing=False)

    def remove_vm(self) -> None:
        compute = self.lab.connect().compute
        compute.delete_server(self.server)
        wait_until(lambda: not _is_there(compute, self.server), 60, "the server to go")

    def settle(self) -> None:
        """Until no task is at work on the server."""
        compute = self.lab.connect().compute
        wait_until(lambda: compute.get_server(self.server).task_state is None, 60, "the task to end")


def _is_there(compute: Any, server: str) -> bool:
    try:
        compute.get_server(server)
    except openstack.exceptions.NotFoundException:
        return False
    return True


class Proof(Subject):
    """One server of the lab, with what is really stored of it."""

    @classmethod
    def on(cls, lab: OpenStackLab, platform: Platform, server: str) -> Proof:
        vm = VmRef(platform.site.name, server)
        proof = cls(platform, vm, vm, Somebody(lab, server), lambda: platform)
        proof.lab = lab
        return proof

    lab: OpenStackLab

    def write(self, text: str) -> None:
        """Put a text at the begin of every disk."""
        data = text.encode().ljust(SIZE, b"\0")
        if has_root(self.lab, self.vm.id):
            with self.lab.root_disk(self.vm.id).open("r+b") as file:
                file.write(data)
        for volume in volumes(self.lab, self.vm.id).values():
            self.lab.write_volume(volume, data)

    def held(self, server: str = "") -> dict[str, str]:
        """What each disk of the server, or of another one, begins with."""
        server = server or self.vm.id
        found = {disk: self.lab.read_volume(volume, SIZE) for disk, volume in volumes(self.lab, server).items()}
        if has_root(self.lab, server):
            found["root"] = self.lab.root_disk(server).read_bytes()[:SIZE]
        return {disk: data.rstrip(b"\0").decode() for disk, data in found.items()}

    def take_by(self, method: str, name: str, *disks: str) -> Plan:
        """What it was planned to be worth is what it is worth."""
        plan = self.do(Take(self.vm, name, method=method, disks=disks or None))
        assert self.snapshots[name].consistency is plan.consistency
        return plan

    def restore_by(self, how: str, name: str, *, safety: str = "") -> Plan:
        return self.do(Restore(self.snapshots[name].ref, how=how, safety=safety))

    def refused(self, request: Restore | Delete | Take) -> set[str]:
        """The codes of what stands against it."""
        return {refusal.code for refusal in self.plan(request).refusals}


def has_root(lab: OpenStackLab, server: str) -> bool:
    """Whether a server has a root disk of its own, and boots from no volume."""
    image = lab.connect().compute.get_server(server).image
    return bool(image) and "sda" not in volumes(lab, server)


def volumes(lab: OpenStackLab, server: str) -> dict[str, str]:
    """The ids of a server's volumes by device (sdb), as Cinder has it."""
    connection = lab.connect()
    found = {}
    for each in connection.compute.get_server(server).attached_volumes:
        (attachment,) = connection.block_storage.get_volume(each["id"]).attachments
        found[attachment["device"].rpartition("/")[2]] = str(each["id"])
    return found
