"""A lab of servers: a baseline that the services show, reset again and again, power, and what a plan says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.libvirt.proofs import PATIENCE, Admin
from vmsnap_tui.engine import labs
from vmsnap_tui.model.plan import Delete, Edit, LossKind, Take
from vmsnap_tui.model.vm import VmRef, VmState

from .conftest import site_of
from .lab import MEMBER
from .proofs import Proof

if TYPE_CHECKING:
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.model.lab import Seat
    from vmsnap_tui.model.vm import Vm
    from vmsnap_tui.platforms.protocol import Platform

    from .conftest import Follow
    from .lab import OpenStackLab

NAME = "networks-101"
SITE = site_of(MEMBER)
LOOPS = 3


@dataclass(frozen=True)
class Pupil:
    """One server of the lab."""

    name: str
    proof: Proof
    disks: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.proof.vm.id


@pytest.fixture(scope="module")
def pupils(cloud: OpenStackLab, platform: Platform) -> tuple[Pupil, ...]:
    """One that has its disk on its host alone, and one with a volume besides."""
    plain, more = cloud.seed_server("pupil-plain"), cloud.seed_server("pupil-volume")
    cloud.attach_volume(more, cloud.seed_volume("pupil-volume"))
    return (
        Pupil("pupil-plain", Proof.on(cloud, platform, plain), ("root",)),
        Pupil("pupil-volume", Proof.on(cloud, platform, more), ("root", "sdb")),
    )


def ours(engine: Engine, pupils: tuple[Pupil, ...]) -> list[Vm]:
    ids = {each.id for each in pupils}
    return sorted((vm for vm in engine.store.vms(SITE.name) if vm.ref.id in ids), key=lambda vm: vm.name)


def seats(engine: Engine) -> tuple[Seat, ...]:
    return next(each.seats for each in labs.all_labs(engine, ()) if each.name == NAME)


async def fresh(engine: Engine, pupils: tuple[Pupil, ...]) -> tuple[Seat, ...]:
    for pupil in pupils:
        await engine.reload(pupil.proof.vm)
    return seats(engine)


async def ended(engine: Engine, job: GroupJob) -> GroupJob:
    over = await engine.groups.wait(job.id)
    assert not over.undone, [each.words for each in over.members]
    return over


async def reset(engine: Engine, pupils: tuple[Pupil, ...]) -> GroupJob:
    plans = await labs.planned(engine, await fresh(engine, pupils))
    return await engine.groups.wait(labs.reset(engine, NAME, plans, patience=PATIENCE).id)


def write(pupils: tuple[Pupil, ...], text: str) -> None:
    for pupil in pupils:
        pupil.proof.write(text)


def held(pupils: tuple[Pupil, ...]) -> list[dict[str, str]]:
    return [pupil.proof.held() for pupil in pupils]


def all_hold(pupils: tuple[Pupil, ...], text: str) -> list[dict[str, str]]:
    return [dict.fromkeys(pupil.disks, text) for pupil in pupils]


def there(cloud: OpenStackLab) -> dict[str, dict[str, str]]:
    """What the member's project holds, by kind: id to status."""
    connection = cloud.connect()
    listed = {
        "servers": connection.compute.servers(),
        "images": connection.image.images(visibility="private"),
        "volumes": connection.block_storage.volumes(),
        "snapshots": connection.block_storage.snapshots(),
    }
    return {kind: {str(each.id): str(each.status) for each in found} for kind, found in listed.items()}


def marks(cloud: OpenStackLab, pupil: Pupil) -> dict[str, list[tuple[str | None, str | None]]]:
    """By name of the snapshot: its marks on each of its parts, images first, as the services tell them."""
    connection = cloud.connect()
    found: dict[str, list[tuple[str | None, str | None]]] = {}

    def add(name: str, notes: dict[str, Any]) -> None:
        found.setdefault(name, []).append((notes.get("vmsnap_baseline"), notes.get("vmsnap_protected")))

    for image in connection.image.images(instance_uuid=pupil.id):
        add(image.name, image.properties)
    for volume in connection.block_storage.volumes():
        attached = {each["server_id"] for each in volume.attachments} | {volume.metadata.get("vmsnap_vm")}
        if pupil.id in attached:
            for snap in connection.block_storage.snapshots(volume_id=volume.id):
                add(snap.name, snap.metadata)
    return found


async def test_a_baseline_and_back_to_it_with_nothing_left_over(
    here: OpenStackLab, pupils: tuple[Pupil, ...], follow: Follow
) -> None:
    plain, more = pupils
    write(pupils, "baseline")
    async with follow(SITE) as engine:
        vms = ours(engine, pupils)
        job = await ended(engine, labs.baseline(engine, NAME, [(vm, None) for vm in vms]))
        assert job.outcome == "2 of 2 have it"
        assert list(marks(here, plain).values()) == [[(NAME, "yes")]]
        assert list(marks(here, more).values()) == [[(NAME, "yes")] * 2]

        # As long as the baseline is the newest snapshot: rebuilt, and the volume reverted.
        write(pupils, "worked")
        plans = {each.seat.vm.name: each.plan for each in await labs.planned(engine, await fresh(engine, pupils))}
        one, two = plans["pupil-plain"], plans["pupil-volume"]
        assert one is not None
        assert two is not None
        assert one.steps[-1].label == "rebuild the root disk, the server ends running"
        assert two.steps[-1].label == ("stop the server, revert sdb, rebuild the root disk, the server ends running")
        for plan in (one, two):
            assert any("keeps its id, addresses, ports and key" in caution for caution in plan.cautions)
            assert LossKind.MEMORY in {loss.kind for loss in plan.losses}
        before = there(here)
        for _ in range(LOOPS):
            assert (await reset(engine, pupils)).outcome == "2 of 2 clean"
            assert held(pupils) == all_hold(pupils, "baseline")
            assert {seat.vm.state for seat in await fresh(engine, pupils)} == {VmState.RUNNING}
            assert not any(seat.is_off_baseline for seat in seats(engine))
            assert there(here) == before
            write(pupils, "worked")


async def test_with_a_newer_snapshot_volumes_are_swapped_and_none_is_left_over(
    here: OpenStackLab, pupils: tuple[Pupil, ...], follow: Follow
) -> None:
    more = pupils[1]
    async with follow(SITE) as engine:
        assert not (await labs.planned(engine, await fresh(engine, pupils)))[0].why_not
        admin = Admin(engine)
        write(pupils, "exercise")
        for pupil in pupils:
            await admin.do(Take(pupil.proof.vm, "exercise"))
        assert all(seat.is_off_baseline for seat in await fresh(engine, pupils))
        write(pupils, "worked")
        plans = {each.seat.vm.name: each.plan for each in await labs.planned(engine, seats(engine))}
        swap = plans["pupil-volume"]
        assert swap is not None
        assert swap.steps[-1].label == "stop the server, swap sdb, rebuild the root disk, the server ends running"
        assert "Of now stay behind, detached, since they hold snapshots: sdb." in swap.cautions

        before, (first,) = there(here), proof_volumes(here, more)
        for _ in range(LOOPS):
            assert (await reset(engine, pupils)).outcome == "2 of 2 clean"
            assert held(pupils) == all_hold(pupils, "baseline")
            assert {seat.vm.state for seat in await fresh(engine, pupils)} == {VmState.RUNNING}
            assert not any(seat.is_off_baseline for seat in seats(engine))
            after, (now,) = there(here), proof_volumes(here, more)
            for kind in ("servers", "images", "snapshots"):
                assert after[kind] == before[kind]
            # The first volume stays, detached: it is the one that the snapshots are of, the baseline's too, and Cinder
            # deletes no volume that has any. It is swapped out once; what stood in its place goes at each reset.
            assert now != first
            assert after["volumes"] == before["volumes"] | {first: "available", now: "in-use"}
            write(pupils, "worked")


def proof_volumes(cloud: OpenStackLab, pupil: Pupil) -> list[str]:
    """The ids of what is attached."""
    return [each["id"] for each in cloud.connect().compute.get_server(pupil.id).attached_volumes]


async def test_off_and_on_again(here: OpenStackLab, pupils: tuple[Pupil, ...], follow: Follow) -> None:
    compute = here.connect().compute
    async with follow(SITE) as engine:
        await ended(engine, labs.power(engine, NAME, await fresh(engine, pupils), on=False))
        assert {compute.get_server(pupil.id).status for pupil in pupils} == {"SHUTOFF"}
        await ended(engine, labs.power(engine, NAME, await fresh(engine, pupils), on=True))
        assert {compute.get_server(pupil.id).status for pupil in pupils} == {"ACTIVE"}
        again = await ended(engine, labs.power(engine, NAME, await fresh(engine, pupils), on=True))
        assert {each.words for each in again.members} == {"it is running already"}


async def test_one_that_boots_from_a_volume_is_never_made_twice(
    here: OpenStackLab, pupils: tuple[Pupil, ...], follow: Follow
) -> None:
    """Nova puts no root volume back: all that can be made of its snapshot is a new server, which is no reset."""
    server = here.seed_server("pupil-boots", volume=here.seed_volume("pupil-boots", image=here.image()))
    async with follow(SITE) as engine:
        vm = await engine.find("pupil-boots")
        await ended(engine, labs.baseline(engine, "booting", [(vm, None)]))
        (lab,) = (each for each in labs.all_labs(engine, ()) if each.name == "booting")
        before = there(here)
        (plan,) = await labs.planned(engine, lab.seats)
        assert not plan.can_run
        assert "launch a new server" in plan.why_not
        assert "the root volume, which cannot be detached" in plan.why_not
        job = await engine.groups.wait(labs.reset(engine, "booting", [plan]).id)
        assert job.outcome == "0 of 1 clean"
        assert there(here) == before
        (seat,) = lab.seats
        assert seat.baseline is not None
        await ended(engine, labs.protect(engine, "booting", [seat], on=False))
        await Admin(engine).do(Delete(seat.baseline.ref))
        assert await fresh(engine, pupils)
    here.connect().compute.delete_server(server)


async def test_a_protected_baseline_stays_until_it_is_not(
    here: OpenStackLab, pupils: tuple[Pupil, ...], follow: Follow
) -> None:
    plain, more = pupils
    async with follow(SITE) as engine:
        admin = Admin(engine)
        one, two = await fresh(engine, pupils)
        assert one.baseline is not None
        assert two.baseline is not None
        for seat in (one, two):
            assert seat.baseline is not None
            refused = await engine.plan(Delete(seat.baseline.ref))
            assert {refusal.code for refusal in refused.refusals} == {"protected"}

        # A new one takes the place of the old one, which is as free to go as any other then.
        await ended(engine, labs.baseline(engine, NAME, [(one.vm, one.baseline)]))
        marked = marks(here, plain)
        assert marked[one.baseline.name] == [("", "no")]
        (new,) = set(marked) - {one.baseline.name, "exercise"}
        assert marked[new] == [(NAME, "yes")]
        await admin.do(Delete(one.baseline.ref))
        assert set(marks(here, plain)) == {new, "exercise"}

        await ended(engine, labs.protect(engine, NAME, [two], on=False))
        assert marks(here, more)[two.baseline.name] == [(NAME, "no")] * 2
        await admin.do(Edit(two.baseline.ref, baseline=""))
        await admin.do(Delete(two.baseline.ref))
        assert set(marks(here, more)) == {"exercise"}
        assert {seat.vm.name for seat in await fresh(engine, pupils)} == {"pupil-plain"}
        assert VmRef(SITE.name, plain.id) == seats(engine)[0].vm.ref
