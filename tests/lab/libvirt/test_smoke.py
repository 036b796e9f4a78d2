"""The lab itself: without this nothing that the other tests say about libvirt counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .lab import wait_until

if TYPE_CHECKING:
    from .lab import Guest, Lab


@pytest.fixture(scope="module")
def guest(lab: Lab) -> Guest:
    return lab.boot("smoke", disks=2)


def test_libvirt_is_new_enough_and_our_own(lab: Lab) -> None:
    assert "QEMU" in lab.virsh("version")
    assert lab.daemon_pid() is not None
    assert str(lab.folder) in lab.uri


def test_agent_answers(guest: Guest) -> None:
    assert guest.exec("uname -s").strip() == "Linux"


def test_counts_in_memory_and_on_each_disk(guest: Guest) -> None:
    for read in (
        guest.ram_counter,
        guest.read_ram_counter,
        guest.read_disk_counter,
        lambda: guest.read_disk_counter("vdb"),
    ):
        before = read()
        wait_until(lambda read=read, before=before: read() > before, 10, "the counter to rise")  # type: ignore[misc]


def test_freeze_stops_the_disk_but_not_memory(lab: Lab, guest: Guest) -> None:
    guest.lab.virsh("domfsfreeze", guest.name)
    try:
        assert guest.frozen()
        ram = guest.ram_counter()
        wait_until(lambda: guest.ram_counter() > ram + 3, 10, "memory to count while frozen")
    finally:
        lab.virsh("domfsthaw", guest.name)
    assert not guest.frozen()
    # What was written before the thaw is older than what memory counted meanwhile.
    wait_until(lambda: guest.read_disk_counter() > ram, 10, "the disk to go on")


def test_guest_survives_its_daemon(lab: Lab, guest: Guest) -> None:
    boot, ram, daemon = guest.boot_id(), guest.ram_counter(), lab.daemon_pid()
    lab.kill_daemon()
    assert lab.daemon_pid() is None
    wait_until(lambda: guest.ram_counter() > ram, 10, "the guest to count without libvirtd")
    lab.start_daemon()
    assert lab.daemon_pid() not in {None, daemon}
    guest.wait_agent()
    assert guest.boot_id() == boot


def test_power_cut_and_clean_end_differ_on_disk(guest: Guest) -> None:
    counted = guest.read_disk_counter()
    guest.destroy()
    guest.start()
    guest.wait_agent()
    assert guest.repaired()
    assert guest.read_boot_counter() >= counted
    guest.shutdown()
    guest.start()
    guest.wait_agent()
    assert not guest.repaired()


def test_guest_of_a_dead_session_is_swept(lab: Lab) -> None:
    """The sweep of `open` takes labs whose process is gone and leaves those that live."""
    from .lab import Lab as AnyLab
    from .lab import sweep

    dead = AnyLab().open()
    assert dead._lock is not None
    dead._lock.close()  # as the end of the process does
    sweep()  # or another session's, which comes to the same
    wait_until(lambda: not dead.folder.exists(), 10, "the dead session's lab to go")
    assert dead.daemon_pid() is None
    assert lab.daemon_pid() is not None


def test_names_that_hurt(lab: Lab) -> None:
    name = "a <b>&'\" [red]ü"
    guest = lab.define(name, disk_format="raw", agent=False)
    assert name in lab.virsh("list", "--all", "--name").splitlines()
    guest.start()
    guest.wait_counting()
    guest.remove()
