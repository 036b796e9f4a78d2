"""What holds the data, what is wrong with it, and putting it right while the guest writes. Held against qemu-img."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.image import tool_command
from tests.lab.libvirt.proofs import PATIENCE, file_system, lab_site, layer_of, ref, run_elsewhere, until
from vmsnap_tui.engine.compare import compare
from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.model.advice import AGENT
from vmsnap_tui.model.compare import Change, Fate
from vmsnap_tui.model.errors import Cancelled, Unreachable
from vmsnap_tui.model.layer import FILES, LayerKind
from vmsnap_tui.model.plan import Delete, Discard, EndJob, JobEnd, Merge, MergeHow, Restore, Take
from vmsnap_tui.model.survey import Severity
from vmsnap_tui.platforms.libvirt.platform import LibvirtPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.libvirt.lab import Guest, Lab
    from tests.lab.libvirt.proofs import Admin
    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import Request
    from vmsnap_tui.model.survey import Finding, Survey

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

EXTERNAL = "external"
_BACKING_FORMAT, _NOBODYS = b"\xe2\x79\x2a\xca", b"\x12\x34\x56\x78"  # header extensions of qcow2


@pytest.fixture(params=["qcow2", "raw"])
def guest(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Guest]:
    """One that counts on its disk, on a base of either format."""
    made = lab.boot("layered", disk_format=request.param)
    yield made
    made.destroy()


async def survey(admin: Admin, guest: Guest) -> Survey:
    return await admin.engine.survey(ref(guest).site, [ref(guest)])


async def layers(admin: Admin, guest: Guest) -> list[Layer]:
    return list((await survey(admin, guest)).holdings[ref(guest)].layers)


async def found(admin: Admin, guest: Guest) -> list[Finding]:
    """What a look at the whole site says of this guest."""
    return [each for each in (await admin.engine.survey(ref(guest).site)).findings if each.vm == ref(guest)]


def backing_chain(lab: Lab, top: str) -> list[tuple[str, str, int, int]]:
    """Place, format, virtual and used size of each layer, says qemu-img."""
    said = json.loads(lab.tool("qemu-img", "info", "-U", "--backing-chain", "--output=json", top))
    return [(each["filename"], each["format"], each["virtual-size"], each["actual-size"]) for each in said]


def as_qemu_img(chain: list[Layer]) -> list[tuple[str, str, int | None, int | None]]:
    return [(each.place, each.format, each.virtual, each.used) for each in chain if each.kind in FILES]


def held_open(guest: Guest) -> set[str]:
    """The files of the guest's folder that its QEMU has open, for this machine's eyes."""
    pid = next(
        int(each.name)
        for each in Path("/proc").iterdir()
        if each.name.isdigit() and f"guest={guest.name}," in _command_line(each)
    )
    links = [path.readlink() for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    return {str(guest.folder / link.name) for link in links if link.parent.name == guest.folder.name}


def files_of(guest: Guest) -> set[str]:
    return {str(path) for path in guest.folder.iterdir()}


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text(errors="replace")
    except OSError:
        return ""


async def counts_on(guest: Guest, boot: str, counted: int) -> None:
    """It is the same boot, and what was on the disk before is there and more."""
    assert guest.boot_id() == boot
    await until(lambda: guest.read_disk_counter() > counted, "the guest to go on")


async def take_in_a_row(admin: Admin, guest: Guest, names: str) -> None:
    for name in names:
        counted = guest.ram_counter()
        await admin.take(guest, name, EXTERNAL)
        await until(partial(lambda least: guest.ram_counter() > least, counted), "the guest to write")


async def test_commit_pull_flatten_and_copy_while_the_guest_writes(lab: Lab, admin: Admin, guest: Guest) -> None:
    vm, boot = ref(guest), guest.boot_id()
    await take_in_a_row(admin, guest, "abcd")
    before = await layers(admin, guest)
    assert [each.kind for each in before] == [LayerKind.ACTIVE, *[LayerKind.OVERLAY] * 3, LayerKind.BASE]
    # The guest writes on: of the newest layer the size has moved since.
    assert as_qemu_img(before)[1:] == backing_chain(lab, before[0].place)[1:]
    kept = {name: file_system(lab, layer_of(guest, name)).counter for name in "ab"}

    counted = guest.read_disk_counter()
    plan = await admin.do(Merge(vm, "vda", MergeHow.COMMIT, top=before[1].place, base=before[2].place))
    assert {loss.what for loss in plan.losses} == {"c", "d"}
    assert set(await admin.snapshots(guest)) == {"a", "b"}
    assert before[1].place not in files_of(guest)
    await counts_on(guest, boot, counted)

    counted = guest.read_disk_counter()
    await admin.do(Merge(vm, "vda", MergeHow.PULL, base=before[3].place))
    assert before[2].place not in files_of(guest)
    assert as_qemu_img(await layers(admin, guest))[1:] == backing_chain(lab, before[0].place)[1:]
    await counts_on(guest, boot, counted)

    counted = guest.read_disk_counter()
    plan = await admin.do(Merge(vm, "vda", MergeHow.FLATTEN))
    assert not plan.losses
    now = [each for each in await layers(admin, guest) if not each.aside]
    assert [each.place for each in now] == [before[0].place]
    await counts_on(guest, boot, counted)
    # What the snapshots hold lies beside it, and is as it was.
    assert {name: file_system(lab, layer_of(guest, name)).counter for name in "ab"} == kept

    counted = guest.read_disk_counter()
    copy = str(guest.folder / "copy.qcow2")
    await admin.do(Merge(vm, "vda", MergeHow.COPY, place=copy, format="qcow2"))
    assert [each.place for each in await layers(admin, guest) if not each.aside] == [copy]
    await counts_on(guest, boot, counted)
    assert [each for each in await found(admin, guest) if each.severity is not Severity.NOTE] == []


async def test_everything_down_into_the_base(lab: Lab, admin: Admin, guest: Guest) -> None:
    boot = guest.boot_id()
    await take_in_a_row(admin, guest, "ab")
    counted = guest.read_disk_counter()
    plan = await admin.do(Merge(ref(guest), "vda", MergeHow.COMMIT))
    assert {loss.what for loss in plan.losses} == {"a", "b"}
    assert [each.place for each in await layers(admin, guest)] == [str(guest.disks[0])]
    assert {path.name for path in guest.folder.glob("vda.*")} == {guest.disks[0].name}
    await counts_on(guest, boot, counted)
    assert not await found(admin, guest)
    guest.shutdown()
    assert file_system(lab, guest.disks[0]).is_sound


async def test_aborted_in_the_middle_the_disk_is_whole(lab: Lab, admin: Admin, guest: Guest) -> None:
    boot = guest.boot_id()
    await take_in_a_row(admin, guest, "a")
    before = [each.place for each in await layers(admin, guest)]
    platform = LibvirtPlatform(lab_site(lab))
    platform.open()
    stop = Event()
    stop.set()  # told to stop as soon as it has begun: one that has to pivot cannot end before
    plan = platform.facts(ref(guest)).plan(Merge(ref(guest), "vda", MergeHow.COMMIT))
    merge = next(step for step in plan.steps if step.action == "merge")
    with pytest.raises(Cancelled):
        platform.run(merge, lambda _: None, stop)
    platform.close()
    assert [each.place for each in await layers(admin, guest)] == before
    await counts_on(guest, boot, guest.read_disk_counter())
    guest.shutdown()
    lab.tool("qemu-img", "check", before[0])
    assert file_system(lab, Path(before[0])).is_sound


@pytest.mark.parametrize("how", JobEnd)
async def test_a_job_that_was_left_to_itself_is_found_and_ended(lab: Lab, admin: Admin, how: JobEnd) -> None:
    guest = lab.boot("left")
    boot = guest.boot_id()
    await take_in_a_row(admin, guest, "a")
    counted = guest.read_disk_counter()
    top, base = [each.place for each in await layers(admin, guest)]
    lab.virsh("blockcommit", guest.name, "vda", "--active")  # whoever began it does not pivot
    lab.kill_daemon()
    lab.start_daemon()

    async def waiting() -> Finding | None:
        return next((each for each in (await survey(admin, guest)).findings if each.code == "block-job"), None)

    job = None
    while job is None:  # the test's own limit ends it
        try:
            job = await waiting()
        except Unreachable:
            await asyncio.sleep(0.05)
    requests = [mend.request for mend in job.mends]
    assert EndJob(ref(guest), "vda", JobEnd.RESUME) in requests
    assert EndJob(ref(guest), "vda", JobEnd.ABORT) in requests
    await admin.do(EndJob(ref(guest), "vda", how))
    assert await waiting() is None
    now = [each.place for each in await layers(admin, guest)]
    assert now == ([top, base] if how is JobEnd.ABORT else [base])
    await counts_on(guest, boot, counted)
    if how is not JobEnd.ABORT:  # what that merge did not clean up is found, and mended
        left = {each.code: each for each in await found(admin, guest)}
        assert set(left) == {"overwritten", "unused-file"}
        assert left["unused-file"].place == top
        for each in left.values():
            assert each.mends[0].request is not None
            await admin.do(each.mends[0].request)
        assert not await found(admin, guest)
        assert top not in files_of(guest)


async def test_thirty_layers(lab: Lab, admin: Admin) -> None:
    guest = lab.boot("tall")
    boot = guest.boot_id()
    names = [f"s{number:02}" for number in range(29)]
    for name in names:
        lab.virsh("snapshot-create-as", guest.name, name, "--disk-only", "--atomic")
    chain = await layers(admin, guest)
    assert len(chain) == 30
    assert as_qemu_img(chain)[1:] == backing_chain(lab, chain[0].place)[1:]
    assert set(chain[-1].snapshots) == set(names)
    (long,) = (await survey(admin, guest)).findings
    assert long.code == "long-chain"
    assert long.mends[0].request is not None
    counted = guest.read_disk_counter()
    await admin.do(long.mends[0].request)
    assert len([each for each in await layers(admin, guest) if not each.aside]) == 1
    assert (await survey(admin, guest)).is_healthy
    await counts_on(guest, boot, counted)


async def test_a_base_that_others_share_is_not_written_to(lab: Lab, admin: Admin) -> None:
    golden = lab.define("golden")
    base = golden.disks[0]
    others = [f"clone-{number}" for number in range(7)]
    for name in others:
        clone = lab.define(name)
        clone.disks[0].unlink()
        lab.tool("qemu-img", "create", "-f", "qcow2", "-F", "qcow2", "-b", base, clone.disks[0])
    golden.start()
    golden.wait_agent()
    await admin.take(golden, "one", EXTERNAL)
    shared = next(each for each in await layers(admin, golden) if each.place == str(base))
    assert set(shared.users) == set(others)
    seen = await admin.engine.survey(ref(golden).site)
    assert not [each for each in seen.findings if each.place == str(base)]
    for request in (Merge(ref(golden), "vda", MergeHow.COMMIT), Delete((await admin.snapshots(golden))["one"].ref)):
        plan = await admin.engine.plan(request)
        assert {refusal.code for refusal in plan.refusals} & {"shared-layer", "would-destroy"}
    plan = await admin.do(Merge(ref(golden), "vda", MergeHow.FLATTEN))
    assert not plan.losses
    assert base.exists()
    for name in (*others, "golden"):
        lab.guests.pop(name).remove()


async def test_what_nothing_uses_is_found_named_and_removed(lab: Lab, admin: Admin) -> None:
    guest = lab.boot("tidy")
    await admin.take(guest, "one", "external-memory")
    orphan = guest.folder / "forgotten.qcow2"
    on_it = guest.folder / "on-it.qcow2"
    shutil.copy(guest.disks[0], orphan)
    lab.tool("qemu-img", "create", "-f", "qcow2", "-F", "qcow2", "-b", orphan, on_it)
    unused = [each for each in await found(admin, guest) if each.code == "unused-file"]
    assert {each.place for each in unused} == {str(orphan), str(on_it)}
    refused = await admin.engine.plan(Discard(ref(guest), (str(guest.disks[0]),)))
    assert [refusal.code for refusal in refused.refusals] == ["in-use"]
    with on_it.open("rb"):  # somebody uses it after all, when it comes to it
        job = await admin.tried(Discard(ref(guest), (str(on_it),)))
        assert job.state is JobState.FAILED
        assert on_it.exists()
    await admin.do(Discard(ref(guest), (str(on_it), str(orphan))))
    assert not orphan.exists()
    assert not await found(admin, guest)


async def test_what_is_lost_is_found(lab: Lab, admin: Admin) -> None:
    guest = lab.define("broken")
    await admin.take(guest, "one", EXTERNAL)
    await admin.take(guest, "two", EXTERNAL)
    middle = layer_of(guest, "two")
    # As older programs left them: the overlay names no format.
    middle.write_bytes(middle.read_bytes().replace(_BACKING_FORMAT, _NOBODYS, 1))
    (probed,) = (await survey(admin, guest)).findings
    assert probed.code == "probed-format"
    assert probed.mends[0].command.startswith("qemu-img rebase")
    lab.tool("qemu-img", *probed.mends[0].command.split()[1:])
    assert (await survey(admin, guest)).is_healthy
    middle.unlink()
    (lost, *_) = (await survey(admin, guest)).findings
    assert (lost.code, lost.place) == ("missing-layer", str(middle))
    guest.remove()


@pytest.mark.parametrize("seed", [1, 2])
async def test_after_any_history_what_is_used_is_never_called_unused(lab: Lab, admin: Admin, seed: int) -> None:
    chance = random.Random(seed)
    guest = lab.boot("random")
    for turn in range(8):
        snapshots = [each for _, each in sorted((await admin.snapshots(guest)).items())]
        merge = Merge(ref(guest), "vda", chance.choice([MergeHow.COMMIT, MergeHow.PULL, MergeHow.FLATTEN]))
        wishes: list[Request] = [Take(ref(guest), f"t{turn}", method=EXTERNAL), merge]
        wishes += [wish for each in snapshots for wish in (Restore(each.ref), Delete(each.ref))]
        plan = await admin.engine.plan(chance.choice(wishes))
        if plan.refusals:
            continue
        job = await admin.engine.jobs.wait((await admin.engine.jobs.submit(plan)).id)
        assert job.state is JobState.DONE, f"{plan.title}: {job.error}"
        if guest.state() != "running":
            guest.start()
        found_here = await found(admin, guest)
        unused = {each.place for each in found_here if each.code == "unused-file"}
        chain = [each for each in await layers(admin, guest) if each.kind in FILES]
        active = next(each.place for each in chain if each.kind is LayerKind.ACTIVE)
        in_use = {place for place, *_ in backing_chain(lab, active)} | held_open(guest)
        assert str(active) in in_use
        assert not unused & in_use, plan.title
        assert not [each for each in found_here if each.severity is Severity.ERROR], plan.title
        for layer in chain:
            if layer.format == "qcow2":
                lab.tool("qemu-img", "check", "-U", layer.place)
    await until(guest.agent_answers, "the guest to be up", patience=PATIENCE)
    guest.destroy()


async def test_the_advised_commands_do_what_they_say(
    admin: Admin, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vm gets its channel, and a raw disk becomes qcow2, both while it runs."""
    run_elsewhere(lab, tmp_path, monkeypatch)
    for name, command in (
        ("virsh", tool_command(lab.tools, "virsh")),
        ("vmsnap", (sys.executable, "-m", "vmsnap_tui")),
    ):
        (tmp_path / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    guest = lab.boot("advised", agent=False, disk_format="raw")
    try:
        channel, agent, convert = (await admin.engine.facts(ref(guest))).advice()
        assert agent is AGENT
        await typed(channel.command)
        assert "org.qemu.guest_agent.0" in lab.virsh("dumpxml", "--inactive", guest.name)
        await typed(f"{convert.command} --yes")
        facts = await admin.engine.facts(ref(guest))
        assert [(layer.kind, layer.format) for layer in facts.chain] == [(LayerKind.ACTIVE, "qcow2")]
        assert AGENT in facts.advice()
        assert convert not in facts.advice()
    finally:
        guest.destroy()


async def typed(command: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run, ["bash", "-c", command], capture_output=True, check=False, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("guest", ["qcow2"], indirect=True)
async def test_what_differs_from_now(admin: Admin, guest: Guest) -> None:
    """Of a guest that runs, and writes: what libvirt fills in is no difference, what somebody changed is."""
    engine, vm = admin.engine, ref(guest)
    await admin.do(Take(vm, "first", method=EXTERNAL))
    first = (await admin.snapshots(guest))["first"]
    found = await compare(engine, vm, first, None)
    assert not found.lines, found.lines
    [disk] = found.disks
    assert disk.fate is Fate.KEPT
    top = next(each for each in await layers(admin, guest) if each.kind is LayerKind.ACTIVE)
    assert disk.changed is not None
    assert 0 < disk.changed <= (top.used or 0)
    guest.lab.virsh("desc", guest.name, "--config", "--title", "renamed since")
    found = await compare(engine, vm, first, None)
    assert [line.text.strip() for line in found.lines if line.change is Change.ADDED] == [
        "<title>renamed since</title>"
    ]
