"""Pruning on the demo, as each platform would: what is kept is what it was, and can be restored as it could."""

from __future__ import annotations

from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from vmsnap_tui.model.errors import Failed
from vmsnap_tui.model.plan import Delete, Restore
from vmsnap_tui.model.retention import Policy, judged
from vmsnap_tui.model.vm import PlatformKind, Site
from vmsnap_tui.platforms.demo.platform import DemoPlatform

counts = some.integers(0, 2)
policies = some.builds(Policy, last=counts, daily=counts, weekly=counts)


@pytest.mark.parametrize("shape", ["libvirt", "openshift", "openstack"])
@given(policy=policies, first=some.integers(0, 7))
@settings(max_examples=12)
def test_what_is_kept_is_what_it_was(shape: str, policy: Policy, first: int) -> None:
    options = {"shape": shape, "now": "2026-03-02T12:00:00+00:00", "speed": "1000000"}
    platform = DemoPlatform(Site("demo", PlatformKind.DEMO, "", options=options))
    vms = [vm for page in platform.vms() for vm in page][first::8]  # each example its own
    for vm in vms:
        before = {each.id: each for each in platform.snapshots([vm.ref])[vm.ref]}
        could = {id_: not platform.facts(vm.ref).plan(Restore(each.ref)).refusals for id_, each in before.items()}
        kept = set()
        for verdict in reversed(judged(before.values(), policy, lambda at: at)):
            plan = platform.facts(vm.ref).plan(Delete(verdict.snapshot.ref))
            if verdict.is_kept or plan.refusals:
                kept.add(verdict.snapshot.id)
                continue
            try:
                for step in plan.steps:
                    platform.run(step, lambda _: None, Event())
            except Failed:  # some of the demo's vms are in trouble; then nothing is lost
                kept.add(verdict.snapshot.id)
        after = {each.id: each for each in platform.snapshots([vm.ref])[vm.ref]}
        assert after.keys() == kept
        for id_, left in after.items():
            was = before[id_]
            assert (left.ready, left.disks, left.memory, left.consistency) == (
                was.ready,
                was.disks,
                was.memory,
                was.consistency,
            )
            if could[id_]:
                assert not platform.facts(vm.ref).plan(Restore(left.ref)).refusals
