"""Deleting and editing under a guest that runs: what goes is gone, what stays can be read, and refused is refused."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.lab import LabError
from tests.lab.libvirt.proofs import admin_at, file_system, layer_of, outside_view, ref, until
from vmsnap_tui.model.errors import Conflict
from vmsnap_tui.model.plan import After, Delete, Edit, LossKind, Restore, Scope, Take

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.libvirt.lab import Guest, Lab
    from tests.lab.libvirt.proofs import Admin
    from vmsnap_tui.model.plan import Request

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

QUIESCED = "external-quiesced"


@pytest.fixture(scope="module")
def running(lab: Lab) -> Guest:
    return lab.boot("pruned")


@pytest.fixture
async def guest(admin: Admin, running: Guest) -> Guest:
    """Running, with four frozen snapshots in a row, and nothing else."""
    for snapshot in (await admin.snapshots(running)).values():
        if snapshot.parent is None:
            await admin.do(Delete(snapshot.ref, Scope.TREE))
    for name in "abcd":
        await admin.take(running, name, QUIESCED)
        counted = running.ram_counter()
        await until(partial(_is_past, running, counted), "the guest to write")
    return running


def _is_past(guest: Guest, counted: int) -> bool:
    return guest.read_disk_counter() > counted


def counters(lab: Lab, guest: Guest, names: str) -> dict[str, int]:
    """What each snapshot holds, read from its layer, which has to be sound."""
    found = {name: file_system(lab, layer_of(guest, name)) for name in names}
    assert all(each.is_sound and not each.needs_recovery for each in found.values())
    return {name: each.counter for name, each in found.items()}


async def goes_on(guest: Guest, boot: str) -> None:
    counted = guest.read_disk_counter()
    await until(lambda: guest.read_disk_counter() > counted, "the guest to go on")
    assert guest.boot_id() == boot


@pytest.mark.parametrize(
    ("target", "scope", "gone"),
    [
        pytest.param("d", Scope.ONE, "d", id="leaf"),
        pytest.param("b", Scope.ONE, "b", id="middle"),
        pytest.param("b", Scope.CHILDREN, "cd", id="children"),
        pytest.param("b", Scope.TREE, "bcd", id="tree"),
    ],
)
async def test_what_stays_can_be_read(
    lab: Lab, admin: Admin, guest: Guest, target: str, scope: Scope, gone: str
) -> None:
    boot = guest.boot_id()
    left = "".join(name for name in "abcd" if name not in gone)
    before = counters(lab, guest, left)
    assert len(set(before.values())) == len(left)
    plan = await admin.do(Delete((await admin.snapshots(guest))[target].ref, scope))
    assert {loss.what for loss in plan.losses} == set(gone)
    tree = await admin.tree(guest)
    assert tree == dict(zip(left, [None, *left], strict=False))
    assert [name for name, snapshot in (await admin.snapshots(guest)).items() if snapshot.current] == [left[-1]]
    assert counters(lab, guest, left) == before
    await goes_on(guest, boot)
    # A layer that was merged is not left lying about.
    holdings = (await admin.engine.survey(ref(guest).site, [ref(guest)])).holdings
    used = {layer.place for layer in holdings[ref(guest)].layers}
    overlays = {str(path) for path in guest.folder.glob("vda.*") if path not in guest.disks}
    assert overlays <= used


async def test_the_record_alone(lab: Lab, admin: Admin) -> None:
    guest = lab.boot("forgetful")
    boot = guest.boot_id()
    for name in "abc":
        await admin.take(guest, name, QUIESCED)
    layers = [layer_of(guest, name) for name in "abc"]
    plan = await admin.do(Delete((await admin.snapshots(guest))["c"].ref, metadata_only=True))
    assert [(loss.kind, loss.what) for loss in plan.losses] == [(LossKind.RECORD, "c")]
    assert await admin.tree(guest) == {"a": None, "b": "a"}
    assert guest.lab.virsh("snapshot-list", guest.name, "--name").split() == ["a", "b"]
    assert all(layer.exists() for layer in layers)
    # Now libvirt's records leave a layer out, and it merges nothing next to that.
    known = await admin.snapshots(guest)
    assert "unknown-layer" in await refused(admin, guest, Delete(known["b"].ref))
    with pytest.raises(LabError, match="not the same"):  # or libvirt has learnt it, and the rule can go
        lab.virsh("snapshot-delete", guest.name, "b")
    await admin.do(Delete(known["a"].ref))
    assert await admin.tree(guest) == {"b": None}
    await goes_on(guest, boot)
    guest.remove()


async def test_described_and_renamed(lab: Lab, admin: Admin, guest: Guest) -> None:
    boot, before = guest.boot_id(), await admin.snapshots(guest)
    await admin.do(Edit(before["c"].ref, description="one & <two>\nthree"))
    await admin.do(Edit(before["d"].ref, name="last [good] one"))
    await admin.do(Edit(before["b"].ref, name="second", description="renamed too"))
    after = await admin.snapshots(guest)
    assert {name: snapshot.parent for name, snapshot in after.items()} == {
        "a": None,
        "second": "a",
        "c": "second",
        "last [good] one": "c",
    }
    assert after["c"].description == "one & <two>\nthree"
    assert after["second"].description == "renamed too"
    assert after["last [good] one"].current
    assert {snapshot.consistency for snapshot in after.values()} == {before["a"].consistency}
    assert lab.virsh("snapshot-current", guest.name, "--name").strip() == "last [good] one"
    # libvirt still knows what belongs to them: it deletes them as before.
    await admin.do(Delete(after["second"].ref))
    await admin.do(Delete(after["last [good] one"].ref))
    assert await admin.tree(guest) == {"a": None, "c": "a"}
    await goes_on(guest, boot)


async def refused(admin: Admin, guest: Guest, request: Request) -> set[str]:
    """Why it is; the world is as before, also when it is asked for all the same."""
    before = outside_view(guest)
    plan = await admin.engine.plan(request)
    with pytest.raises(Conflict):
        await admin.engine.jobs.submit(plan)
    assert not any(job.plan.request == request for job in admin.engine.jobs.all())
    assert outside_view(guest) == before
    return {refusal.code for refusal in plan.refusals}


async def test_what_libvirt_cannot_merge_is_refused(lab: Lab, admin: Admin) -> None:
    guest = lab.define("branched")
    for name in "abc":
        await admin.take(guest, name, "external")
    await admin.do(Restore((await admin.snapshots(guest))["a"].ref))
    await admin.take(guest, "e", "external")
    known = await admin.snapshots(guest)
    assert await refused(admin, guest, Delete(known["b"].ref)) == {"outside-chain"}
    assert "several-children" in await refused(admin, guest, Delete(known["a"].ref))
    with pytest.raises(LabError, match="not supported"):  # or libvirt has learnt it, and the rule can go
        lab.virsh("snapshot-delete", guest.name, "b")
    # The way that the refusal names is open.
    await admin.do(Delete(known["b"].ref, Scope.TREE))
    assert await admin.tree(guest) == {"a": None, "e": "a"}
    guest.remove()


async def test_what_libvirt_dies_of_is_refused(lab: Lab, admin: Admin, tmp_path: Path) -> None:
    guest = lab.define("forked")
    for name in "abc":
        await admin.take(guest, name, "external")
    await admin.do(Restore((await admin.snapshots(guest))["b"].ref))
    await admin.take(guest, "e", "external")
    known = await admin.snapshots(guest)
    assert await refused(admin, guest, Delete(known["a"].ref)) == {"fatal-fork"}
    with pytest.raises(LabError, match="End of file"):  # or libvirt has learnt it, and the rule can go
        lab.virsh("snapshot-delete", guest.name, "a")
    lab.start_daemon()
    # What the refusal names is open, and then the merge is.
    async with admin_at(lab, tmp_path / "again") as again:
        await again.do(Delete(known["c"].ref))
        await again.do(Delete(known["a"].ref))
        assert await again.tree(guest) == {"b": None, "e": "b"}
    lab.tool("qemu-img", "check", "-U", lab.virsh("domblklist", guest.name).split()[-1])
    guest.remove()


async def test_another_branch_reads_on_through_a_merged_layer(lab: Lab, admin: Admin) -> None:
    """Taken of a guest that runs, libvirt puts the other branches right."""
    guest = lab.define("forked-running")
    for name in "abc":
        write(lab, guest, name)
        guest.start()
        await admin.take(guest, name, "external")
        guest.destroy()
    held = {name: reads(lab, guest, name) for name in "abc"}
    assert len(set(held.values())) == 3
    await admin.do(Restore((await admin.snapshots(guest))["b"].ref, After.OFF))
    await admin.take(guest, "e", "external")
    await admin.do(Delete((await admin.snapshots(guest))["a"].ref))
    assert await admin.tree(guest) == {"b": None, "c": "b", "e": "b"}
    assert {name: reads(lab, guest, name) for name in "bc"} == {name: held[name] for name in "bc"}
    guest.remove()


FAR = 30 << 20  # bytes into the disk, where the guest writes nothing


def write(lab: Lab, guest: Guest, letter: str) -> None:
    """Put something onto the disk of a guest that is off."""
    top = lab.virsh("domblklist", guest.name).split()[-1]
    lab.tool("qemu-io", "-f", "qcow2", "-c", f"write -P {ord(letter)} {FAR} 64k", top)


def reads(lab: Lab, guest: Guest, name: str) -> str:
    """What a snapshot holds there."""
    xml = ET.fromstring(lab.virsh("snapshot-dumpxml", guest.name, name))
    source = xml.find("domain/devices/disk/source")
    assert source is not None
    return lab.tool("qemu-io", "-U", "-r", "-f", "qcow2", "-c", f"read -v {FAR} 16", source.get("file", "")).split()[1]


async def test_a_mixed_tree_is_left_alone(lab: Lab, admin: Admin) -> None:
    guest = lab.boot("mixed")
    lab.virsh("snapshot-create-as", guest.name, "inside")
    lab.virsh("snapshot-create-as", guest.name, "outside", "--disk-only")
    known = await admin.snapshots(guest)
    for name in known:
        assert "mixed-tree" in await refused(admin, guest, Restore(known[name].ref))
    assert "mixed-tree" in await refused(admin, guest, Delete(known["outside"].ref))
    assert "mixed-tree" in await refused(admin, guest, Take(ref(guest), "more", method="internal"))
    guest.remove()
