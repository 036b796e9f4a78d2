"""Several guests back to one moment, and what a policy keeps, seen by the counters on the disks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.lab.libvirt.proofs import PATIENCE, ref, took
from vmsnap_tui.engine import group, prune
from vmsnap_tui.model.moment import pick, spread
from vmsnap_tui.model.plan import Restore
from vmsnap_tui.model.retention import Policy

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
        for guest in guests:
            if guest.state() == "shut off":
                guest.start()
        for guest, counted in zip(guests, then, strict=True):
            await asyncio.to_thread(guest.wait_agent, PATIENCE)
            assert counted.disk <= guest.read_boot_counter() <= counted.after, guest.name
            assert guest.boot_id() != counted.boot
    finally:
        for guest in guests:
            guest.destroy()


async def test_pruned_to_what_is_kept(lab: Lab, admin: Admin) -> None:
    """What stays can still be restored, and nothing is left over of what went."""
    guest = lab.boot("pruned")
    try:
        for number in range(5):
            await took(admin, guest, f"s{number}", "external")
        counted = await took(admin, guest, "newest", "external-quiesced")
        vm = await admin.engine.find(f"{ref(guest).site}/{guest.name}")
        pruning = await prune.planned(admin.engine, vm, Policy(last=2))
        assert [each.name for each in pruning.doomed] == ["s0", "s1", "s2", "s3"]
        ended = await prune.prune(admin.engine, pruning, lambda _: None)
        assert [each.problem for each in ended] == [""] * 4
        assert set(await admin.snapshots(guest)) == {"s4", "newest"}
        survey = await admin.engine.survey(ref(guest).site)
        assert not [each for each in survey.findings if each.vm == ref(guest)]
        files = {path for path in guest.folder.iterdir() if path.name.startswith("vda")}
        assert len(files) == 3  # what "now" writes to, and one for each
        await admin.do(Restore((await admin.snapshots(guest))["newest"].ref))
        if guest.state() == "shut off":
            guest.start()
        await asyncio.to_thread(guest.wait_agent, PATIENCE)
        assert counted.disk <= guest.read_boot_counter() <= counted.after
    finally:
        guest.destroy()
