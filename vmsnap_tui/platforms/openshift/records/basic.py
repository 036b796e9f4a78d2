"""What all objects have, and what the API server wraps them in."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations
from typing import Generic, TypeVar

from msgspec import Raw, Struct, field

from vmsnap_tui.platforms.openshift import stamps

T = TypeVar("T")


class Record(Struct, frozen=True, gc=False, rename="camel"):
    """A part of an object. Fields are named as in the API, in snake case."""


class Notes(Struct, frozen=True, gc=False):
    """The annotations that mean something here."""

    description: str = ""
    last_restore: str = field(name="restore.kubevirt.io/lastRestoreUID", default="")
    """`<name of the VirtualMachineRestore>-<its uid>`, on a vm and on the claims that a restore made."""
    default_class: str = field(name="snapshot.storage.kubernetes.io/is-default-class", default="")
    parents: str = field(name=stamps.PARENTS, default="")
    state: str = field(name=stamps.STATE, default="")
    frozen: str = field(name=stamps.FROZEN, default="")
    group: str = field(name=stamps.GROUP, default="")
    parts: str = field(name=stamps.PARTS, default="")
    vm: str = field(name=stamps.VM, default="")
    disk: str = field(name=stamps.DISK, default="")
    baseline: str = field(name=stamps.BASELINE, default="")
    together: str = field(name=stamps.TOGETHER, default="")


class Labels(Struct, frozen=True, gc=False):
    """The labels that mean something here."""

    source_vm: str = field(name="snapshot.kubevirt.io/source-vm-name", default="")
    protected: str = field(name=stamps.PROTECTED, default="")


class Owner(Record, frozen=True):
    """Who an object goes away with."""

    kind: str = ""
    name: str = ""
    uid: str = ""


class Meta(Record, frozen=True):
    """What every object has. `created` and `deleted` (being deleted since) are aware UTC."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    created: datetime | None = field(name="creationTimestamp", default=None)
    deleted: datetime | None = field(name="deletionTimestamp", default=None)
    annotations: Notes = Notes()
    labels: Labels = Labels()
    owners: tuple[Owner, ...] = field(name="ownerReferences", default=())
    finalizers: tuple[str, ...] = ()


class Condition(Record, frozen=True):
    """A condition. The snapshot controllers say what they mean in `reason`, and leave `message` empty."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class Problem(Record, frozen=True):
    """What went wrong last, and when."""

    message: str = ""
    time: datetime | None = None


class Named(Record, frozen=True):
    """A reference by name."""

    name: str = ""
    kind: str = ""
    api_group: str = ""


class Reference(Record, frozen=True):
    """A reference to an object of any namespace."""

    name: str = ""
    namespace: str = ""


class Requests(Record, frozen=True):
    """Quantities that are asked for."""

    memory: str | int | float = ""
    cpu: str | int | float = ""
    storage: str | int | float = ""


class Resources(Record, frozen=True):
    """Of a vm or a claim."""

    requests: Requests = Requests()


class PageMeta(Record, frozen=True):
    """`resource_version` is where a watch goes on from, `next` where the list does ("" at its end)."""

    resource_version: str = ""
    next: str = field(name="continue", default="")


class Page(Record, Generic[T], frozen=True):
    """A part of a list."""

    items: tuple[T, ...] | None = None
    metadata: PageMeta = PageMeta()


class Event(Record, frozen=True):
    """One line of a watch."""

    type: str = ""
    object: Raw = Raw()


class Bare(Record, frozen=True):
    """Any object: its metadata."""

    metadata: Meta = Meta()


class Status(Record, frozen=True):
    """What the API server says of a request that it turns away."""

    code: int = 0
    reason: str = ""
    message: str = ""
