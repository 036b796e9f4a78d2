"""What image files say of themselves: headers made here by the format's own description."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.platforms.libvirt.images import Images, Inside, read
from vmsnap_tui.platforms.libvirt.links import Link, here

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 1 << 30
_BACKING_FORMAT, _DATA_FILE = 0xE2792ACA, 0x44415441
_TABLE = 8192


def qcow2(
    path: Path,
    backing: str = "",
    form: str = "",
    *,
    version: int = 3,
    flags: int = 0,
    data: str = "",
    inside: tuple[Inside, ...] = (),
) -> Path:
    """A header, its extensions, the backing file's name and a snapshot table, with no data behind them."""
    extensions = b""
    for kind, text in ((_BACKING_FORMAT, form), (_DATA_FILE, data)):
        if text:
            extensions += struct.pack(">II", kind, len(text)) + text.encode().ljust((len(text) + 7) // 8 * 8, b"\0")
    extensions += bytes(8)
    length = 104 if version >= 3 else 72
    name_at = length + len(extensions) if backing else 0
    head = b"QFI\xfb" + struct.pack(">IQIIQ", version, name_at, len(backing.encode()), 16, SIZE)
    head += bytes(28) + struct.pack(">IQ", len(inside), _TABLE if inside else 0)
    if version >= 3:
        head += struct.pack(">QQQII", flags, 0, 0, 4, length)
    assert len(head) == length
    table = b""
    for each in inside:
        names = each.id.encode() + each.name.encode()
        entry = struct.pack(">QIHHIIQII", 0, 1, len(each.id), len(each.name.encode()), each.taken, 0, 0, 0, 16)
        entry += struct.pack(">QQ", each.memory, SIZE) + names
        table += entry.ljust((len(entry) + 7) // 8 * 8, b"\0")
    path.write_bytes((head + extensions + backing.encode()).ljust(_TABLE, b"\0") + table)
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_size_and_what_it_stands_on(tmp_path: Path, version: int) -> None:
    image = read(str(qcow2(tmp_path / "top", "base.img", "raw", version=version)))
    assert (image.format, image.virtual, image.below) == ("qcow2", SIZE, str(tmp_path / "base.img"))
    assert image.backing_format == "raw"
    assert image.used > 0


def test_a_backing_file_without_a_format_is_told_from_none_at_all(tmp_path: Path) -> None:
    assert read(str(qcow2(tmp_path / "top", "/vm/base"))).backing_format is None
    alone = read(str(qcow2(tmp_path / "alone")))
    assert (alone.backing_format, alone.below) == ("", "")


def test_snapshots_inside_and_flags(tmp_path: Path) -> None:
    inside = (Inside("1", "before", 5 << 30, 1_700_000_000), Inside("2", "nächstes", 0, 1_700_000_001))
    image = read(str(qcow2(tmp_path / "a", inside=inside, flags=2)))
    assert image.inside == inside
    assert image.corrupt
    outside = read(str(qcow2(tmp_path / "b", data="b.raw", flags=4)))
    assert outside.data_file == str(tmp_path / "b.raw")


@pytest.mark.parametrize(
    ("name", "below"),
    [
        ("base", "{}/base"),
        ("sub/base", "{}/sub/base"),
        ("/vm/base", "/vm/base"),
        ("file:/vm/base", "/vm/base"),
        ("/vm/with:colon", "/vm/with:colon"),
        ('json:{"driver":"raw"}', ""),
        ("nbd://host/disk", ""),
        ("rbd:pool/disk", ""),
        ("https://host/base.img", ""),
    ],
)
def test_names_of_backing_files(tmp_path: Path, name: str, below: str) -> None:
    image = read(str(qcow2(tmp_path / "top", name, "raw")))
    assert image.below == below.format(tmp_path)
    assert image.is_odd is not bool(below)


@pytest.mark.parametrize(
    ("head", "form"), [(b"", "raw"), (b"\0" * 512, "raw"), (b"KDMV", "vmdk"), (b"LibvirtQemudSave", "memory")]
)
def test_other_formats_are_known_by_their_first_bytes(tmp_path: Path, head: bytes, form: str) -> None:
    (tmp_path / "x").write_bytes(head)
    assert read(str(tmp_path / "x")).format == form


@pytest.mark.parametrize("cut", [5, 40, 90, _TABLE + 3])
def test_a_header_that_is_damaged_is_an_error_and_no_crash(tmp_path: Path, cut: int) -> None:
    whole = qcow2(tmp_path / "x", inside=(Inside("1", "a", 1, 1),)).read_bytes()
    (tmp_path / "x").write_bytes(whole[:cut])
    with pytest.raises(OSError, match="damaged"):
        read(str(tmp_path / "x"))


def test_a_fifo_holds_nobody_up(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "x")
    with pytest.raises(OSError):  # noqa: PT011 - its words differ from system to system
        read(str(tmp_path / "x"))


# Chains of them


def places(images: list[Link]) -> list[tuple[str, str, str | None]]:
    return [(link.place.rpartition("/")[2], link.format, link.declared) for link in images]


def test_a_chain_is_followed_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "base").write_bytes(bytes(4096))
    qcow2(tmp_path / "middle", "base", "raw")
    top = qcow2(tmp_path / "top", "middle")
    found = here(Images(), Link(str(top), "qcow2"))
    assert places(found) == [("top", "qcow2", ""), ("middle", "qcow2", None), ("base", "raw", "raw")]


def test_a_wrong_word_for_a_format_is_kept_beside_the_right_one(tmp_path: Path) -> None:
    qcow2(tmp_path / "base")
    top = qcow2(tmp_path / "top", "base", "raw")
    assert places(here(Images(), Link(str(top), "qcow2")))[1] == ("base", "qcow2", "raw")


def test_a_raw_disk_is_raw_whatever_its_guest_writes(tmp_path: Path) -> None:
    top = qcow2(tmp_path / "top", "/etc/shadow", "raw")
    assert places(here(Images(), Link(str(top), "raw"))) == [("top", "raw", "")]


def test_circles_end_and_what_is_gone_is_said_to_be(tmp_path: Path) -> None:
    qcow2(tmp_path / "a", "b", "qcow2")
    qcow2(tmp_path / "b", "a", "qcow2")
    assert [link.place.rpartition("/")[2] for link in here(Images(), Link(str(tmp_path / "a"), "qcow2"))] == ["a", "b"]
    top = qcow2(tmp_path / "top", "gone", "qcow2")
    assert here(Images(), Link(str(top), "qcow2"))[-1].error == "the file is not there"
