"""A compute host with real machines: Nova's own libvirt driver, on the libvirt lab.

What a server is here runs under QEMU, so live snapshots, freezing and rebuilds are those of the driver that clouds
run. nova-compute lives in the libvirt lab's packages, which have the library and the tools of that very libvirt; what
it needs to call the library from Python it takes from the environment that the tests run in.

    with Lab() as lab, VirtHost(cloud, lab) as host:
        guest = host.boot("web")          # a guest as the libvirt lab has them, and a server of the same id
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Self

from tests.lab.libvirt.daemon import wait_until
from tests.lab.libvirt.image import ext4_disk, initramfs
from tests.lab.libvirt.lab import Guest, kernel_options
from tests.lab.libvirt.packages import LabUnavailableError

from . import settings
from .database import Database
from .identity import ADMIN
from .packages import Software
from .processes import Processes
from .services import CLOUD

if TYPE_CHECKING:
    from types import TracebackType

    from tests.lab.libvirt.lab import Lab

    from .lab import OpenStackLab

HOST: Final = "virt"
"""Name of the host and of its availability zone: no server comes here that does not ask for it."""
DAEMON: Final = f"nova-compute-{HOST}"
FLAVOR: Final = "virt"
MEMORY_MIB: Final = 192
DISK_MIB: Final = 48


class VirtHost:
    """The host; use it as a context manager. Both labs run, and outlive it; nobody else has guests in `lab`."""

    def __init__(self, cloud: OpenStackLab, lab: Lab) -> None:
        self.cloud = cloud
        self.lab = lab
        place = cloud.services.place
        self._processes = Processes(Software(lab.tools.host, place.venv), place.folder)
        self._booted_by: dict[str, str] = {}
        self._images: dict[tuple[bool, bool], str] = {}

    # -- life

    def __enter__(self) -> Self:
        try:
            return self.open()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> Self:
        """Bring it up: it is ready for servers then."""
        place = self.cloud.services.place
        options: settings.Sections = {
            # A guest whose agent is gone hears no request to shut down, and is waited for in vain.
            "DEFAULT": {"compute_driver": "libvirt.LibvirtDriver", "shutdown_timeout": 5},
            "libvirt": {
                "virt_type": "qemu",
                "connection_uri": self.lab.uri,
                "cpu_mode": "none",
                "images_type": "qcow2",
                "mem_stats_period_seconds": 0,
            },
        }
        folder = settings.write_host(place, HOST, options)
        configs = [part for name in ("nova", f"nova-{HOST}") for part in ("--config-file", place.etc / f"{name}.conf")]
        path = {"PYTHONPATH": str(_bindings(folder / "python"))}
        self._map()
        self._processes.start(DAEMON, place.venv / "bin/python", CLOUD / "compute.py", *configs, env=path)
        self._processes.wait(DAEMON, self._is_known, 90)
        compute = self.cloud.connect(ADMIN).compute
        zone = compute.create_aggregate(name=HOST, availability_zone=HOST)
        compute.add_host_to_aggregate(zone, HOST)
        return self

    def close(self) -> None:
        """Take it and its servers away, and leave the cloud as it was."""
        compute = self.cloud.connect(ADMIN).compute
        servers = [server for server in compute.servers(all_projects=True) if server.compute_host == HOST]
        for server in servers:
            compute.delete_server(server)
        for server in servers:
            compute.wait_for_delete(server, interval=0.3, wait=60)
        self._processes.stop(DAEMON)
        for service in compute.services(host=HOST):
            compute.delete_service(service)  # and with it what placement, cells and aggregates know of it
        if zone := compute.find_aggregate(HOST):
            compute.delete_aggregate(zone)

    def _is_known(self) -> bool:
        """Whether the scheduler may choose it: placement has been told what there is."""
        node = self.cloud.services.place.folder / "hosts" / HOST / "compute_id"
        if not node.exists():
            return False
        path = f"/resource_providers/{node.read_text().strip()}/inventories"
        return "VCPU" in self.cloud.connect(ADMIN).placement.get(path).text

    def _map(self) -> None:
        """As `nova-manage cell_v2 discover_hosts` does, which takes ten seconds for it."""
        row = f"select now(), id, '{HOST}' from cell_mappings where name = 'cell1'"
        statement = f"insert ignore into host_mappings (created_at, cell_id, host) {row}"
        Database(self.cloud.services.place, self.cloud.services.processes).sql(statement, database="nova_api")

    # -- servers

    def boot(self, name: str, *, agent: bool = True, require_quiesce: bool = False) -> Guest:
        """A server of the member's that runs and counts; with an agent, that answers.

        The guest has no second serial line: what it counts in memory is only told by its agent.
        """
        image = self._image(agent=agent, require_quiesce=require_quiesce)
        flavor = self.cloud.seed_flavor(FLAVOR, memory_mib=MEMORY_MIB)
        server = self.cloud.seed_server(name, image=image, flavor=flavor, availability_zone=HOST)
        domain = self.cloud.connect(ADMIN).compute.get_server(server).instance_name
        disk = self.cloud.root_disk(server)
        guest = Guest(self.lab, domain, (disk,), disk.with_name("console.log"), disk.with_name("ticks"))
        if agent:
            guest.wait_agent()
        else:
            wait_until(lambda: "init: up" in guest.console.read_text(errors="replace"), 90, f"{name} to boot")
        return guest

    def image_file(self, image: str) -> Path:
        """The file that Glance keeps of an image, by the image's id."""
        return self.cloud.folder / "glance" / image

    def _image(self, *, agent: bool, require_quiesce: bool) -> str:
        """The guest's disk, booted by its kernel; made when it is first asked for."""
        if not self._booted_by:
            parts = {"kernel": ("aki", self.lab.tools.kernel), "ramdisk": ("ari", initramfs(self.lab.tools))}
            for part, (kind, file) in parts.items():
                formats = {"disk_format": kind, "container_format": kind}
                seeded = self.cloud.seed_image(f"{HOST}-{part}", data=file.read_bytes(), properties=formats)
                self._booted_by[f"{part}_id"] = seeded
        if (agent, require_quiesce) not in self._images:
            options = {"disk_format": "qcow2", "os_command_line": kernel_options("vda", agent=agent)}
            with TemporaryDirectory() as folder:
                disk = Path(folder, "disk")
                ext4_disk(self.lab.tools, disk, form="qcow2", mib=DISK_MIB)
                self._images[agent, require_quiesce] = self.cloud.seed_image(
                    f"{HOST}-guest",
                    data=disk.read_bytes(),
                    properties=options | self._booted_by,
                    agent=agent,
                    require_quiesce=require_quiesce,
                )
        return self._images[agent, require_quiesce]


def _bindings(folder: Path) -> Path:
    """A folder with libvirt's Python modules alone, for nova's own Python, which is of the same version."""
    found = importlib.util.find_spec("libvirt")
    if found is None or found.origin is None:
        raise LabUnavailableError("Nova's libvirt driver needs libvirt-python, which is built where libvirt-dev is")
    folder.mkdir(exist_ok=True)
    for file in Path(found.origin).parent.glob("libvirt*.*"):
        link = folder / file.name
        if file.is_file() and not link.exists():
            link.symlink_to(file)
    return folder
