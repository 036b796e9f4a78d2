"""On Nova's own libvirt driver: what a snapshot of a real guest holds, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import SITE, admin_of, file_system, ref, until
from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.model.plan import Restore, Take
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import PlatformKind, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.lab.libvirt.lab import Guest
    from tests.lab.libvirt.proofs import Admin, FileSystem
    from tests.lab.openstack.virt import VirtHost
    from vmsnap_tui.model.snapshot import Snapshot


@pytest.fixture
async def admin(virt_cloud: VirtHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Admin]:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(virt_cloud.cloud.clouds_yaml))
    site = Site(SITE, PlatformKind.OPENSTACK, virt_cloud.cloud.cloud)
    async with admin_of(site, tmp_path / "state") as admin:
        yield admin


@pytest.fixture(scope="module")
def quiescing(virt_cloud: VirtHost) -> Guest:
    """Its image demands a freeze; each test leaves it running, with its agent."""
    return virt_cloud.boot("virt-quiescing", require_quiesce=True)


def held(virt_cloud: VirtHost, snapshot: Snapshot) -> FileSystem:
    """What is in the image of a snapshot."""
    return file_system(virt_cloud.lab, virt_cloud.image_file(snapshot.ref.id))


async def test_a_live_snapshot_freezes_the_guest_and_a_rebuild_brings_it_back(
    virt_cloud: VirtHost, admin: Admin, quiescing: Guest
) -> None:
    guest = quiescing
    guest.set_hook('echo "$1" >> /run/heard')
    boot, before = guest.boot_id(), guest.read_disk_counter()
    snapshot = await admin.take(guest, "frozen")
    after = guest.read_disk_counter()
    assert guest.exec("cat /run/heard").split() == ["freeze", "thaw"]
    assert not guest.frozen()
    assert guest.boot_id() == boot
    kept = held(virt_cloud, snapshot)
    assert kept.is_sound
    assert not kept.needs_recovery
    assert before <= kept.counter <= after

    await until(lambda: guest.read_disk_counter() > after + 2, "the guest to write what is lost")
    await admin.do(Restore(snapshot.ref))
    guest.wait_agent()
    assert guest.boot_id() != boot
    assert guest.read_boot_counter() == kept.counter
    assert not guest.repaired()
    assert (await admin.snapshots(guest))["frozen"].current


async def test_a_stopped_server_is_clean(virt_cloud: VirtHost, admin: Admin, quiescing: Guest) -> None:
    guest, compute = quiescing, virt_cloud.cloud.connect().compute
    server = ref(guest).id
    counted = guest.read_disk_counter()
    compute.stop_server(server)
    compute.wait_for_server(compute.get_server(server), status="SHUTOFF", interval=0.2)
    snapshot = await admin.take(guest, "off")
    assert snapshot.consistency is Consistency.CLEAN
    kept = held(virt_cloud, snapshot)
    assert kept.is_sound
    assert not kept.needs_recovery
    assert kept.counter >= counted
    assert guest.state() == "shut off"
    compute.start_server(server)
    guest.wait_agent()
    assert not guest.repaired()


async def test_what_nova_took_without_the_freeze_that_was_demanded_is_not_called_frozen(
    virt_cloud: VirtHost, admin: Admin, quiescing: Guest
) -> None:
    """When the agent does not answer, Nova's driver goes on, whatever the image demands, and tells its log alone."""
    guest = quiescing
    # The answer to this very command is awaited: the agent goes a moment later, and is not started anew.
    guest.exec("(sleep 1; mv /bin/qemu-ga /bin/gone; kill $(pidof qemu-ga)) >/dev/null 2>&1 &")
    await until(lambda: not guest.agent_answers(), "the agent to be gone")
    snapshot = await admin.take(guest, "unfrozen")
    virt_cloud.lab.virsh("reset", guest.name)  # starts the agent again
    guest.wait_agent()
    if not held(virt_cloud, snapshot).needs_recovery:
        pytest.fail("Nova froze it after all")
    assert snapshot.consistency is not Consistency.FILESYSTEM


async def test_without_an_agent_it_is_as_after_a_power_cut(virt_cloud: VirtHost, admin: Admin) -> None:
    guest = virt_cloud.boot("virt-plain", agent=False)
    snapshot = await admin.take(guest, "crash")
    assert snapshot.consistency is Consistency.CRASH
    assert held(virt_cloud, snapshot).needs_recovery
    assert guest.state() == "running"


async def test_a_freeze_that_nova_cannot_even_try_leaves_nothing(virt_cloud: VirtHost, admin: Admin) -> None:
    guest = virt_cloud.boot("virt-unable", agent=False, require_quiesce=True)
    job = await admin.tried(Take(ref(guest), "never"))
    assert job.state is JobState.FAILED
    assert "removed the image" in str(job.error)  # why, it tells the host's log alone
    assert await admin.snapshots(guest) == {}
    assert not list(virt_cloud.cloud.connect().image.images(instance_uuid=ref(guest).id))
    assert virt_cloud.cloud.connect().compute.get_server(ref(guest).id).task_state is None
    assert guest.state() == "running"
