"""Everything that the planner needs of one server, read at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vmsnap_tui.model.freeze import Freeze, FreezeState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vmsnap_tui.model.advice import Advice
    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import Method, Plan, Request, WayBack
    from vmsnap_tui.model.snapshot import SnapRef, Snapshot
    from vmsnap_tui.model.vm import Vm

_HIDDEN = Freeze(FreezeState.HIDDEN, why="Nova freezes by itself where it can, and does not tell")


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of the server. `size` is in GiB; `newest` is the id of its latest snapshot, "" where it has none."""

    id: str
    disk: str
    size: int
    status: str
    attached: bool = True
    is_root: bool = False
    kind: str = ""
    newest: str = ""


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image of a snapshot. `follows` are the volume snapshots that it refers to."""

    id: str
    status: str
    protected: bool = False
    min_disk: int = 0
    follows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SnapPart:
    """A volume snapshot of a snapshot. `disk` is what the server calls the volume."""

    id: str
    volume: str
    disk: str
    size: int
    status: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes up one snapshot. `dependents` are the things that were made from it, in words."""

    images: tuple[ImagePart, ...] = ()
    snaps: tuple[SnapPart, ...] = ()
    cinder_group: bool = False
    dependents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of something there may be, and is; `limit` is -1 without end."""

    used: int = 0
    limit: int = -1

    def has_room(self, count: int) -> bool:
        """Whether so many more fit."""
        return self.limit < 0 or self.used + count <= self.limit


@dataclass(frozen=True, slots=True)
class Launch:
    """What a new server like this one would get, and all flavors' ids by name."""

    flavor: str = ""
    flavors: Mapping[str, str] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    key: str = ""
    security_groups: tuple[str, ...] = ()
    zone: str = ""


@dataclass(frozen=True, slots=True)
class OpenStackFacts:
    """The facts of one server.

    `task` is Nova's task state, "" for none. `quiesce` says that its image demands a freeze and allows one. `base` is
    the image that its root disk was made from, "" where it boots from a volume. `flavor_disk` is in GiB, `extra` are
    local disks besides the root disk. `compute` and `volume` are microversions; `no_volumes` says why there is no
    volume service. `cloud` is its name in clouds.yaml. `here` is the current snapshot and those above it.
    """

    vm: Vm
    snapshots: tuple[Snapshot, ...] = ()
    chain: tuple[Layer, ...] = ()
    freeze: Freeze = _HIDDEN
    read_only: bool = False
    task: str = ""
    vm_state: str = ""
    locked: bool = False
    quiesce: bool = False
    base: str = ""
    flavor_disk: int = 0
    extra: tuple[str, ...] = ()
    volumes: tuple[Volume, ...] = ()
    parts: Mapping[str, Parts] = field(default_factory=dict)
    compute: tuple[int, int] = (0, 0)
    volume: tuple[int, int] = (0, 0)
    no_volumes: str = ""
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    here: tuple[str, ...] = ()
    launch: Launch = Launch()
    cloud: str = ""

    def called(self, name: str) -> str:
        """Each vm has names of its own."""
        return name

    def methods(self) -> tuple[Method, ...]:
        """All ways to take a snapshot that there are on OpenStack."""
        from vmsnap_tui.platforms.openstack.plan.methods import methods

        return methods(self)

    def advice(self) -> tuple[Advice, ...]:
        """What would make better snapshots possible."""
        from vmsnap_tui.platforms.openstack.plan.advice import advice

        return tuple(advice(self))

    def ways_back(self, snapshot: SnapRef) -> tuple[WayBack, ...]:
        """The ways to restore that snapshot."""
        from vmsnap_tui.platforms.openstack.plan.ways import ways_back

        return ways_back(snapshot, self)

    def plan(self, request: Request) -> Plan:
        """What `request` would do here."""
        from vmsnap_tui.platforms.openstack.plan import plan

        return plan(request, self)

    @property
    def attached(self) -> tuple[Volume, ...]:
        """The volumes that are attached now."""
        return tuple(volume for volume in self.volumes if volume.attached)

    @property
    def is_off(self) -> bool:
        """Whether nothing runs and nothing is kept of what ran."""
        return self.vm_state == "stopped" and not self.task

    @property
    def current(self) -> Snapshot | None:
        """The snapshot that the server goes on from."""
        return next((snapshot for snapshot in self.snapshots if snapshot.current), None)

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot of that id."""
        return next((snapshot for snapshot in self.snapshots if snapshot.id == snapshot_id), None)

    def quota(self, name: str) -> Quota:
        """A quota; without end where it is not known."""
        return self.quotas.get(name, Quota())
