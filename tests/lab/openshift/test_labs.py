"""A lab of vms of a cluster: a baseline that kubectl shows, reset again and again, power, and what plans say of it."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.libvirt.daemon import wait_until
from tests.lab.libvirt.proofs import PATIENCE, admin_of, until
from tests.lab.openshift.proofs import AFTER, BEFORE, claim_of
from vmsnap_tui.engine import labs
from vmsnap_tui.model.plan import Delete, Edit, LossKind, Take
from vmsnap_tui.model.vm import PlatformKind, Site, VmState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.lab.libvirt.proofs import Admin
    from tests.lab.openshift.lab import OpenShiftLab
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.model.lab import Seat
    from vmsnap_tui.model.vm import Vm

NAME = "networks-101"
PUPILS = ("pupil-0", "pupil-1", "pupil-2")
DISKS, LOOPS = 2 * len(PUPILS), 4
KINDS = (
    "persistentvolumeclaims",
    "virtualmachinerestores",
    "virtualmachines",
    "virtualmachinesnapshots",
    "volumesnapshots",
)


@dataclass(frozen=True)
class Room:
    """A namespace of a lab's own."""

    cluster: OpenShiftLab
    space: str


@pytest.fixture
def room(cluster: OpenShiftLab) -> Room:
    """Running vms with agents and two volumes each, all in one namespace: they share the names of snapshots."""
    space = cluster.fresh_namespace("labs")
    for name in PUPILS:
        cluster.seed_vm(name, namespace=space, wait=False)
    for name in PUPILS:
        cluster.wait_vm(name, "Running", space)
    for name in PUPILS:
        wait_until(lambda name=name: cluster.has_agent(name, space), 30, f"the agent of {name}", every=0.1)  # type: ignore[misc]
    return Room(cluster, space)


@asynccontextmanager
async def at_work(room: Room, state: Path) -> AsyncIterator[Admin]:
    options = {"kubeconfig": str(room.cluster.kubeconfig), "namespaces": room.space}
    site = Site("lab", PlatformKind.OPENSHIFT, room.cluster.context, options=options)
    async with admin_of(site, state) as admin:
        yield admin


def kubectl(room: Room, *arguments: str) -> Any:
    """What the cluster's own client says."""
    command = [str(room.cluster.kubectl), "-n", room.space, "-o", "json", *arguments]
    ended = subprocess.run(
        command, env=os.environ | room.cluster.environment, check=True, capture_output=True, timeout=60
    )
    return json.loads(ended.stdout)


def items(room: Room, resource: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kubectl(room, "get", resource)["items"]
    return found


def names(room: Room, resource: str) -> set[str]:
    """Of those that stay: one that is on its way out is as good as gone."""
    found = (item["metadata"] for item in items(room, resource))
    return {each["name"] for each in found if "deletionTimestamp" not in each}


def volumes(room: Room) -> set[str]:
    """Of the claims that there are."""
    found = items(room, "persistentvolumes")
    return {each["metadata"]["name"] for each in found if each["spec"]["claimRef"]["namespace"] == room.space}


def marks(room: Room) -> dict[str, dict[str, tuple[str | None, str | None]]]:
    """By vm and snapshot: the lab that it is the baseline of, and the mark of its protection."""
    found: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    for item in items(room, "virtualmachinesnapshots"):
        meta = item["metadata"]
        baseline = meta.get("annotations", {}).get("vmsnap.io/baseline")
        protected = meta.get("labels", {}).get("vmsnap.io/protected")
        found.setdefault(item["spec"]["source"]["name"], {})[meta["name"]] = (baseline, protected)
    return found


def disks(room: Room, vm: str) -> list[str]:
    spec = room.cluster.api.get("virtualmachines", room.space, vm)["spec"]["template"]["spec"]
    return [claim_of(volume) for volume in spec["volumes"]]


def write(room: Room, content: bytes) -> None:
    for vm in PUPILS:
        for claim in disks(room, vm):
            room.cluster.write_volume(claim, content, room.space)


def held(room: Room) -> set[bytes]:
    return {room.cluster.read_volume(claim, len(BEFORE), room.space) for vm in PUPILS for claim in disks(room, vm)}


def seats(admin: Admin) -> tuple[Seat, ...]:
    return next(each.seats for each in labs.all_labs(admin.engine, ()) if each.name == NAME)


def vms(admin: Admin) -> list[Vm]:
    return sorted(admin.engine.store.vms("lab"), key=lambda vm: vm.name)


async def fresh(admin: Admin) -> tuple[Seat, ...]:
    for vm in vms(admin):
        await admin.engine.reload(vm.ref)
    return seats(admin)


async def ended(admin: Admin, job: GroupJob) -> GroupJob:
    over = await admin.engine.groups.wait(job.id)
    assert not over.undone, [each.words for each in over.members]
    return over


async def reset(admin: Admin) -> GroupJob:
    plans = await labs.planned(admin.engine, await fresh(admin))
    return await admin.engine.groups.wait(labs.reset(admin.engine, NAME, plans, patience=PATIENCE).id)


async def test_a_baseline_and_back_to_it_with_no_volume_left_over(room: Room, tmp_path: Path) -> None:
    write(room, BEFORE)
    async with at_work(room, tmp_path) as admin:
        job = await ended(admin, labs.baseline(admin.engine, NAME, [(vm, None) for vm in vms(admin)]))
        assert job.outcome == "3 of 3 have it"
        marked = marks(room)
        assert {vm: list(each.values()) for vm, each in marked.items()} == {vm: [(NAME, "yes")] for vm in PUPILS}

        # Since then: another snapshot of each, and something else on the disks.
        for seat in await fresh(admin):
            await admin.do(Take(seat.vm.ref, f"{seat.vm.name}-exercise"))
        write(room, AFTER)
        assert all(seat.is_off_baseline for seat in await fresh(admin))

        for each in await labs.planned(admin.engine, seats(admin)):
            assert each.plan is not None
            assert each.plan.steps[-1].label.startswith("stop the vm, make new volumes for ")
            assert each.plan.steps[-1].label.endswith("the vm ends running")
            lost = {loss.kind: loss for loss in each.plan.losses}
            assert lost[LossKind.MEMORY].detail == "what runs in the guest now ends"
            assert lost[LossKind.CHANGES].what == f"{each.seat.vm.name}-0, {each.seat.vm.name}-1"

        before, began = {kind: names(room, kind) for kind in KINDS}, held(room)
        assert began == {AFTER}
        for turn in range(1, LOOPS + 1):
            assert (await reset(admin)).outcome == "3 of 3 clean"
            assert held(room) == {BEFORE}
            assert {seat.vm.state for seat in await fresh(admin)} == {VmState.RUNNING}
            assert not any(seat.is_off_baseline for seat in seats(admin))
            after = {kind: names(room, kind) for kind in KINDS}
            # Claims are made anew, and with them their volumes: those of the vms, and no others.
            used = {claim for vm in PUPILS for claim in disks(room, vm)}
            assert after["persistentvolumeclaims"] == used
            assert len(used) == len(before["persistentvolumeclaims"]) == DISKS
            await until(lambda: len(volumes(room)) == DISKS, "the storage to let the old volumes go")
            for kind in ("virtualmachines", "virtualmachinesnapshots", "volumesnapshots"):
                assert after[kind] == before[kind]
            # A restore stays, as KubeVirt keeps it: the record of who was put back to what and when, in which the
            # console finds "last restored". It holds no data, and goes with its vm.
            assert len(after["virtualmachinerestores"]) == len(before["virtualmachinerestores"]) + turn * len(PUPILS)
            write(room, AFTER)
        restores = items(room, "virtualmachinerestores")
        assert all(each["status"]["complete"] for each in restores)
        assert {owner["kind"] for each in restores for owner in each["metadata"]["ownerReferences"]} == {
            "VirtualMachine"
        }


async def test_off_and_on_again(room: Room, tmp_path: Path) -> None:
    async with at_work(room, tmp_path) as admin:
        await ended(admin, labs.baseline(admin.engine, NAME, [(vm, None) for vm in vms(admin)]))
        await ended(admin, labs.power(admin.engine, NAME, await fresh(admin), on=False))
        assert items(room, "virtualmachineinstances") == []
        assert {seat.vm.state for seat in await fresh(admin)} == {VmState.OFF}
        for each in await labs.planned(admin.engine, seats(admin)):
            assert each.plan is not None
            assert "stop the vm" not in each.plan.steps[-1].label
        await ended(admin, labs.power(admin.engine, NAME, seats(admin), on=True))
        phases = {each["status"]["phase"] for each in items(room, "virtualmachineinstances")}
        assert phases == {"Running"}
        again = await ended(admin, labs.power(admin.engine, NAME, await fresh(admin), on=True))
        assert {each.words for each in again.members} == {"it is running already"}


async def test_a_protected_baseline_stays_until_it_is_not(room: Room, tmp_path: Path) -> None:
    async with at_work(room, tmp_path) as admin:
        await ended(admin, labs.baseline(admin.engine, NAME, [(vm, None) for vm in vms(admin)]))
        one, *others = await fresh(admin)
        assert one.baseline is not None
        refused = await admin.engine.plan(Delete(one.baseline.ref))
        assert {refusal.code for refusal in refused.refusals} == {"protected"}

        # A new one takes the place of the old one, which is as free to go as any other then.
        await ended(admin, labs.baseline(admin.engine, NAME, [(one.vm, one.baseline)]))
        marked = marks(room)
        assert marked[one.vm.name][one.baseline.name] == (None, None)
        assert sorted(marked[one.vm.name].values(), key=str) == [(NAME, "yes"), (None, None)]
        await admin.do(Delete(one.baseline.ref))
        assert one.baseline.name not in marks(room)[one.vm.name]

        other = others[0]
        assert other.baseline is not None
        await ended(admin, labs.protect(admin.engine, NAME, [other], on=False))
        assert marks(room)[other.vm.name][other.baseline.name] == (NAME, None)
        await admin.do(Edit(other.baseline.ref, baseline=""))
        await admin.do(Delete(other.baseline.ref))
        assert other.vm.name not in marks(room)
        await fresh(admin)
        assert {seat.vm.name for seat in seats(admin)} == {one.vm.name, others[1].vm.name}
