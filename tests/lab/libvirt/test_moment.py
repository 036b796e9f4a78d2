"""Several guests back to one moment, seen by the counters on their disks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import PATIENCE, ref, took
from vmsnap_tui.engine import group
from vmsnap_tui.model.moment import pick, spread

if TYPE_CHECKING:
    from tests.lab.libvirt.lab import Lab
    from tests.lab.libvirt.proofs import Admin

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

GUESTS = 6


async def test_six_guests_back_to_a_moment(lab: Lab, admin: Admin) -> None:
    guests = [lab.define(f"member-{number}") for number in range(GUESTS)]
    for guest in guests:
        guest.start()
    for guest in guests:
        await asyncio.to_thread(guest.wait_agent, PATIENCE)
    try:
        then = [await took(admin, guest, "wanted", "external-quiesced") for guest in guests]
        moment = max([(await admin.snapshots(guest))["wanted"].created for guest in guests])
        for guest in guests:
            await took(admin, guest, "later", "external-quiesced")
        picks = []
        for guest in guests:
            facts = await admin.engine.facts(ref(guest))
            picks.append(pick(facts.vm, facts.snapshots, moment))
        assert [each.snapshot.name for each in picks if each.snapshot] == ["wanted"] * GUESTS
        width = spread(picks)
        assert width is not None
        assert width.total_seconds() < PATIENCE
        parts = await group.planned(admin.engine, picks)
        done = await group.restore(admin.engine, parts, lambda _: None)
        assert [each.problem for each in done] == [""] * GUESTS
        for guest, counted in zip(guests, then, strict=True):
            if guest.state() == "shut off":
                guest.start()
            await asyncio.to_thread(guest.wait_agent, PATIENCE)
            assert counted.disk <= guest.read_boot_counter() <= counted.after, guest.name
            assert guest.boot_id() != counted.boot
    finally:
        for guest in guests:
            guest.destroy()
