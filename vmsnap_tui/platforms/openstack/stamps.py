"""What vmsnap itself keeps in the cloud, so that every admin sees the same tree: in an image's properties, and in the
metadata of volume snapshots, volumes and servers. Metadata values hold 255 characters.

Nova copies the properties of the image that a server was made from to every image that is taken of it. So the stamp
of an image counts only where it names that very image: by its id, or by a token until that is known and can be written.
It cannot before the image is finished: Glance writes an image as a whole, and an upload ends with what it began with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from vmsnap_tui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ID, LINE, GROUP, PARTS, STATE, NOTE, PROTECTED, BASELINE = (
    f"vmsnap_{key}" for key in ("id", "line", "group", "parts", "state", "note", "protected", "baseline")
)
VM, DISK = "vmsnap_vm", "vmsnap_disk"
"""On a volume that was swapped out: whose it was, and as which disk."""
NOW, SINCE = "vmsnap_now", "vmsnap_since"
"""On a server: the snapshot that it goes on from and those above, nearest first; since when, and on which image."""
TOGETHER = "vmsnap_together"
"""On every part of a snapshot: the group snapshot of several vms that it is a part of (`model.together.Group`)."""
FROM = "vmsnap_from"
"""On a server that was launched from a snapshot: the server that this was taken of, and the snapshot."""
_OURS = UUID("6f0d3f7e-6a1e-5d0c-9a52-0d6f1f7c1b11")
REACH = 6
"""How many ids fit into a line: with them a tree heals when somebody deletes one in the middle."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is noted with one part of a snapshot. `line` are the ids above it, nearest first."""

    line: tuple[str, ...] = ()
    group: str = ""
    parts: int = 1
    state: VmState = VmState.UNKNOWN

    def written(self) -> dict[str, str]:
        """As metadata."""
        pairs = {LINE: ",".join(self.line[:REACH]) or "-", PARTS: str(self.parts), STATE: self.state.value}
        return pairs | ({GROUP: self.group} if self.group else {})


@dataclass(frozen=True, slots=True)
class Here:
    """What is noted with a server."""

    line: tuple[str, ...]
    since: datetime
    image: str

    def written(self) -> dict[str, str]:
        """As metadata."""
        at = self.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {NOW: ",".join(self.line[:REACH]) or "-", SINCE: f"{at} {self.image}".strip()}


def described(text: str) -> tuple[str, dict[str, str]]:
    """A volume snapshot's description, and the metadata beside it: Cinder takes only one plain line for the former."""
    plain = text.isprintable() and all(ord(char) < 0xFFFF for char in text)
    return (text, {NOTE: ""}) if plain else ("", {NOTE: text})


def stamp_of(pairs: Mapping[str, Any]) -> Stamp | None:
    """The stamp in metadata, None where there is none."""
    line = pairs.get(LINE)
    if not isinstance(line, str):
        return None
    try:
        state = VmState(pairs.get(STATE))
    except ValueError:
        state = VmState.UNKNOWN
    parts = str(pairs.get(PARTS, "1"))
    return Stamp(
        _ids(line),
        str(pairs.get(GROUP) or ""),
        int(parts) if parts.isdigit() else 1,
        state,
    )


def image_stamp(image: Mapping[str, Any]) -> Stamp | None:
    """The stamp of an image, if it is its own and not inherited."""
    return stamp_of(image) if is_own(image) else None


def is_own(image: Mapping[str, Any]) -> bool:
    """Whether what is noted with an image is its own."""
    return image.get(ID) in {image["id"], token(str(image.get("instance_uuid")), str(image.get("name")))}


def token(server_id: str, name: str) -> str:
    """What names a snapshot before it is there: the same for the same plan, since a name is taken once at a time."""
    return str(uuid5(_OURS, f"{server_id}/{name}"))


def here_of(server: Mapping[str, Any]) -> Here | None:
    """The note of a server."""
    metadata = server.get("metadata") or {}
    at, _, image = str(metadata.get(SINCE, "")).partition(" ")
    try:
        since = datetime.fromisoformat(at)
    except ValueError:
        return None
    return Here(_ids(str(metadata.get(NOW, ""))), since if since.tzinfo else since.replace(tzinfo=UTC), image)


def _ids(text: str) -> tuple[str, ...]:
    ids: Sequence[str] = [part.strip() for part in text.split(",")]
    return tuple(part for part in ids if part and part != "-")
