"""What others do is seen: by events, by comparing, and across a broken connection."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, repeat
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING
from uuid import uuid4

import libvirt
import pytest

from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import Missing, Unreachable, VmsnapError
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.platforms.libvirt import listening as module
from vmsnap_tui.platforms.libvirt.connection import Connection
from vmsnap_tui.platforms.libvirt.inventory import print_of
from vmsnap_tui.platforms.libvirt.listening import pauses
from vmsnap_tui.platforms.libvirt.platform import LibvirtPlatform
from vmsnap_tui.platforms.libvirt.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URI = "test:///default"
PATIENCE = 10.0  # seconds, on a machine that is busy with other things
pytestmark = pytest.mark.usefixtures("driver_always_heard")
SNAPSHOT = "<domainsnapshot><name>{}</name><description>{}</description></domainsnapshot>"


@dataclass
class Ears:
    """Hears what a watch emits."""

    heard: SimpleQueue[Change] = field(default_factory=SimpleQueue)

    def wait_for(self, kind: ChangeKind, vm: VmRef | None = None) -> Change:
        until = time.monotonic() + PATIENCE
        while (left := until - time.monotonic()) > 0:
            with suppress(Empty):
                change = self.heard.get(timeout=left)
                if change.kind is kind and (vm is None or change.vm == vm):
                    return change
        raise AssertionError(f"{kind} of {vm} was not heard")


@pytest.fixture
def domain() -> Iterator[libvirt.virDomain]:
    conn = libvirt.open(URI)
    made = conn.defineXML(
        f"<domain type='test'><name>w{uuid4()}</name><memory>1024</memory><os><type>hvm</type></os></domain>"
    )
    made.create()
    vm_id = made.UUIDString()
    yield made
    with suppress(libvirt.libvirtError):
        left = conn.lookupByUUIDString(vm_id)
        if left.isActive():
            left.destroy()
        left.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)


@pytest.fixture
def vm(domain: libvirt.virDomain) -> VmRef:
    return VmRef("here", domain.UUIDString())


@pytest.fixture
def platform() -> Iterator[LibvirtPlatform]:
    made = LibvirtPlatform(Site("here", PlatformKind.LIBVIRT, URI))
    made.open()
    yield made
    made.close()


@pytest.fixture
def watched() -> Iterator[Callable[[LibvirtPlatform | Connection], Ears]]:
    """Starts a watch, and sees that it ends at once when it is told to."""
    stop, threads = Event(), []

    def start(of: LibvirtPlatform | Connection) -> Ears:
        ears = Ears()
        run = of.watch if isinstance(of, LibvirtPlatform) else Watch(of, "here").run
        thread = Thread(target=run, args=(ears.heard.put, stop), daemon=True)
        thread.start()
        threads.append(thread)
        return ears

    yield start
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_state_changes_come_as_events(
    platform: LibvirtPlatform, domain: libvirt.virDomain, vm: VmRef, watched: Callable[[LibvirtPlatform], Ears]
) -> None:
    ears = watched(platform)
    _until_it_listens(ears, domain, vm)
    domain.resume()
    ears.wait_for(ChangeKind.VM, vm)


def test_a_stopped_vm_is_still_there_and_an_undefined_one_is_gone(
    platform: LibvirtPlatform, domain: libvirt.virDomain, vm: VmRef, watched: Callable[[LibvirtPlatform], Ears]
) -> None:
    ears = watched(platform)
    _until_it_listens(ears, domain, vm)
    domain.destroy()
    assert ears.wait_for(ChangeKind.VM, vm).vm == vm
    assert platform.vm(vm).persistent
    domain.undefine()
    ears.wait_for(ChangeKind.GONE, vm)
    with pytest.raises(Missing):
        platform.vm(vm)
    assert platform.snapshots([vm]) == {}


def test_of_one_that_is_put_back_is_told_once_it_is_back(
    domain: libvirt.virDomain, vm: VmRef, watched: Callable[[Connection], Ears]
) -> None:
    connection = Connection(URI)
    connection.open()
    ears = watched(connection)
    _until_it_listens(ears, domain, vm)
    other = libvirt.open(URI).lookupByName("test")

    def until_the_other() -> list[VmRef | None]:
        told = [ears.heard.get(timeout=PATIENCE).vm]
        while told[-1] != VmRef("here", other.UUIDString()):
            told.append(ears.heard.get(timeout=PATIENCE).vm)
        return told

    with connection.putting_back(vm.id, frozenset()):
        other.suspend()
        until_the_other()  # and what was still on its way
        domain.destroy()
        other.resume()
        assert vm not in until_the_other()
    ears.wait_for(ChangeKind.VM, vm)
    connection.close()


@pytest.mark.parametrize("on_screen", [True, False], ids=["on the screen", "in the slow round"])
def test_outside_snapshots_are_found(
    platform: LibvirtPlatform,
    domain: libvirt.virDomain,
    vm: VmRef,
    watched: Callable[[LibvirtPlatform], Ears],
    on_screen: bool,
) -> None:
    assert platform.snapshots([vm]) == {vm: ()}
    if on_screen:
        platform.look_at(frozenset({vm}))
    domain.snapshotCreateXML(SNAPSHOT.format("a", "before the watch began"), 0)
    ears = watched(platform)
    ears.wait_for(ChangeKind.SNAPSHOTS, vm)
    for name, description in [("b", ""), ("b", "in other words")]:
        flags = 0
        if description:
            flags = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT
            text = domain.snapshotLookupByName("b").getXMLDesc()
            text = text.replace("</name>", f"</name><description>{description}</description>", 1)
        else:
            text = SNAPSHOT.format(name, description)
        domain.snapshotCreateXML(text, flags)
        ears.wait_for(ChangeKind.SNAPSHOTS, vm)
    domain.revertToSnapshot(domain.snapshotLookupByName("a"))
    ears.wait_for(ChangeKind.SNAPSHOTS, vm)
    domain.snapshotLookupByName("b").delete()
    ears.wait_for(ChangeKind.SNAPSHOTS, vm)


def test_nothing_is_told_where_nothing_happens(
    platform: LibvirtPlatform, domain: libvirt.virDomain, vm: VmRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TICK", 0.01)
    domain.snapshotCreateXML(SNAPSHOT.format("a", ""), 0)
    platform.look_at(frozenset({vm}))
    platform.snapshots([vm])
    looks: list[str] = []
    stop = Event()

    def counted(seen: libvirt.virDomain) -> int:
        looks.append(seen.name())
        if len(looks) > 20:
            stop.set()
        return print_of(seen)

    monkeypatch.setattr(module, "print_of", counted)
    ears = Ears()
    platform.watch(ears.heard.put, stop)
    with suppress(Empty):
        while True:
            change = ears.heard.get_nowait()
            assert (change.kind, change.vm) != (ChangeKind.SNAPSHOTS, vm)


class Flaky(Connection):
    """A connection that can be cut."""

    cut = False

    def _stands(self, conn: libvirt.virConnect) -> bool:
        return not self.cut and super()._stands(conn)

    def _connected(self) -> libvirt.virConnect:
        if self.cut:
            raise Unreachable("pulled out")
        return super()._connected()


def test_a_broken_connection_is_told_once_and_taken_up_again(
    domain: libvirt.virDomain,
    vm: VmRef,
    watched: Callable[[Connection], Ears],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[float] = []

    def quick() -> Iterator[float]:
        for pause in repeat(0.02):
            tries.append(pause)
            yield pause

    monkeypatch.setattr(module, "pauses", quick)
    connection = Flaky(URI)
    connection.open()
    ears = watched(connection)
    _until_it_listens(ears, domain, vm)
    connection.cut = True
    lost = ears.wait_for(ChangeKind.LOST)
    assert isinstance(lost.error, Unreachable)
    with pytest.raises(Unreachable):
        connection.domain(vm.id)
    tried = len(tries)
    _until(lambda: len(tries) > tried + 3)
    connection.cut = False
    assert _next_of(ears, ChangeKind.LOST, ChangeKind.BACK) is ChangeKind.BACK
    domain.resume()
    ears.wait_for(ChangeKind.VM, vm)
    connection.close()


def test_opening_it_by_hand_ends_the_pause(
    domain: libvirt.virDomain,
    vm: VmRef,
    watched: Callable[[Connection], Ears],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "pauses", lambda: repeat(3600.0))
    connection = Flaky(URI)
    connection.open()
    ears = watched(connection)
    _until_it_listens(ears, domain, vm)
    connection.cut = True
    ears.wait_for(ChangeKind.LOST)
    connection.cut = False
    connection.open()
    ears.wait_for(ChangeKind.BACK)
    connection.close()


def test_pauses_grow_to_half_a_minute() -> None:
    waited = list(islice(pauses(), 12))
    for pause, middle in zip(waited, [1, 2, 4, 8, 16] + [30] * 7, strict=True):
        assert middle * 0.8 <= pause <= middle * 1.2


def _until_it_listens(ears: Ears, domain: libvirt.virDomain, vm: VmRef) -> None:
    """Pause the vm, and again, until the watch says so. What it says of that is heard and done with."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        domain.suspend()
        with suppress(Empty):
            while ears.heard.get(timeout=0.5) != Change(ChangeKind.VM, vm):
                pass
            return
        domain.resume()
    raise AssertionError("the watch hears nothing")


def _next_of(ears: Ears, *kinds: ChangeKind) -> ChangeKind:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        change = ears.heard.get(timeout=PATIENCE)
        if change.kind in kinds:
            return change.kind
    raise AssertionError("nothing of that was heard")


def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        Event().wait(0.01)


def test_unreachable_is_a_typed_error() -> None:
    with pytest.raises(VmsnapError):
        _ = Connection(URI).raw


@pytest.mark.parametrize("end", ["stopped", "cut"])
def test_a_call_that_hangs_holds_up_nothing(
    domain: libvirt.virDomain, vm: VmRef, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    hangs, let_go, stop = Event(), Event(), Event()

    def hang(_domain: libvirt.virDomain) -> int:
        hangs.set()
        let_go.wait(60)
        return 0

    monkeypatch.setattr(module, "print_of", hang)
    connection = Flaky(URI)
    connection.open()
    connection.handle(vm.id)
    ears = Ears()
    thread = Thread(target=Watch(connection, "here").run, args=(ears.heard.put, stop), daemon=True)
    thread.start()
    try:
        assert hangs.wait(PATIENCE)
        if end == "cut":
            connection.cut = True
            ears.wait_for(ChangeKind.LOST)
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    finally:
        let_go.set()
        stop.set()
        connection.close()
