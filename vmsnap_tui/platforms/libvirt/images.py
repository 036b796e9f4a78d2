"""What image files say of themselves, read from their first bytes where the host's files are this machine's.

For qcow2 that is its header, header extensions and snapshot table (QEMU's docs/interop/qcow2.rst); other formats are
known by their first bytes alone. Reading needs no lock, so that images in use can be read: what is read here changes
only when a snapshot or a block job ends.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = 4096  # bytes that hold header, extensions and the backing file's name of nearly every qcow2
_LONGEST_NAME = 1023  # of a backing file, by the format
_MOST_SNAPSHOTS = 65536  # by the format
_LARGEST_TABLE = 64 << 20  # bytes of the snapshot table, by QEMU
_QCOW2 = b"QFI\xfb"
MEMORY = "memory"
"""The format of a file that libvirt saved memory to."""
_MAGIC = (
    (_QCOW2, "qcow2"),
    (b"KDMV", "vmdk"),
    (b"vhdxfile", "vhdx"),
    (b"conectix", "vpc"),
    (b"QED\0", "qed"),
    (b"LUKS\xba\xbe", "luks"),
    (b"LibvirtQemudSave", MEMORY),
    (b"LibvirtQemudPart", MEMORY),
)
_BACKING_FORMAT, _DATA_FILE = 0xE2792ACA, 0x44415441
_CORRUPT, _EXTERNAL_DATA = 2, 4


class Inside(NamedTuple):
    """A snapshot inside an image. `memory` in bytes."""

    id: str
    name: str
    memory: int
    taken: int  # seconds since the epoch


class Image(NamedTuple):
    """An image file. Sizes in bytes; `virtual` None where only the format's own tools know it.

    `backing` is the name as it stands in the file, `backing_format` None where a backing file is named without one;
    `below` is the path of that file, "" where it is no plain file. `identity` (device and inode) is the same for all
    names of the image.
    """

    path: str
    format: str
    used: int
    identity: tuple[int, int]
    virtual: int | None = None
    backing: str = ""
    backing_format: str | None = ""
    data: str = ""
    inside: tuple[Inside, ...] = ()
    corrupt: bool = False
    below: str = ""

    @property
    def data_file(self) -> str:
        """The path of the file that holds the data, where that is another one."""
        return _resolved(self.path, self.data)

    @property
    def is_odd(self) -> bool:
        """Whether it stands on something that is no plain file, which only QEMU can follow."""
        return bool(self.backing and not self.below)


def read(path: str) -> Image:
    """What the file says. Its content decides on the format: "raw" where nothing is recognized. Raises OSError.

    Damaged headers raise OSError too, with what is wrong.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a fifo must not hold anybody up
    try:
        stat = os.fstat(fd)
        identity, used = (stat.st_dev, stat.st_ino), stat.st_blocks * 512
        head = os.pread(fd, _HEAD, 0)
        form = next((name for magic, name in _MAGIC if head.startswith(magic)), "raw")
        if form != "qcow2":
            size = stat.st_size or os.lseek(fd, 0, os.SEEK_END)  # a block device has no size of its own
            return Image(path, form, used or (size if not stat.st_size else 0), identity, _virtual(form, size))
        try:
            return _qcow2(fd, head, Image(path, form, used, identity))
        except (struct.error, UnicodeDecodeError, ValueError) as error:
            raise OSError(f"its qcow2 header is damaged ({error})") from error
    finally:
        os.close(fd)


def _virtual(form: str, size: int) -> int | None:
    return size if form == "raw" else None


def _qcow2(fd: int, head: bytes, image: Image) -> Image:
    version, backing_at, backing_size, _bits, virtual = struct.unpack_from(">IQIIQ", head, 4)
    snapshots, table_at = struct.unpack_from(">IQ", head, 60)
    flags, length = 0, 72
    if version >= 3:
        (flags,) = struct.unpack_from(">Q", head, 72)
        (length,) = struct.unpack_from(">I", head, 100)
    if backing_size > _LONGEST_NAME:
        raise ValueError(f"the name of its backing file has {backing_size} bytes")
    backing = ""
    if backing_at:
        name = _bytes(fd, head, backing_at, backing_size)
        backing = name.decode(errors="surrogateescape")
    extensions = dict(_extensions(_bytes(fd, head, 0, min(backing_at or (1 << 16), 1 << 16)), length))
    backing_format = extensions.get(_BACKING_FORMAT, b"").decode() or None
    data = extensions.get(_DATA_FILE, b"").decode(errors="surrogateescape") if flags & _EXTERNAL_DATA else ""
    return image._replace(
        virtual=virtual,
        backing=backing,
        below=_resolved(image.path, backing),
        backing_format=backing_format if backing else "",
        data=data,
        inside=tuple(_inside(fd, snapshots, table_at)),
        corrupt=bool(flags & _CORRUPT),
    )


def _bytes(fd: int, head: bytes, at: int, count: int) -> bytes:
    """From what was read already, where it has all of them."""
    return head[at : at + count] if at + count <= len(head) else os.pread(fd, count, at)


def _extensions(block: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 8 <= len(block):
        kind, length = struct.unpack_from(">II", block, at)
        if kind == 0:
            return
        if at + 8 + length > len(block):
            raise ValueError("a header extension is longer than the header")
        yield kind, block[at + 8 : at + 8 + length]
        at += 8 + (length + 7) // 8 * 8


def _inside(fd: int, count: int, at: int) -> Iterator[Inside]:
    if count > _MOST_SNAPSHOTS:
        raise ValueError(f"it says that it holds {count} snapshots")
    end = at + _LARGEST_TABLE
    for _ in range(count):
        head = os.pread(fd, 40, at)
        id_size, name_size, seconds, _nanos, _clock, memory, extra = struct.unpack_from(">HHIIQII", head, 12)
        tail = os.pread(fd, extra + id_size + name_size, at + 40)
        if len(tail) < extra + id_size + name_size or at > end:
            raise ValueError("its snapshot table is cut off")
        if extra >= 8:
            (memory,) = struct.unpack_from(">Q", tail)
        id_, name = tail[extra : extra + id_size], tail[extra + id_size :]
        yield Inside(id_.decode(errors="replace"), name.decode(errors="replace"), memory, seconds)
        at += (40 + len(tail) + 7) // 8 * 8


def _resolved(path: str, name: str) -> str:
    """A name in an image as QEMU takes it: relative ones stand beside the image."""
    name = name.removeprefix("file:")
    if not name or name.startswith(("json:", "fat:")):
        return ""
    if name.startswith("/") and ":" not in name:
        return name
    scheme, colon, rest = name.partition(":")
    if colon and "/" not in scheme and (rest.startswith("//") or scheme in {"nbd", "rbd", "ssh", "iscsi", "nfs"}):
        return ""
    return name if name.startswith("/") else str(Path(path).parent / name)


class Images:
    """Reads each file once, as long as this object lives."""

    def __init__(self) -> None:
        self._read: dict[str, Image | OSError] = {}

    def get(self, path: str) -> Image:
        """The image at this path. Raises OSError."""
        found = self._read.get(path)
        if found is None:
            try:
                found = read(path)
            except OSError as error:
                found = error
            self._read[path] = found
        if isinstance(found, OSError):
            raise found
        return found

    def known(self, path: str) -> Image | None:
        """The same, if it was read already."""
        found = self._read.get(path)
        return found if isinstance(found, Image) else None

    def find(self, path: str) -> Image | None:
        """The image at this path, None where it cannot be read."""
        try:
            return self.get(path)
        except OSError:
            return None
