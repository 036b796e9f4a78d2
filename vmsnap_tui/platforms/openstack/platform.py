"""An OpenStack site: one cloud, region and project, or all projects."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Denied, Missing, Unsupported
from vmsnap_tui.model.findings import surveyed
from vmsnap_tui.model.survey import Holdings
from vmsnap_tui.model.text import clean_lines
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.model.vm import SiteInfo, VmRef
from vmsnap_tui.platforms.openstack.chain import findings_of, layers
from vmsnap_tui.platforms.openstack.cloud import COMPUTE, VOLUME, Cloud
from vmsnap_tui.platforms.openstack.convert import vm_of
from vmsnap_tui.platforms.openstack.gather import gather, image_properties
from vmsnap_tui.platforms.openstack.inventory import Inventory
from vmsnap_tui.platforms.openstack.snapshots import parts_of, snapshots_of
from vmsnap_tui.platforms.openstack.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from threading import Event

    from vmsnap_tui.model.change import Change
    from vmsnap_tui.model.compare import Definition
    from vmsnap_tui.model.plan import Facts, Step
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.snapshot import SnapRef, Snapshot
    from vmsnap_tui.model.survey import Finding, Survey
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.model.vm import Site, Vm
    from vmsnap_tui.platforms.openstack.snapshots import Part, Things

_OLDEST = (2, 45)  # the microversion of Nova in which createImage names the image that it makes


class OpenStackPlatform:
    """One login, shared by reads, steps and the watch, each with a connection of their own."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._cloud = Cloud(site)
        self._inventory = Inventory(self._cloud)
        self._watch = Watch(self._inventory, site.name)

    @property
    def site(self) -> Site:
        """The site as configured."""
        return self._site

    def open(self) -> SiteInfo:
        """Log in, and ask what there is."""
        cloud = self._cloud
        cloud.open()
        self._inventory.forget()
        compute, volume = cloud.version(COMPUTE), cloud.version(VOLUME)
        if compute < _OLDEST:
            raise Unsupported("this cloud's Nova is older than Pike", "update the cloud")
        cautions = []
        if not cloud.has_volumes:
            cautions.append(f"there is no volume service: {cloud.missing[VOLUME]}")
        if cloud.all_projects and "admin" not in cloud.roles:
            cautions.append("all projects are asked for, which takes an administrator")
        details = (
            ("address", cloud.auth_url),
            ("project", "all" if cloud.all_projects else cloud.project_name),
            ("compute", f"microversion {compute[0]}.{compute[1]}"),
            ("volumes", f"microversion {volume[0]}.{volume[1]}" if cloud.has_volumes else "none"),
            ("access", "read only" if self._site.read_only else "read and write"),
        )
        return SiteInfo("OpenStack", f"Nova {compute[0]}.{compute[1]}", details, tuple(cautions))

    def close(self) -> None:
        """Let the login go."""
        self._cloud.close()

    def vms(self) -> Iterator[Sequence[Vm]]:
        """All servers, in pages."""
        volumes = self._inventory.volumes()
        for page in self._inventory.servers():
            yield [
                vm_of(server, volumes.get(server["id"], ()), self._site.name, self._group(server)) for server in page
            ]

    def vm(self, ref: VmRef) -> Vm:
        """One server."""
        server = self._inventory.server(ref.id)
        volumes = tuple(self._inventory.volumes_of(server)) if self._cloud.has_volumes else ()
        return vm_of(server, volumes, ref.site, self._group(server))

    def snapshots(self, vms: Sequence[VmRef]) -> Mapping[VmRef, tuple[Snapshot, ...]]:
        """All snapshots of these servers: one by itself is read narrowly, several from what was read in bulk."""
        found = {}
        servers = self._inventory.known_servers() if len(vms) > 2 else {}
        for ref in vms:
            if ref.id in servers:
                things = self._inventory.pictured(servers[ref.id])
            else:
                try:
                    things = self._inventory.things(ref.id)
                except Missing:
                    continue
            self._watch.saw(things)
            found[ref] = snapshots_of(things, ref)
        return found

    def survey(self, vms: Sequence[VmRef] | None) -> Survey:
        """What holds the data of these servers, or of all."""
        refs = [vm.ref for page in self.vms() for vm in page] if vms is None else vms
        more: list[Finding] = []
        found = [held for ref in refs if (held := self._holdings(ref, more))]
        if vms is None:
            more += self._of_the_whole()
        return surveyed(found, self._site.chain_limit, more)

    def _of_the_whole(self) -> Iterator[Finding]:
        from vmsnap_tui.platforms.openstack import whole

        cloud, inventory = self._cloud, self._inventory
        project = "" if cloud.all_projects else cloud.project_id
        return whole.findings_of(
            inventory.picture(fresh=True), inventory.known_servers(), inventory.image_ids(), self._site.name, project
        )

    def _holdings(self, ref: VmRef, more: list[Finding]) -> Holdings | None:
        try:
            things = self._inventory.things(ref.id)
        except Missing:
            return None
        snapshots = snapshots_of(things, ref)
        vm = vm_of(things.server, things.volumes, ref.site, self._group(things.server))
        more += findings_of(things, ref, datetime.now(UTC))
        return Holdings(vm, snapshots, layers(things, snapshots))

    def source(self, vm: VmRef, snapshot: SnapRef | None = None) -> tuple[str, str]:
        """The services' JSON of a server, or of a snapshot's parts."""
        things = self._inventory.things(vm.id)
        shown: object = things.server
        if snapshot is not None:
            part = _part(things, snapshot)
            shown = {"images": part.images, "volume_snapshots": part.snaps}
        return clean_lines(json.dumps(shown, indent=2, ensure_ascii=False)), "json"

    def definition(self, vm: VmRef, snapshot: SnapRef | None = None) -> Definition:
        """What the server's image tells of it, and its volumes: a snapshot keeps nothing else."""
        from vmsnap_tui.platforms.openstack.definition import definition_now, definition_then

        things = self._inventory.things(vm.id)
        if snapshot is None:
            return definition_now(things, image_properties(self._cloud, things))
        return definition_then(things, _part(things, snapshot))

    def facts(self, vm: VmRef) -> Facts:
        """Fresh facts for the planner."""
        server = self._inventory.server(vm.id)
        return gather(self._cloud, self._inventory, vm, self._group(server), read_only=self._site.read_only)

    def run(self, step: Step, report: Callable[[Progress], None], stop: Event, gate: Gate = ALONE) -> str:
        """Do one step."""
        if self._site.read_only:
            raise Denied("the site is open for reading only", "open it without read_only")
        # Only who changes something pays for it.
        from vmsnap_tui.platforms.openstack import steps

        self._watch.stir()
        try:
            return steps.run(self._cloud, self._inventory, step, report, stop, gate)
        finally:
            self._watch.stir()

    def watch(self, emit: Callable[[Change], None], stop: Event) -> None:
        """Report changes until `stop` is set."""
        self._watch.run(emit, stop)

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """Look more often while these are on the screen."""
        self._watch.look_at(vms)

    def _group(self, server: Mapping[str, object]) -> str:
        """Its project: by name where it is the one that is logged in to."""
        project = str(server.get("tenant_id") or "")
        return self._cloud.project_name if project == self._cloud.project_id else project


def _part(things: Things, snapshot: SnapRef) -> Part:
    part = parts_of(things).get(snapshot.id)
    if part is None:
        raise Missing("there is no such snapshot", "refresh")
    return part
