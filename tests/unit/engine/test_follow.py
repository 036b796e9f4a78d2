"""A site is reached, listed, followed and taken up again, whatever it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.unit.engine.fake import site, snapshot, vm
from tests.unit.engine.waiting import until
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import Conflict, Denied, Failed, Missing, Unreachable

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Begin
    from tests.unit.engine.fake import World

A, B = vm(0).ref, vm(1).ref


async def test_everything_is_in_once_loaded(world: World, begin: Begin) -> None:
    world.with_vms(25)
    world.snapshots[A] = (snapshot(A, "x"),)
    engine = await begin()
    await engine.loaded(snapshots=True)
    assert len(engine.store.vms("s")) == 25
    assert engine.store.snapshots(A) == (snapshot(A, "x"),)
    assert all(engine.store.snapshots(one.ref) is not None for one in engine.store.vms("s"))
    view = engine.store.sites["s"]
    assert (view.status, view.loading, view.error) == (SiteStatus.ONLINE, False, None)
    assert view.heard is not None


async def test_the_first_page_shows_before_the_last_is_in(world: World, begin: Begin) -> None:
    world.with_vms(6)
    gate = world.gate("vms.page")
    engine = await begin()
    await until(lambda: len(engine.store.vms("s")) == 2)
    assert engine.store.sites["s"].loading
    gate.open.set()
    await engine.loaded()
    assert len(engine.store.vms("s")) == 6
    assert not engine.store.sites["s"].loading


async def test_a_hanging_site_holds_up_nobody_else(world: World, begin: Begin) -> None:
    world.with_vms(2, on="good")
    bad = world.gate("open")
    bad.open.clear()

    engine = await begin(site("bad"))
    await until(bad.entered.is_set)
    world.heal("open")
    other = await begin(site("good"))
    await other.loaded("good")
    assert engine.store.sites["bad"].status is SiteStatus.CONNECTING


async def test_a_slow_list_does_not_bring_back_what_a_change_took_away(world: World, begin: Begin) -> None:
    world.with_vms(3)
    engine = await begin()
    await engine.loaded(snapshots=True)
    await until(lambda: world.emit is not None)
    slow = world.gate("vms.read")
    engine.refresh()
    await until(slow.entered.is_set)
    del world.vms[A]
    world.tell(ChangeKind.GONE, A)
    await until(lambda: engine.store.vm(A) is None)
    slow.open.set()
    await engine.loaded()
    assert engine.store.vm(A) is None
    assert engine.store.vm(B) is not None


async def test_a_slow_read_does_not_hide_a_snapshot_taken_meanwhile(world: World, begin: Begin) -> None:
    world.with_vms(1)
    engine = await begin()
    await engine.loaded(snapshots=True)
    await until(lambda: world.emit is not None)
    slow = world.gate("snapshots.read")
    world.tell(ChangeKind.SNAPSHOTS, A)
    await until(slow.entered.is_set)
    world.heal("snapshots.read")
    world.snapshots[A] = (snapshot(A, "new"),)
    await engine.reload(A)
    assert engine.store.snapshots(A) == (snapshot(A, "new"),)
    slow.open.set()
    await until(lambda: not slow.entered.is_set() or engine.store.snapshots(A) == (snapshot(A, "new"),))
    await engine.reload(A)
    assert engine.store.snapshots(A) == (snapshot(A, "new"),)


async def test_a_change_during_a_read_causes_one_more(world: World, begin: Begin) -> None:
    world.with_vms(1)
    engine = await begin()
    await engine.loaded(snapshots=True)
    await until(lambda: world.emit is not None)
    reads = world.count("vm")
    slow = world.gate("vm.read")
    world.tell(ChangeKind.VM, A)
    await until(slow.entered.is_set)
    world.vms[A] = replace(world.vms[A], title="newest")
    for _ in range(5):
        world.tell(ChangeKind.VM, A)
    slow.open.set()
    await until(lambda: (known := engine.store.vm(A)) is not None and known.title == "newest")
    assert world.count("vm") == reads + 2


async def test_a_new_vm_comes_with_its_snapshots(world: World, begin: Begin) -> None:
    engine = await begin()
    await engine.loaded(snapshots=True)
    await until(lambda: world.emit is not None)
    world.with_vms(1)
    world.tell(ChangeKind.VM, A)
    await until(lambda: engine.store.snapshots(A) == ())


async def test_a_refresh_drops_what_is_gone_and_finds_what_is_new(world: World, begin: Begin) -> None:
    world.with_vms(3)
    engine = await begin()
    await engine.loaded(snapshots=True)
    del world.vms[A]
    new = vm(9)
    world.vms[new.ref], world.snapshots[new.ref] = new, (snapshot(new.ref, "x"),)
    world.snapshots[B] = (snapshot(B, "y"),)
    engine.refresh("s")
    await engine.loaded(snapshots=True)
    assert engine.store.vm(A) is None
    assert engine.store.snapshots(new.ref) == (snapshot(new.ref, "x"),)
    assert engine.store.snapshots(B) == (snapshot(B, "y"),)


async def test_a_site_that_fails_is_tried_again_by_itself(world: World, begin: Begin) -> None:
    world.with_vms(1)
    world.fail("open", Unreachable("no daemon", "start it"))
    engine = await begin()
    await engine.loaded(snapshots=True)
    await until(lambda: engine.store.sites["s"].status is SiteStatus.FAILED)
    view = engine.store.sites["s"]
    assert view.error is not None
    assert view.error.words == "no daemon"
    world.heal("open")
    await until(lambda: engine.store.sites["s"].status is SiteStatus.ONLINE)
    await engine.loaded()
    assert engine.store.sites["s"].error is None
    assert engine.store.vm(A) is not None


async def test_a_refresh_tries_a_failed_site_at_once(
    world: World, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fail("open", Unreachable("no daemon"))
    monkeypatch.setattr("vmsnap_tui.engine.follow.SHORTEST", 1000.0)
    engine = await begin()
    await until(lambda: engine.store.sites["s"].retry_at is not None)
    world.heal("open")
    engine.refresh()
    await until(lambda: engine.store.sites["s"].status is SiteStatus.ONLINE)


async def test_a_loss_that_the_watch_sees_is_shown_and_its_return_reads_anew(world: World, begin: Begin) -> None:
    world.with_vms(2)
    engine = await begin()
    await engine.loaded(snapshots=True)
    await until(lambda: world.emit is not None)
    assert world.emit is not None
    world.emit(Change(ChangeKind.LOST, error=Unreachable("daemon went away")))
    await until(lambda: engine.store.sites["s"].status is SiteStatus.LOST)
    view = engine.store.sites["s"]
    assert view.error is not None
    assert view.error.words == "daemon went away"
    assert engine.store.vm(A) is not None, "what was known stays on the screen"
    opened = world.count("open")
    del world.vms[A]
    world.tell(ChangeKind.BACK)
    await until(lambda: engine.store.vm(A) is None)
    assert engine.store.sites["s"].status is SiteStatus.ONLINE
    assert world.count("open") == opened, "the watch took it up by itself"


async def test_a_list_that_hangs_is_given_up_when_the_connection_is_back(world: World, begin: Begin) -> None:
    world.with_vms(2)
    engine = await begin()
    await engine.loaded(snapshots=True)
    await until(lambda: world.emit is not None)
    for _ in range(4):  # more often than there are threads
        hung = world.gate("vms")
        engine.refresh()
        await until(hung.entered.is_set)
        world.heal("vms")
        world.tell(ChangeKind.LOST)
        world.tell(ChangeKind.BACK)
        await until(lambda: engine.store.sites["s"].status is SiteStatus.ONLINE)
        await engine.loaded(snapshots=True)
        hung.open.set()


async def test_a_read_that_finds_the_site_gone_takes_it_up_again(world: World, begin: Begin) -> None:
    world.with_vms(1)
    engine = await begin()
    await engine.loaded(snapshots=True)
    world.fail("facts", Unreachable("broken pipe"))
    with pytest.raises(Unreachable):
        await engine.facts(A)
    assert engine.store.sites["s"].status is SiteStatus.LOST
    await until(lambda: engine.store.sites["s"].status is SiteStatus.ONLINE)


async def test_a_watch_that_ends_is_started_again(world: World, begin: Begin) -> None:
    world.with_vms(1)
    world.fail("watch", Unreachable("no events"))
    engine = await begin()
    await until(lambda: engine.store.sites["s"].status is SiteStatus.LOST)
    world.heal("watch")
    await until(lambda: world.emit is not None)
    await until(lambda: engine.store.sites["s"].status is SiteStatus.ONLINE)


async def test_one_bad_vm_does_not_hide_its_neighbours(world: World, begin: Begin) -> None:
    world.with_vms(4)

    def hook() -> None:
        _, refs = world.calls[-1]
        if isinstance(refs, tuple) and A in refs:
            raise Failed("broken XML")

    world.hooks["snapshots"] = hook
    engine = await begin()
    await engine.loaded(snapshots=True)
    problem = engine.store.problem(A)
    assert problem is not None
    assert problem.words == "broken XML"
    assert engine.store.snapshots(A) is None
    assert engine.store.snapshots(B) == ()


async def test_what_is_wanted_is_read_before_the_rest(world: World, begin: Begin) -> None:
    world.with_vms(200)
    wanted = vm(199).ref
    slow = world.gate("snapshots")
    engine = await begin()
    await until(slow.entered.is_set)
    world.heal("snapshots")
    engine.want_snapshots(wanted)
    await until(lambda: engine.store.snapshots(wanted) is not None)
    assert engine.store.snapshots(vm(150).ref) is None
    slow.open.set()
    await engine.loaded(snapshots=True)


async def test_a_platform_that_raises_anything_else_gives_a_typed_error(world: World, begin: Begin) -> None:
    world.with_vms(1)
    engine = await begin()
    await engine.loaded(snapshots=True)
    world.fail("survey", KeyError("x"))
    with pytest.raises(Failed, match="KeyError"):
        await engine.survey(A.site, [A])
    log = (engine.state / "vmsnap.log").read_text()
    assert "Traceback" in log


async def test_a_silent_site_says_since_when(world: World, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vmsnap_tui.engine.hearing.PATIENCE", 0.05)
    hung = world.gate("open")
    engine = await begin()
    await until(lambda: engine.store.sites["s"].silent is not None)
    hung.open.set()
    await until(lambda: engine.store.sites["s"].silent is None)


async def test_without_following_only_what_is_asked_for_is_read(world: World, begin: Begin) -> None:
    world.with_vms(5)
    engine = await begin(follow=False)
    await engine.loaded()
    engine.want_snapshots(A)
    await until(lambda: engine.store.snapshots(A) is not None)
    assert engine.store.snapshots(B) is None
    assert world.count("watch") == 0
    await engine.loaded(snapshots=True)
    assert engine.store.snapshots(B) == ()


async def test_what_is_looked_at_is_told_to_its_platform_also_after_opening(world: World, begin: Begin) -> None:
    world.with_vms(1)
    engine = await begin()
    engine.look_at(frozenset({A}))
    await engine.loaded()
    await until(lambda: ("look_at", frozenset({A})) in world.calls)


async def test_find_by_name_site_group_and_id(world: World, begin: Begin) -> None:
    world.with_vms(1, on="a").with_vms(1, on="b")
    grouped = replace(vm(7, on="b"), group="shop", name="vm-0")
    world.vms[grouped.ref], world.snapshots[grouped.ref] = grouped, ()
    engine = await begin(site("a"), site("b"))
    assert (await engine.find("a/vm-0")).ref.site == "a"
    assert await engine.find("id-7") == grouped
    assert await engine.find("b/shop/vm-0") == grouped
    assert await engine.find("shop/vm-0") == grouped
    with pytest.raises(Conflict, match=r"a/vm-0 .*b/shop/vm-0 .*b/vm-0"):
        await engine.find("vm-0")
    with pytest.raises(Missing):
        await engine.find("vm-1")


async def test_find_does_not_say_missing_where_a_site_could_not_be_read(world: World, begin: Begin) -> None:
    world.fail("open", Unreachable("no daemon"))
    engine = await begin()
    with pytest.raises(Unreachable, match="no daemon"):
        await engine.find("vm-0")


async def test_a_probe_opens_and_closes(world: World, begin: Begin) -> None:
    engine = await begin()
    assert (await engine.probe(site("other"))).product == "fake"
    world.fail("open", Denied("no permission"))
    with pytest.raises(Denied):
        await engine.probe(site("other"))
