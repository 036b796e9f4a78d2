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


FILES = frozenset({LayerKind.ACTIVE, LayerKind.OVERLAY, LayerKind.BASE})
"""Layers that read through each other."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One object of a platform on the way to the bytes: a claim, a snapshot content, a driver's handle.

    `kind` is the platform's own word for it, `ready` None where it tells no such thing. `details` are label and value.
    """

    kind: str
    name: str
    ready: bool | None = None
    error: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """One object of a disk's chain.

    `place` is a path, a volume or a handle, and names the object within its site; `virtual` is the size that the
    guest sees, `used` what is really taken (of an internal snapshot: its memory), both in bytes. `snapshots` are the
    ids of those that need it, whether right there or through layers above it.

    `below` is the place of the layer that it reads through, "" at the end. `aside` marks one that "now" does not read
    through. `declared` is the format that the layer above names for it, None where that names none and it is probed.
    `users` are the names of other vms that need it. `hops` lead to it, `details` (label and value) tell more of it.
    """

    disk: str
    kind: LayerKind
    place: str
    format: str = ""
    virtual: int | None = None
    used: int | None = None
    snapshots: tuple[str, ...] = ()
    error: str = ""
    below: str = ""
    aside: bool = False
    declared: str | None = ""
    users: tuple[str, ...] = ()
    hops: tuple[Hop, ...] = ()
    details: tuple[tuple[str, str], ...] = ()
