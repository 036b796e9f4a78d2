"""Guests with snapshots to prove things on, and an engine to act with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import Moment, admin_at, took

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.lab.libvirt.lab import Guest, Lab
    from tests.lab.libvirt.proofs import Admin


@pytest.fixture
async def admin(lab: Lab, tmp_path: Path) -> AsyncIterator[Admin]:
    async with admin_at(lab, tmp_path / "state") as admin:
        yield admin


@pytest.fixture(scope="module")
def quiet_afterwards(lab: Lab) -> Iterator[None]:
    """No guest goes on counting when a module's tests are over: under emulation each takes a quarter of a core."""
    yield
    for name in filter(None, lab.virsh("list", "--name").splitlines()):
        lab.virsh("destroy", name)


@dataclass(frozen=True)
class Taken:
    """A guest, and the moments in which its snapshots were taken, by their names."""

    guest: Guest
    moments: dict[str, Moment]


@pytest.fixture(scope="session")
def outer(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """A guest with an external snapshot of each kind: the last one taken while it was off."""
    methods = {
        "crash": "external",
        "frozen": "external-quiesced",
        "memory": "external-memory",
        "memory-paused": "external-memory-paused",
    }
    return asyncio.run(_taken(lab, "outer", methods, "external", tmp_path_factory.mktemp("outer")))


@pytest.fixture(scope="session")
def inner(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """The same with internal ones."""
    return asyncio.run(_taken(lab, "inner", {"live": "internal"}, "internal", tmp_path_factory.mktemp("inner")))


@pytest.fixture
def taken(request: pytest.FixtureRequest) -> Taken:
    """One of them, by the name of its fixture."""
    found: Taken = request.getfixturevalue(request.param)
    return found


async def _taken(lab: Lab, name: str, methods: dict[str, str], off: str, state: Path) -> Taken:
    guest = lab.boot(name)
    async with admin_at(lab, state) as admin:
        moments = {each: await took(admin, guest, each, method) for each, method in methods.items()}
        # A paused guest counts nothing: here the number is known exactly.
        boot = guest.boot_id()
        lab.virsh("suspend", name)
        still = guest.ram_counter()
        await admin.take(guest, "still", "external-memory" if off == "external" else off)
        moments["still"] = Moment(0, still, still, boot)
        lab.virsh("resume", name)
        guest.shutdown()
        await admin.take(guest, "off", off)
        moments["off"] = Moment(0, 0, 0, "")
    return Taken(guest, moments)
