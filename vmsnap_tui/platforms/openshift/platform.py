"""An OpenShift Virtualization site: one cluster by a context of the kubeconfig, all namespaces or chosen ones."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from vmsnap_tui.model.errors import Denied, Missing, Unsupported, VmsnapError
from vmsnap_tui.model.findings import surveyed
from vmsnap_tui.model.stack import read_now
from vmsnap_tui.model.survey import Holdings
from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.model.vm import SiteInfo
from vmsnap_tui.platforms.openshift.chain import layers
from vmsnap_tui.platforms.openshift.cluster import Cluster
from vmsnap_tui.platforms.openshift.convert import key_of_ref, vm_of
from vmsnap_tui.platforms.openshift.findings import findings_of
from vmsnap_tui.platforms.openshift.inventory import Inventory, no_vm
from vmsnap_tui.platforms.openshift.kinds import CONTENTS, MACHINES, VM_SNAPSHOTS, VOLUME_SNAPSHOTS
from vmsnap_tui.platforms.openshift.snapshots import loose_of, snapshots_of
from vmsnap_tui.platforms.openshift.watch import Watch

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
    from vmsnap_tui.model.vm import Site, Vm, VmRef
    from vmsnap_tui.platforms.openshift.facts import Abilities
    from vmsnap_tui.platforms.openshift.mirror import Key

_PATIENCE = timedelta(minutes=10)
"""How long a deletion may take before it is said to hang."""


class OpenShiftPlatform:
    """One login and one mirror of the cluster, shared by reads, steps and the watch."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._cluster = Cluster(site)
        chosen = [name.strip() for name in site.options.get("namespaces", "").split(",")]
        self.inventory = Inventory(self._cluster, [name for name in chosen if name])
        self._watch = Watch(self.inventory, site.name)
        self._can: Abilities | None = None

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._cluster.requests

    @property
    def site(self) -> Site:
        """The site as configured."""
        return self._site

    def open(self) -> SiteInfo:
        """Log in, and ask what there is."""
        self._cluster.open()
        self._can = None
        self.inventory.open()
        serving, scopes = self._cluster.serving, self.inventory.scopes
        spaces = "all" if None in scopes else clean(", ".join(str(scope) for scope in scopes), limit=200)
        details = (
            ("address", clean(self._cluster.address)),
            ("user", clean(self._cluster.user)),
            ("namespaces", spaces),
            ("kubernetes", clean(serving.kubernetes)),
            ("snapshots", f"{VM_SNAPSHOTS.group}/{serving.version(VM_SNAPSHOTS)}" if self._has_snapshots else "none"),
            ("access", "read only" if self._site.read_only else "read and write"),
        )
        product = "OpenShift Virtualization" if serving.is_openshift else "KubeVirt"
        return SiteInfo(product, clean(serving.kubevirt), details, tuple(self._cautions()))

    def close(self) -> None:
        """Let the login go."""
        self._cluster.close()

    def vms(self) -> Iterator[Sequence[Vm]]:
        """All vms, in pages."""
        for keys in self.inventory.machines():
            if page := [vm for key in keys if (vm := self._vm(key)) is not None]:
                yield page

    def vm(self, ref: VmRef) -> Vm:
        """One vm."""
        key = key_of_ref(ref)
        things = self.inventory.things(key)
        return vm_of(things.machine, things.instance, things.claims, ref.site)

    def snapshots(self, vms: Sequence[VmRef]) -> Mapping[VmRef, tuple[Snapshot, ...]]:
        """All snapshots of these vms: of one or two by themselves, of several from what was read as a whole."""
        refs = {key_of_ref(ref): ref for ref in vms}
        if self.inventory.is_kept or len(refs) > 2:
            found = self.inventory.known_things([*refs])
        else:
            found = {}
            for key in refs:
                try:
                    found[key] = self.inventory.fresh_things(key)
                except Missing:
                    continue
        return {refs[key]: snapshots_of(things, refs[key]) for key, things in found.items()}

    def survey(self, vms: Sequence[VmRef] | None) -> Survey:
        """What holds the data of these vms, or of all. Of one or two, with the objects that lead to the bytes."""
        refs = [vm.ref for page in self.vms() for vm in page] if vms is None else vms
        is_traced = vms is not None and len(vms) <= 2
        more: list[Finding] = []
        found = [held for ref in refs if (held := self._holdings(ref, more, is_traced=is_traced))]
        blind: list[str] = []
        if vms is None:
            more += self._of_the_whole(blind)
        return surveyed(found, self._site.chain_limit, more, blind)

    def _of_the_whole(self, blind: list[str]) -> Iterator[Finding]:
        from vmsnap_tui.platforms.openshift import whole

        found = whole.read(self.inventory)
        blind += [f"{kind} ({why})" for kind, why in found.blind.items()]
        yield from whole.findings_of(found, self._site.name, datetime.now(UTC) - _PATIENCE)

    def _holdings(self, ref: VmRef, more: list[Finding], *, is_traced: bool) -> Holdings | None:
        try:
            things = self.inventory.things(key_of_ref(ref))
        except Missing:
            return None
        snapshots = snapshots_of(things, ref)
        vm = vm_of(things.machine, things.instance, things.claims, ref.site)
        held = layers(things, snapshots)
        if is_traced:
            # Only who looks at one vm pays for it.
            from vmsnap_tui.platforms.openshift import hops

            held = hops.traced(held, things, hops.read(self._cluster, things, held))
        more += findings_of(things, ref, datetime.now(UTC), _PATIENCE)
        return Holdings(vm, snapshots, held)

    def source(self, vm: VmRef, snapshot: SnapRef | None = None) -> tuple[str, str]:
        """The cluster's own JSON of a vm, or of a snapshot's objects."""
        key = key_of_ref(vm)
        if not all(key):  # the cluster would show a list
            raise no_vm()
        if snapshot is None:
            return _shown([self._raw(self._cluster.path(MACHINES, *key))])
        things = self.inventory.things(key)
        for each in things.snapshots:
            if f"{each.metadata.namespace}/{each.metadata.name}" == snapshot.id:
                return _shown([self._raw(self._cluster.path(VM_SNAPSHOTS, key[0], each.metadata.name))])
        parts = loose_of(things).get(snapshot.id)
        if parts is None:
            raise _no_snapshot()
        return _shown([self._raw(self._cluster.path(VOLUME_SNAPSHOTS, key[0], part.metadata.name)) for part in parts])

    def definition(self, vm: VmRef, snapshot: SnapRef | None = None) -> Definition:
        """The vm's object, or what the snapshot's content has of it."""
        from vmsnap_tui.platforms.openshift.definition import definition_of

        key = key_of_ref(vm)
        if not all(key):
            raise no_vm()
        if snapshot is None:
            return definition_of(self._raw(self._cluster.path(MACHINES, *key)))
        things = self.inventory.things(key)
        for each in things.snapshots:
            if f"{each.metadata.namespace}/{each.metadata.name}" == snapshot.id:
                content = self._raw(self._cluster.path(CONTENTS, key[0], each.content))
                return definition_of(content.get("spec", {}).get("source", {}).get("virtualMachine", {}))
        if snapshot.id in loose_of(things):
            raise Unsupported("snapshots of volumes keep no definition of the vm")
        raise _no_snapshot()

    def facts(self, vm: VmRef) -> Facts:
        """Fresh facts for the planner."""
        # Only who plans something pays for it.
        from vmsnap_tui.platforms.openshift.abilities import abilities_of
        from vmsnap_tui.platforms.openshift.gather import gather

        if self._can is None:
            self._can = abilities_of(self._cluster)
        things = self.inventory.fresh_things(key_of_ref(vm))
        found = vm_of(things.machine, things.instance, things.claims, vm.site)
        snapshots = snapshots_of(things, vm)
        return gather(
            self.inventory,
            things,
            found,
            snapshots,
            read_now(layers(things, snapshots)),
            self._can,
            read_only=self._site.read_only,
        )

    def run(self, step: Step, report: Callable[[Progress], None], stop: Event, gate: Gate = ALONE) -> str:
        """Do one step."""
        if self._site.read_only:
            raise Denied("the site is open for reading only", "open it without read_only")
        # Only who changes something pays for it.
        from vmsnap_tui.platforms.openshift import steps

        try:
            return steps.run(self._cluster, step, report, stop, gate)
        finally:
            self.inventory.forget()
            self._catch_up(step.vm)

    def watch(self, emit: Callable[[Change], None], stop: Event) -> None:
        """Report changes until `stop` is set."""
        self._watch.run(emit, stop)

    def look_at(self, vms: frozenset[VmRef]) -> None:
        """Tell of these first what becomes known later."""
        self._watch.look_at(vms)

    @property
    def _has_snapshots(self) -> bool:
        return self._cluster.serving.has(VM_SNAPSHOTS)

    def _cautions(self) -> Iterator[str]:
        for name in self._cluster.serving.silent:
            yield clean(f"{name} is announced, but does not answer")
        if not self._has_snapshots:
            yield "snapshots of vms are not installed here (snapshot.kubevirt.io)"
        if not self._cluster.serving.has(VOLUME_SNAPSHOTS):
            yield "snapshots of volumes are not installed here (snapshot.storage.k8s.io): no vm can be snapshotted"
        for kind, why in self.inventory.barred.items():
            if self._cluster.serving.has(kind):
                yield clean(why)

    def _catch_up(self, vm: VmRef) -> None:
        """What was done is seen by whoever asks next, even if the watch has yet to tell of it."""
        with suppress(VmsnapError):
            self.inventory.fresh_things(key_of_ref(vm))

    def _vm(self, key: Key) -> Vm | None:
        mirror = self.inventory.mirror
        machine = mirror.get(MACHINES, key)
        if machine is None:
            return None
        return vm_of(machine, mirror.instance(key), mirror.claims(key), self._site.name)

    def _raw(self, path: str) -> dict[str, Any]:
        found = msgspec.json.decode(self._cluster.ask("GET", path), type=dict[str, Any])
        if isinstance(found.get("metadata"), dict):
            found["metadata"].pop("managedFields", None)  # longer than all the rest, and about its writers alone
        return found


def _no_snapshot() -> Missing:
    return Missing("there is no such snapshot", "refresh")


def _shown(objects: Sequence[object]) -> tuple[str, str]:
    text = msgspec.json.format(msgspec.json.encode(objects[0] if len(objects) == 1 else objects), indent=2)
    return clean_lines(text.decode()), "json"
