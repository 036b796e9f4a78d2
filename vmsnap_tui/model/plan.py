"""What somebody asks for, and what doing it would mean.

A request goes to the planner of a platform, which answers with a plan: steps, losses, cautions and refusals. Both
are plain values, so that the same request gives the same plan as long as the world has not moved: equality is the
check that is made again when a plan is run. Numbers that drift by themselves (free space) stand in `Plan.notes`,
which does not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from vmsnap_tui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vmsnap_tui.model.advice import Advice
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.settings import Setting, Settings
    from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


class After(Enum):
    """What the vm does once it is restored."""

    AS_TAKEN = "as taken"
    RUNNING = "running"
    PAUSED = "paused"
    OFF = "off"


class Scope(Enum):
    """What goes with a deleted snapshot."""

    ONE = "this one"
    TREE = "with children"
    CHILDREN = "children only"


@dataclass(frozen=True, slots=True)
class Take:
    """Take a snapshot. `method` is a `Method.id` or "" for the recommended one, `disks` None for all.

    `settings` are those of the method. `group` is the id of the group snapshot that it is a part of: then the
    recommended method is the best one that cuts at an instant, and the guest stands frozen until all others are cut.
    """

    vm: VmRef
    name: str
    description: str = ""
    method: str = ""
    disks: tuple[str, ...] | None = None
    settings: Settings = ()
    group: str = ""


@dataclass(frozen=True, slots=True)
class Restore:
    """Put a vm back to a snapshot. `safety` is the name of a snapshot to take first, "" for none.

    `how` is a `WayBack.id` or "" for the recommended one, `settings` are those of the way.
    """

    snapshot: SnapRef
    after: After = After.AS_TAKEN
    safety: str = ""
    how: str = ""
    settings: Settings = ()

    @property
    def vm(self) -> VmRef:
        """The vm that is put back."""
        return self.snapshot.vm


def usual_after(vm: Vm, snapshot: Snapshot) -> After:
    """Disks alone bring back no running guest: one that runs now is started again on them."""
    disks_alone = snapshot.memory is None and snapshot.state is not VmState.OFF
    return After.RUNNING if disks_alone and vm.state.is_active else After.AS_TAKEN


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a snapshot. With `metadata_only` the record goes and the data stays."""

    snapshot: SnapRef
    scope: Scope = Scope.ONE
    metadata_only: bool = False

    @property
    def vm(self) -> VmRef:
        """The vm whose snapshot it is."""
        return self.snapshot.vm


@dataclass(frozen=True, slots=True)
class Edit:
    """Rename a snapshot, describe it anew, protect it, or make it a lab's baseline. None leaves a value as it is.

    A protected one is not deleted by vmsnap until that is taken away. `baseline` is the name of the lab whose vm is
    reset to it, "" for none any more. The platform keeps both marks, for all to see.
    """

    snapshot: SnapRef
    name: str | None = None
    description: str | None = None
    protected: bool | None = None
    baseline: str | None = None

    @property
    def vm(self) -> VmRef:
        """The vm whose snapshot it is."""
        return self.snapshot.vm


@dataclass(frozen=True, slots=True)
class Power:
    """Start a vm, or have its guest shut down."""

    vm: VmRef
    on: bool


@dataclass(frozen=True, slots=True)
class Thaw:
    """Thaw a guest that was left frozen."""

    vm: VmRef


class MergeHow(Enum):
    """How layers become fewer."""

    COMMIT = "commit down"  # write the upper layers into `base`
    PULL = "pull up"  # read what lies above `base` into the layer that the vm writes to
    FLATTEN = "flatten"  # the same with everything: the disk needs no other layer afterwards
    COPY = "copy"  # write everything into a new file and go on there


@dataclass(frozen=True, slots=True)
class Merge:
    """Make the chain of a disk shorter while the vm runs.

    `top` and `base` are places of layers: what lies above `base` up to `top` becomes one layer. `top` is "" for the
    newest layer, `base` "" for the last one (for PULL, FLATTEN and COPY: for none at all). `place` and `format` are
    those of the new file of a COPY.
    """

    vm: VmRef
    disk: str
    how: MergeHow
    top: str = ""
    base: str = ""
    place: str = ""
    format: str = ""


class JobEnd(Enum):
    """What becomes of a block job that was left to itself."""

    RESUME = "resume"  # wait for it, and finish it as it was meant
    PIVOT = "pivot"  # go on with what it has made
    ABORT = "abort"  # drop what it has made


@dataclass(frozen=True, slots=True)
class EndJob:
    """End a block job of a disk that nobody looks after any more."""

    vm: VmRef
    disk: str
    how: JobEnd


@dataclass(frozen=True, slots=True)
class Discard:
    """Remove files that nothing uses. `vm` is one whose disks lie beside them."""

    vm: VmRef
    places: tuple[str, ...]


LayerRequest = Merge | EndJob | Discard
"""What is asked of layers, and not of snapshots."""
Request = Take | Restore | Delete | Edit | Thaw | Power | LayerRequest


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not done, and what to do instead. `code` is stable, for scripts."""

    code: str
    why: str
    instead: str = ""


class LossKind(Enum):
    """What goes away."""

    SNAPSHOT = "snapshot"
    MEMORY = "memory"
    CHANGES = "changes"
    RECORD = "record"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that is gone afterwards: a snapshot by name, running memory, what was written since."""

    kind: LossKind
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a platform does in one go.

    `action` and `params` are the platform's own (JSON values, since the journal keeps them). `freezes` says that a
    guest may stand frozen while it runs, `cancellable` that it can be stopped midway.
    """

    action: str
    vm: VmRef
    label: str
    params: Mapping[str, JsonValue] = field(default_factory=dict)
    freezes: bool = False
    cancellable: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What an action will do, step by step, before it is done.

    `consistency` is what a taken snapshot will really be worth (None where none is taken). A plan with refusals
    cannot be run. `notes` hold what may drift without making the plan another one.
    """

    request: Request
    title: str
    vm_name: str
    steps: tuple[Step, ...] = ()
    losses: tuple[Loss, ...] = ()
    cautions: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    consistency: Consistency | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_destructive(self) -> bool:
        """Whether anything goes away."""
        return bool(self.losses)


def no_layers(request: LayerRequest, vm_name: str, platform: str) -> Plan:
    """The plan where the platform keeps its layers to itself."""
    why = f"{platform} gives nobody a hand on the layers of a disk: its storage merges them by itself"
    refusal = Refusal("no-layer-jobs", why, "delete the snapshots that are not needed any more")
    return Plan(request, "Change layers", vm_name, refusals=(refusal,))


@dataclass(frozen=True, slots=True)
class Method:
    """A way to take a snapshot of this vm, now.

    `consistency` is what it would really give. `pause`, `space`, `restore` and `limits` are short texts: how long the
    guest stands still, what it takes, how one gets back, what it cannot do. One with refusals is not possible now.
    `settings` are what may be set of it.
    """

    id: str
    label: str
    consistency: Consistency
    pause: str = ""
    space: str = ""
    restore: str = ""
    limits: str = ""
    refusals: tuple[Refusal, ...] = ()
    recommended: bool = False
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class WayBack:
    """A way to restore a snapshot, where there are several. One with refusals is not possible now.

    One that is `beside` leaves the vm as it is, and makes something else of the snapshot.
    """

    id: str
    label: str
    detail: str = ""
    refusals: tuple[Refusal, ...] = ()
    recommended: bool = False
    settings: tuple[Setting, ...] = ()
    beside: bool = False


class Facts(Protocol):
    """Everything that a platform's planner needs of one vm, read at one moment. Planning on it does no I/O."""

    @property
    def vm(self) -> Vm:
        """The vm as it is now."""
        ...

    @property
    def snapshots(self) -> Sequence[Snapshot]:
        """Its snapshots as they are now."""
        ...

    @property
    def chain(self) -> Sequence[Layer]:
        """The layers that its disks write to and read through now, newest first, disk by disk."""
        ...

    @property
    def freeze(self) -> Freeze:
        """The state of the guest's file systems."""
        ...

    def called(self, name: str) -> str:
        """A name for a snapshot of this vm where others get one of the same name: some platforms let them share names,
        others do not.
        """
        ...

    def methods(self) -> tuple[Method, ...]:
        """All ways that the platform knows, the recommended one marked."""
        ...

    def advice(self) -> tuple[Advice, ...]:
        """What somebody could change so that better ones are possible."""
        ...

    def ways_back(self, snapshot: SnapRef) -> tuple[WayBack, ...]:
        """The ways to restore that snapshot, the recommended one marked; () where there is no choice."""
        ...

    def plan(self, request: Request) -> Plan:
        """What `request` would do here."""
        ...
