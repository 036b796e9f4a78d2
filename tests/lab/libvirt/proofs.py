"""Acting through the engine, and proving from the outside what came of it."""

from __future__ import annotations

import asyncio
import time
import xml.etree.ElementTree as ET
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.lab.libvirt.lab import LabError
from tests.ui.stage import WIDE, Stage
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.engine.locations import state_folder
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.ui.app import VmsnapApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    import pytest

    from tests.lab.libvirt.lab import Guest, Lab
    from vmsnap_tui.engine.jobs import Job
    from vmsnap_tui.model.plan import Plan, Request
    from vmsnap_tui.model.snapshot import Snapshot

SITE = "lab"
PATIENCE = 120.0


def lab_site(lab: Lab) -> Site:
    return Site(SITE, PlatformKind.LIBVIRT, lab.uri)


def ref(guest: Guest) -> VmRef:
    return VmRef(SITE, guest.lab.virsh("domuuid", "--domain", guest.name).strip())


async def until(condition: Callable[[], object], what: str, *, patience: float = PATIENCE) -> None:
    """Wait on the loop until something is so."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {patience:.0f} s still waiting for {what}")
        await asyncio.sleep(0.02)


class Admin:
    """Somebody who works with the engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def submit(self, request: Request) -> Job:
        plan = await self.engine.plan(request)
        assert not plan.refusals, plan.refusals
        return await self.engine.jobs.submit(plan)

    async def tried(self, request: Request) -> Job:
        """The job, once it is over, however it ended."""
        return await self.engine.jobs.wait((await self.submit(request)).id)

    async def do(self, request: Request) -> Plan:
        """Do it to a good end."""
        job = await self.tried(request)
        assert job.state is JobState.DONE, f"{job.state}: {job.error}"
        return job.plan

    async def take(self, guest: Guest, name: str, method: str = "") -> Snapshot:
        """Take one; what it was planned to be worth is what it is worth."""
        plan = await self.do(Take(ref(guest), name, method=method))
        taken = (await self.snapshots(guest))[name]
        assert taken.consistency is plan.consistency
        return taken

    async def snapshots(self, guest: Guest) -> dict[str, Snapshot]:
        """By name, as they are now."""
        return {snapshot.name: snapshot for snapshot in (await self.engine.facts(ref(guest))).snapshots}

    async def tree(self, guest: Guest) -> dict[str, str | None]:
        """Name to the name of the parent."""
        return {name: snapshot.parent for name, snapshot in (await self.snapshots(guest)).items()}


def admin_at(lab: Lab, state: Path) -> AbstractAsyncContextManager[Admin]:
    """An engine that follows the lab."""
    return admin_of(lab_site(lab), state)


@asynccontextmanager
async def admin_of(site: Site, state: Path) -> AsyncIterator[Admin]:
    """An engine that follows a site."""
    engine = Engine([site], state=state)
    await engine.start()
    try:
        await engine.loaded()
        yield Admin(engine)
    finally:
        await engine.stop()


@asynccontextmanager
async def app_at(lab: Lab, state: Path) -> AsyncIterator[Stage]:
    """The whole app on the lab, driven by keys."""
    app = VmsnapApp(Engine([lab_site(lab)], state=state))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        it = Stage(app, pilot, {})
        await app.engine.loaded(snapshots=True)
        await it.until(lambda: it.main.inventory.key is not None)
        yield it


def run_elsewhere(lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let vmsnap find the lab, and nothing of this machine's user. Returns the state folder."""
    config = folder / "config.toml"
    config.write_text(f'[[sites]]\nname = "{SITE}"\nkind = "libvirt"\naddress = "{lab.uri}"\n')
    monkeypatch.setenv("VMSNAP_CONFIG", str(config))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "xdg-state"))
    monkeypatch.setenv("NO_COLOR", "1")
    return state_folder()


@dataclass(frozen=True)
class Moment:
    """What was counted right before and right after a snapshot was taken, and in which boot."""

    disk: int
    ram: int
    after: int
    boot: str


async def took(admin: Admin, guest: Guest, name: str, method: str) -> Moment:
    """Take a snapshot of a guest that counts, and let it count on, so that neighbours differ."""
    disk, ram, boot = guest.read_disk_counter(), guest.ram_counter(), guest.boot_id()
    await admin.take(guest, name, method)
    after = guest.ram_counter()
    await until(lambda: guest.read_disk_counter() > after + 2, "the counter to go on")
    return Moment(disk, ram, after, boot)


def ticks(guest: Guest) -> list[int]:
    """What this QEMU has heard from memory so far. The first and the last line may be halves, and are left out."""
    return [int(line) for line in guest._ticks.read_bytes().split(b"\n")[1:-1]]


def outside_view(guest: Guest) -> tuple[object, ...]:
    """All that an action may change, as virsh and the file system show it."""
    names = sorted(guest.lab.virsh("snapshot-list", "--domain", guest.name, "--name").splitlines())
    records = tuple(guest.lab.virsh("snapshot-dumpxml", guest.name, "--snapshotname", name) for name in names if name)
    files = frozenset(path.name for path in guest.folder.iterdir())
    return guest.state(), guest.lab.virsh("domblklist", guest.name), records, files


def layer_of(guest: Guest, snapshot: str, disk: str = "vda") -> Path:
    """The file that a disk wrote to when the snapshot was taken, says libvirt's record."""
    record = ET.fromstring(guest.lab.virsh("snapshot-dumpxml", guest.name, "--snapshotname", snapshot))
    for element in record.iterfind("domain/devices/disk"):
        target, source = element.find("target"), element.find("source")
        if target is not None and source is not None and target.get("dev") == disk:
            return Path(source.get("file", ""))
    raise LabError(f"{snapshot} of {guest.name} says nothing of {disk}")


@dataclass(frozen=True)
class FileSystem:
    """An ext4 on a layer, looked at without mounting it."""

    needs_recovery: bool
    is_sound: bool
    counter: int
    """What the last complete write left, read as if there were no journal."""


def file_system(lab: Lab, layer: Path, *internal: str) -> FileSystem:
    """What a layer holds; with `internal`, what that internal snapshot in it holds."""
    with TemporaryDirectory() as folder:
        raw = Path(folder, "raw")
        chosen = tuple(part for name in internal for part in ("-l", f"snapshot.name={name}"))
        shared = () if internal else ("-U",)
        lab.tool("qemu-img", "convert", *shared, *chosen, "-O", "raw", layer, raw)
        head = lab.tool("dumpe2fs", "-h", raw)
        features = next(line for line in head.splitlines() if line.startswith("Filesystem features:"))
        needs_recovery = "needs_recovery" in features.split()
        try:
            lab.tool("e2fsck", "-f", "-n", raw)
        except LabError:
            is_sound = False
        else:
            is_sound = True
        counter = int(lab.tool("debugfs", "-R", "cat /counter", raw).strip() or 0)
    return FileSystem(needs_recovery, is_sound, counter)
