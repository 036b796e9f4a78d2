"""Rules that several actions share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Refusal
from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

_FILE_NAME_LIMIT = 255  # bytes, on the file systems that libvirt keeps its records and overlays on
_ID_DIGITS = 6


def quoted(names: Iterable[str]) -> str:
    """Names for a sentence, safe to show: a request may ask for any."""
    return ", ".join(f"“{clean(name)}”" for name in names)


def size(count: int) -> str:
    """Bytes for a sentence."""
    import humanize

    return humanize.naturalsize(count, binary=True)


def not_now(facts: LibvirtFacts) -> Iterator[Refusal]:
    """What stands against any change at all."""
    if facts.read_only:
        yield Refusal("read-only", "the site is open for reading only", "open it without read_only")
    if facts.busy:
        yield Refusal(
            "busy", f"something else is at work on this vm: {facts.busy}", "wait until it is done, or cancel it"
        )


def not_with_data(facts: LibvirtFacts) -> Iterator[Refusal]:
    """What stands against changing what the disks read through."""
    if facts.vm.saved:
        # The saved memory would wake up on disks that are not those that it was saved with.
        yield Refusal(
            "managed-save",
            "the memory of this vm lies in a managed save; changing the disks below it would corrupt them",
            "start the vm, or discard the saved memory (virsh managedsave-remove), then try again",
        )
    if not facts.vm.persistent:
        # Tried: when a transient domain stops, libvirt drops the records, and the data stays in the files.
        yield Refusal(
            "transient",
            "the vm is transient: libvirt forgets its snapshots when it stops, and their data stays in the files",
            "make it persistent first (virsh define)",
        )


def is_external(snapshot: Snapshot) -> bool:
    """Whether libvirt treats it as external."""
    return snapshot.kind in {SnapshotKind.EXTERNAL, SnapshotKind.MIXED}


def taken_at(snapshot: Snapshot) -> int:
    """What tells it from another one of its name: when it was taken, in the whole epoch seconds that libvirt keeps."""
    return int(snapshot.created.timestamp())


def looks_like_id(name: str) -> bool:
    """Whether qemu-img may take the name for the number of another internal snapshot.

    Tried: restoring the internal snapshot named "2" of a vm that is off brings back the second one taken.
    libvirt's own names are epoch seconds, far above any number that qcow2 gives.
    """
    return name.isascii() and name.isdigit() and len(name) <= _ID_DIGITS


def bad_name(name: str, facts: LibvirtFacts, *, internal: bool) -> Iterator[Refusal]:
    """Why a snapshot cannot be called that. libvirt keeps its record in a file of that name."""
    instead = "choose another name"
    if not name.strip():
        yield Refusal("name-empty", "a snapshot needs a name", instead)
        return
    if facts.snapshot(name) is not None:
        yield Refusal("name-taken", f"there is a snapshot {quoted([name])} already", instead)
    if "/" in name or name.startswith("."):
        yield Refusal("name-invalid", "libvirt takes no name with a “/” or with a “.” at its start", instead)
    elif not name.isprintable() or name != name.strip():
        yield Refusal("name-invalid", "control characters and spaces at the ends make a name unusable", instead)
    if len(f"{name}.xml".encode(errors="replace")) > _FILE_NAME_LIMIT:
        yield Refusal("name-too-long", "the name does not fit into a file name", instead)
    if internal and looks_like_id(name):
        yield Refusal(
            "name-like-id",
            "inside an image file snapshots have numbers too, and QEMU could restore another one by this name",
            "put a letter into the name",
        )


def too_long(path: str) -> bool:
    """Whether the last part of a path is longer than a file name may be."""
    return len(path.rpartition("/")[2].encode(errors="replace")) > _FILE_NAME_LIMIT


def unknown_snapshot(snapshot_id: str) -> Refusal:
    """The refusal for a snapshot that is not there."""
    return Refusal("no-snapshot", f"there is no snapshot {quoted([snapshot_id])} (any more)", "refresh")


def too_old(facts: LibvirtFacts, what: str) -> Refusal:
    """The refusal where only newer libvirt handles external snapshots."""
    version = facts.host.libvirt
    shown = f"{version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}"
    if facts.host.driver != "QEMU":
        return Refusal("driver", f"the {facts.host.driver} driver {what} no external snapshots")
    return Refusal(
        "libvirt-too-old",
        f"libvirt {shown} {what} no external snapshots: that came with 9.9",
        "upgrade libvirt on the host; until then its files can be handled by hand alone",
    )
