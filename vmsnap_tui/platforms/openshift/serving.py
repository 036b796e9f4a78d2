"""What a cluster serves: which APIs, in which versions, with which resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.platforms.openshift.kinds import CDI, CLONES, EXPORTS, KUBEVIRT, PROJECTS, SNAPSHOTS, STORAGE
from vmsnap_tui.platforms.openshift.kinds import SUBRESOURCES as SUB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vmsnap_tui.platforms.openshift.kinds import Kind

T = TypeVar("T")

_GROUPS = (KUBEVIRT, SNAPSHOTS, STORAGE, CLONES, EXPORTS, SUB, CDI, PROJECTS, "storage.k8s.io")


class _Named(Struct, rename="camel"):
    name: str = ""
    group_version: str = ""
    version: str = ""


class _Group(Struct):
    name: str = ""
    versions: tuple[_Named, ...] = ()


class _Groups(Struct):
    groups: tuple[_Group, ...] = ()


class _Resources(Struct):
    resources: tuple[_Named, ...] | None = None


class _Version(Struct, rename="camel"):
    git_version: str = ""


class Reader(Protocol):
    """Reads several paths at the same time."""

    def __call__(self, paths: Sequence[str], type_: type[T]) -> list[T | VmsnapError]:
        """What is there, or why it is not to be had."""
        ...


@dataclass(frozen=True, slots=True)
class Serving:
    """The resources of each API ("group/version", "v1" for the core), and the versions of the software."""

    resources: Mapping[str, frozenset[str]] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    """APIs that are announced, and whose server does not answer."""
    kubernetes: str = ""
    kubevirt: str = ""

    def version(self, kind: Kind[Any]) -> str:
        """The best version of a kind that is served and understood, "" for none."""
        if not kind.group:
            return kind.versions[0]
        for version in kind.versions:
            if kind.plural in self.resources.get(f"{kind.group}/{version}", ()):
                return version
        return ""

    def has(self, kind: Kind[Any]) -> bool:
        """Whether there is such a thing."""
        return bool(self.version(kind))

    @property
    def is_openshift(self) -> bool:
        """Whether it is OpenShift, and not another Kubernetes."""
        return any(name.startswith(f"{PROJECTS}/") for name in self.resources)


def discover(read: Reader) -> Serving:
    """Ask what there is. Raises what the first question raises."""
    (groups,) = read(["/apis"], _Groups)
    if isinstance(groups, VmsnapError):
        raise groups
    wanted = [version.group_version for group in groups.groups if group.name in _GROUPS for version in group.versions]
    resources: dict[str, frozenset[str]] = {}
    silent = []
    for name, found in zip(wanted, read([f"/apis/{name}" for name in wanted], _Resources), strict=True):
        if isinstance(found, VmsnapError):
            silent.append(name)
            continue
        resources[name] = frozenset(each.name for each in found.resources or ())
    return Serving(
        resources,
        tuple(silent),
        _version(read, "/version"),
        _version(read, f"/apis/{SUB}/v1/version"),
    )


def _version(read: Reader, path: str) -> str:
    (found,) = read([path], _Version)
    return "" if isinstance(found, VmsnapError) else found.git_version
