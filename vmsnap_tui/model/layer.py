"""The objects that really hold data, and the chains that they make."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class LayerKind(Enum):
    """What a layer is."""

    ACTIVE = "active"  # what "now" writes to
    OVERLAY = "overlay"
    BASE = "base"
    INTERNAL = "internal"  # a snapshot inside an image file
    MEMORY = "memory"
    VOLUME = "volume"
    VOLUME_SNAPSHOT = "volume snapshot"
    IMAGE = "image"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Layer:
    """One object of a disk's chain.

    `place` is a path, a volume or a handle; `virtual` is the size that the guest sees, `used` what is really
    taken, both in bytes; `snapshots` are the ids of those that need it.
    """

    disk: str
    kind: LayerKind
    place: str
    format: str = ""
    virtual: int | None = None
    used: int | None = None
    snapshots: tuple[str, ...] = ()
    error: str = ""
