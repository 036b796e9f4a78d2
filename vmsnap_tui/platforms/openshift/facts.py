"""Everything that the planner needs of one vm, read at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.vm import AgentState, VmState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vmsnap_tui.model.advice import Advice
    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import Method, Plan, Request, WayBack
    from vmsnap_tui.model.snapshot import SnapRef, Snapshot
    from vmsnap_tui.model.vm import Vm

_NO_AGENT = Freeze(FreezeState.UNAVAILABLE)


class Right(Enum):
    """What somebody may be allowed to do: verb, API group and resource (with its subresource)."""

    TAKE = "create", "snapshot.kubevirt.io", "virtualmachinesnapshots"
    DELETE = "delete", "snapshot.kubevirt.io", "virtualmachinesnapshots"
    EDIT = "patch", "snapshot.kubevirt.io", "virtualmachinesnapshots"
    RESTORE = "create", "snapshot.kubevirt.io", "virtualmachinerestores"
    CLEAR = "delete", "snapshot.kubevirt.io", "virtualmachinerestores"
    CUT = "create", "snapshot.storage.k8s.io", "volumesnapshots"
    UNCUT = "delete", "snapshot.storage.k8s.io", "volumesnapshots"
    RELABEL = "patch", "snapshot.storage.k8s.io", "volumesnapshots"
    CLONE = "create", "clone.kubevirt.io", "virtualmachineclones"
    EXPORT = "create", "export.kubevirt.io", "virtualmachineexports"
    STOP = "update", "subresources.kubevirt.io", "virtualmachines/stop"
    START = "update", "subresources.kubevirt.io", "virtualmachines/start"
    FREEZE = "update", "subresources.kubevirt.io", "virtualmachineinstances/freeze"
    THAW = "update", "subresources.kubevirt.io", "virtualmachineinstances/unfreeze"
    DEFINE = "patch", "kubevirt.io", "virtualmachines"
    CLAIM = "create", "", "persistentvolumeclaims"
    UNCLAIM = "delete", "", "persistentvolumeclaims"

    @property
    def verb(self) -> str:
        """As the cluster's rules have it."""
        return self.value[0]

    @property
    def group(self) -> str:
        """The API group, "" for the core."""
        return self.value[1]

    @property
    def resource(self) -> str:
        """The resource, with its subresource behind a slash."""
        return self.value[2]


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of the vm that a claim stands behind. `size` is in bytes.

    `why_not` says why it can be in no snapshot, "" where it can. `snapshot_class` is the one that KubeVirt would use.
    `driver` is that of its storage class; `rivals` are the snapshot classes that fit it where there is no telling which
    KubeVirt would use. `templated` means that the vm's own template made it: KubeVirt deletes it once the vm has
    another in its place.
    """

    disk: str
    claim: str
    size: int = 0
    storage_class: str = ""
    snapshot_class: str = ""
    why_not: str = ""
    templated: bool = False
    driver: str = ""
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """The volume snapshot of one volume in a snapshot. `size` is in bytes, `handle` what the storage calls it.

    `keeps` means that the storage is told to keep the data when the record goes.
    """

    disk: str
    claim: str
    name: str
    size: int = 0
    handle: str = ""
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What makes up one snapshot.

    `name` is that of its VirtualMachineSnapshot, "" for plain volume snapshots; `uid` is the one that names it in the
    lines of others. `source_uid` is the vm that KubeVirt takes it to be of, which
    it changes when another one gets the name; `vm_uid` is the one that it was taken of. `retains` means that its
    content stays when it is deleted. `disks` and `templates` are the volumes and DataVolume templates that the vm had
    then, `patches` what gives a new vm an identity of its own. `users` are things that read it now, in words;
    `held` are the finalizers of one that is being deleted.
    """

    name: str = ""
    uid: str = ""
    source_uid: str = ""
    vm_uid: str = ""
    content: str = ""
    retains: bool = False
    cuts: tuple[Cut, ...] = ()
    disks: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    backend_state: bool = False
    users: tuple[str, ...] = ()
    deleting: bool = False
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenRestore:
    """A VirtualMachineRestore of the vm that is not complete. `reason` is what its conditions say."""

    name: str
    failed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this cluster's APIs offer. `clone` and `export` are versions, "" where there is no such API.

    `in_place`, `readiness` and `prefix` say whether a restore may keep the names of claims, may be told what to do with
    a vm that runs, and may name claims after the new vm: an older cluster drops such a wish silently.
    """

    vm_snapshots: bool = True
    volume_snapshots: bool = True
    in_place: bool = True
    readiness: bool = True
    prefix: bool = True
    clone: str = "v1beta1"
    export: str = "v1beta1"


@dataclass(frozen=True, slots=True)
class OpenShiftFacts:
    """The facts of one vm.

    `busy` says what is at work on it, "" for nothing. `running` says that a VMI exists, which is more than the state:
    one that is just going away still holds the volumes. `line` are the uids of the current snapshot and of those
    above it, nearest first. `leftovers` are claims that earlier restores left behind. `names` are the
    VirtualMachineSnapshots of the namespace, which share their names across vms, each with its vm; `vm_names` and
    `claim_names` are taken for new vms and claims. `kubectl` is what a
    command for this cluster begins with.
    """

    vm: Vm
    snapshots: tuple[Snapshot, ...] = ()
    chain: tuple[Layer, ...] = ()
    freeze: Freeze = _NO_AGENT
    read_only: bool = False
    uid: str = ""
    running: bool = False
    migrating: bool = False
    busy: str = ""
    volumes: tuple[Volume, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)
    line: tuple[str, ...] = ()
    restores: tuple[OpenRestore, ...] = ()
    leftovers: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    vm_names: frozenset[str] = frozenset()
    claim_names: frozenset[str] = frozenset()
    can: Abilities = Abilities()
    denied: frozenset[Right] = frozenset()
    kubectl: tuple[str, ...] = ("kubectl",)

    def called(self, name: str) -> str:
        """All vms of a namespace share the names of snapshots: with the vm's own name in front."""
        from vmsnap_tui.platforms.openshift.plan.rules import LONGEST

        own = self.vm.name[: max(0, LONGEST - len(name) - 1)].rstrip("-.")
        return f"{own}-{name}" if own else name

    def methods(self) -> tuple[Method, ...]:
        """All ways to take a snapshot that there are on OpenShift."""
        from vmsnap_tui.platforms.openshift.plan.methods import methods

        return methods(self)

    def advice(self) -> tuple[Advice, ...]:
        """What would make better snapshots possible."""
        from vmsnap_tui.platforms.openshift.plan.advice import advice

        return tuple(advice(self))

    def ways_back(self, snapshot: SnapRef) -> tuple[WayBack, ...]:
        """The ways to restore that snapshot."""
        from vmsnap_tui.platforms.openshift.plan.ways import ways_back

        return ways_back(snapshot, self)

    def plan(self, request: Request) -> Plan:
        """What `request` would do here."""
        from vmsnap_tui.platforms.openshift.plan import plan

        return plan(request, self)

    @property
    def snapshottable(self) -> tuple[Volume, ...]:
        """The volumes that can be in a snapshot."""
        return tuple(volume for volume in self.volumes if not volume.why_not)

    @property
    def freezable(self) -> bool:
        """Whether there is an agent that can freeze the guest now."""
        return self.vm.state is VmState.RUNNING and self.vm.agent is AgentState.CONNECTED

    @property
    def current(self) -> Snapshot | None:
        """The snapshot that the vm goes on from."""
        return next((snapshot for snapshot in self.snapshots if snapshot.current), None)

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot of that id."""
        return next((snapshot for snapshot in self.snapshots if snapshot.id == snapshot_id), None)

    def part(self, snapshot_id: str) -> Part:
        """What makes up that snapshot."""
        return self.parts.get(snapshot_id, Part())
