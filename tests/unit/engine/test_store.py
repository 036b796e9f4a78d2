"""The newer word wins, and who listens is told in batches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.engine.fake import WHEN, site, snapshot, vm
from tests.unit.engine.waiting import until
from vmsnap_tui.engine.store import Changes, Store
from vmsnap_tui.model.errors import Failed
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.vm import Disk

if TYPE_CHECKING:
    from vmsnap_tui.model.vm import Vm, VmRef

A, B = vm(1), vm(2)


def test_a_slow_list_does_not_bring_back_a_deleted_vm() -> None:
    store = Store([site()])
    store.put_vm(A, store.begin())
    slow = store.begin()
    store.remove(A.ref, store.begin())
    store.put_vm(A, slow)
    assert store.vm(A.ref) is None


def test_a_vm_that_is_defined_again_is_seen_by_a_later_load() -> None:
    store = Store([site()])
    store.remove(A.ref, store.begin())
    store.put_vm(A, store.begin())
    assert store.vm(A.ref) == A


def test_a_slow_list_does_not_overwrite_what_was_read_since() -> None:
    store = Store([site()])
    slow, fast = store.begin(), store.begin()
    store.put_vm(replace(A, title="new"), fast)
    store.put_vm(replace(A, title="old"), slow)
    known = store.vm(A.ref)
    assert known is not None
    assert known.title == "new"


def test_sizes_that_a_list_leaves_out_stay_known() -> None:
    store = Store([site()])
    small, large = Disk("vda", "/a", capacity=5, allocation=3), Disk("vdb", "/b", capacity=9, allocation=9)
    store.put_vm(replace(A, disks=(small, large)), store.begin())
    listed = replace(A, title="new", disks=(Disk("vdb", "/b"), Disk("vda", "/other"), Disk("vdc", "/c")))
    store.put_vm(listed, store.begin())
    assert store.vm(A.ref) == replace(listed, disks=(large, *listed.disks[1:]))
    grown = replace(A, disks=(replace(large, capacity=12, allocation=None),))
    store.put_vm(grown, store.begin())
    assert store.vm(A.ref) == grown


async def test_a_list_that_only_leaves_sizes_out_changes_nothing() -> None:
    store = Store([site()])
    sized = replace(A, disks=(Disk("vda", "/a", capacity=5, allocation=3),))
    store.put_vm(sized, store.begin())
    told: list[Changes] = []
    store.subscribe(told.append, interval=0)
    store.put_vm(replace(A, disks=(Disk("vda", "/a"),)), store.begin())
    store.put_job("end")
    await until(lambda: told)
    assert told == [Changes(jobs=frozenset({"end"}))]
    assert store.vm(A.ref) == sized


def test_the_end_of_a_slow_list_spares_vms_that_are_newer() -> None:
    store = Store([site()])
    store.put_vm(A, store.begin())
    slow = store.begin()
    store.put_vm(B, store.begin())
    store.put_vm(A, slow)
    store.end_list("s", slow)
    assert set(store.vms("s")) == {A, B}
    newer = store.begin()
    store.put_vm(A, newer)
    store.end_list("s", newer)
    assert store.vms("s") == (A,)


def test_a_slow_read_does_not_bring_back_a_deleted_snapshot() -> None:
    store = Store([site()])
    store.put_vm(A, store.begin())
    slow = store.begin()
    store.put_snapshots(A.ref, (), store.begin())
    store.put_snapshots(A.ref, (snapshot(A.ref, "x"),), slow)
    assert store.snapshots(A.ref) == ()


def test_snapshots_of_a_vm_that_went_meanwhile_are_dropped() -> None:
    store = Store([site()])
    store.put_vm(A, store.begin())
    slow = store.begin()
    store.remove(A.ref, store.begin())
    store.put_snapshots(A.ref, (snapshot(A.ref, "x"),), slow)
    assert store.snapshots(A.ref) is None
    store.put_vm(A, store.begin())
    store.put_snapshots(A.ref, (snapshot(A.ref, "x"),), slow)
    assert store.snapshots(A.ref) is None


def test_an_old_freeze_state_does_not_overwrite_a_new_one() -> None:
    store = Store([site()])
    store.put_vm(A, store.begin())
    slow = store.begin()
    store.put_freeze(A.ref, Freeze(FreezeState.THAWED, WHEN), store.begin())
    store.put_freeze(A.ref, Freeze(FreezeState.FROZEN, WHEN), slow)
    assert store.freeze(A.ref) == Freeze(FreezeState.THAWED, WHEN)


def test_a_problem_lasts_until_the_snapshots_are_read() -> None:
    store = Store([site()])
    store.put_vm(A, store.begin())
    store.put_snapshots(A.ref, (snapshot(A.ref, "x"),), store.begin())
    store.put_problem(A.ref, Failed("broken"), store.begin())
    assert isinstance(store.problem(A.ref), Failed)
    assert store.snapshots(A.ref) == (snapshot(A.ref, "x"),)
    store.put_snapshots(A.ref, (snapshot(A.ref, "x"),), store.begin())
    assert store.problem(A.ref) is None


class History:
    """A world of two vms that goes on while loads of it begin and land."""

    def __init__(self) -> None:
        self.store = Store([site()])
        self.world: dict[VmRef, Vm] = {}
        self.begun: list[tuple[int, tuple[VmRef, ...], dict[VmRef, Vm]]] = []
        self.newest: dict[VmRef, tuple[int, Vm | None]] = {A.ref: (0, None), B.ref: (0, None)}

    def begin(self, *refs: VmRef) -> None:
        self.begun.append((self.store.begin(), refs, dict(self.world)))

    def land(self, index: int) -> None:
        stamp, refs, seen = self.begun.pop(index)
        for ref in refs:
            if ref in seen:
                self.store.put_vm(seen[ref], stamp)
            elif len(refs) == 1:
                self.store.remove(ref, stamp)
            if stamp > self.newest[ref][0]:
                self.newest[ref] = (stamp, seen.get(ref))
        if len(refs) > 1:
            self.store.end_list("s", stamp)


@given(st.data())
def test_any_order_of_answers_shows_the_newest_load(data: st.DataObject) -> None:
    """Loads begin and land in any order while the world goes on; a vm is shown as the newest landed load saw it."""
    history = History()
    vms = st.sampled_from([A, B])
    for turn in range(data.draw(st.integers(1, 40))):
        match data.draw(st.sampled_from(["change", "delete", "list", "read", "land"])):
            case "change":
                one = data.draw(vms)
                history.world[one.ref] = replace(one, title=str(turn))
            case "delete":
                history.world.pop(data.draw(vms).ref, None)
            case "list":
                history.begin(A.ref, B.ref)
            case "read":
                history.begin(data.draw(vms).ref)
            case _ if history.begun:
                history.land(data.draw(st.integers(0, len(history.begun) - 1)))
        for ref, (_, known) in history.newest.items():
            assert history.store.vm(ref) == known


async def test_the_first_change_is_told_at_once_and_the_rest_in_one_go() -> None:
    store = Store([site()])
    told: asyncio.Queue[tuple[float, Changes]] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    store.subscribe(lambda changes: told.put_nowait((loop.time(), changes)), interval=0.2)
    began = loop.time()
    store.put_vm(A, store.begin())
    first_at, first = await asyncio.wait_for(told.get(), 5)
    assert first == Changes(vms=frozenset({A.ref}))
    assert first_at - began < 0.1
    store.put_vm(B, store.begin())
    store.put_vm(replace(A, title="new"), store.begin())
    store.put_snapshots(A.ref, (), store.begin())
    store.put_job("j")
    second_at, second = await asyncio.wait_for(told.get(), 5)
    assert second == Changes(vms=frozenset({A.ref, B.ref}), snapshots=frozenset({A.ref}), jobs=frozenset({"j"}))
    assert second_at - first_at >= 0.199


async def test_what_did_not_change_is_not_told() -> None:
    store = Store([site()])
    store.put_vm(A, store.begin())
    found = (snapshot(A.ref, "x"),)
    store.put_snapshots(A.ref, found, store.begin())
    told: list[Changes] = []
    store.subscribe(told.append, interval=0)
    store.put_vm(replace(A), store.begin())
    store.put_snapshots(A.ref, (snapshot(A.ref, "x"),), store.begin())
    store.put_site(store.sites["s"])
    store.put_job("end")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert told == [Changes(jobs=frozenset({"end"}))]
    assert store.snapshots(A.ref) is found


async def test_nothing_is_told_after_the_end() -> None:
    store = Store([site()])
    told: list[Changes] = []
    other: list[Changes] = []
    stop = store.subscribe(told.append, interval=0)
    store.subscribe(other.append, interval=0)
    store.put_job("j")
    stop()
    await until(lambda: other)
    assert told == []
