"""The layers of a disk, and which snapshots need them."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.unit.libvirt.domain_xml import RUNNING
from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.snapshot import SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.libvirt import chain, links
from vmsnap_tui.platforms.libvirt.images import Images
from vmsnap_tui.platforms.libvirt.links import Link
from vmsnap_tui.platforms.libvirt.xml import parse

if TYPE_CHECKING:
    from pathlib import Path

TOP, MIDDLE, BASE = "/srv/vm/db01.snap2", "/srv/vm/db01.qcow2", "/srv/vm/golden.img"


def taken(name: str, kind: SnapshotKind, minute: int) -> Snapshot:
    return Snapshot(
        SnapRef(VmRef("here", "1"), name),
        name,
        datetime(2026, 1, 1, 0, minute, tzinfo=UTC),
        disks=(SnapshotDisk("vda", kind),),
    )


class _Elsewhere(chain.Host):
    """A host whose files are not this machine's, and whose pools know nothing but where a branch stands."""

    def at_rest(self, top: Link) -> list[Link]:
        return [top, Link(BASE, "raw")]


def test_a_running_chain_is_read_from_the_xml() -> None:
    disk = parse(RUNNING).find("devices/disk")
    assert disk is not None
    found = list(links.live(disk, "vda", {("vda", MIDDLE): (100, 60)}))
    assert found == [Link(TOP, "qcow2"), Link(MIDDLE, "qcow2", 100, 60), Link(BASE, "raw")]


def test_a_snapshot_needs_the_file_it_was_taken_on_and_all_below() -> None:
    now = [Link(TOP, "qcow2"), Link(MIDDLE, "qcow2"), Link(BASE, "raw")]
    snapshots = [
        taken("elsewhere", SnapshotKind.EXTERNAL, 4),
        taken("over", SnapshotKind.EXTERNAL, 3),
        taken("later", SnapshotKind.INTERNAL, 2),
        taken("inside", SnapshotKind.INTERNAL, 1),
    ]
    places = {"elsewhere": "/srv/vm/branch", "over": MIDDLE, "later": MIDDLE, "inside": MIDDLE}
    where = [chain.Taken(each.id, Link(places[each.id], "qcow2")) for each in snapshots]
    assert list(chain._of_disk("vda", now, where, snapshots, _Elsewhere(None))) == [
        Layer("vda", LayerKind.ACTIVE, TOP, "qcow2", below=MIDDLE),
        Layer("vda", LayerKind.OVERLAY, MIDDLE, "qcow2", snapshots=("over", "later", "inside"), below=BASE),
        Layer("vda", LayerKind.INTERNAL, f"{MIDDLE}@later", "qcow2", snapshots=("later",), below=MIDDLE),
        Layer("vda", LayerKind.INTERNAL, f"{MIDDLE}@inside", "qcow2", snapshots=("inside",), below=MIDDLE),
        Layer("vda", LayerKind.BASE, BASE, "raw", snapshots=("elsewhere", "over", "later", "inside")),
        Layer("vda", LayerKind.OVERLAY, "/srv/vm/branch", "qcow2", snapshots=("elsewhere",), below=BASE, aside=True),
    ]


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    host = chain.Host(None, Images())
    found = host.at_rest(Link(str(tmp_path / "gone.qcow2"), "qcow2"))
    layers = list(chain._of_disk("vda", found, [], [], host))
    assert [(layer.kind, layer.error) for layer in layers] == [(LayerKind.MISSING, "the file is not there")]


@pytest.fixture
def qemu_img(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name, to be given what it prints."""
    program = tmp_path / "qemu-img"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return program


def prints(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_a_chain_at_rest_is_read_by_qemu_img(qemu_img: Path) -> None:
    answer = [
        {"filename": TOP, "format": "qcow2", "virtual-size": 100, "actual-size": 10},
        {"filename": BASE, "format": "raw", "virtual-size": 100},
    ]
    prints(qemu_img, json.dumps(answer))
    assert links._by_qemu_img(Link(TOP, "qcow2")) == [
        Link(TOP, "qcow2", 100, 10),
        Link(BASE, "raw", 100),
    ]


@pytest.mark.parametrize("answer", ["", "not json", "[{}]", "{}", "[1]"])
def test_a_qemu_img_that_makes_no_sense_tells_nothing(qemu_img: Path, answer: str) -> None:
    prints(qemu_img, answer)
    assert not links._by_qemu_img(Link(TOP))
