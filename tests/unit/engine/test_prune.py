"""A prune that is asked to stop deletes nothing more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vmsnap_tui.engine import prune
from vmsnap_tui.engine.ask import NOT_BEGUN
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.model.retention import Policy
from vmsnap_tui.platforms.demo.platform import DemoPlatform
from vmsnap_tui.platforms.demo.sites import demo_sites

if TYPE_CHECKING:
    from pathlib import Path


async def test_nothing_more_is_deleted_once_it_is_to_stop(tmp_path: Path) -> None:
    sites = [site for site in demo_sites(now=datetime(2026, 3, 2, tzinfo=UTC), speed=1000) if site.name == "kvm-rack7"]
    engine = Engine(sites, platform=DemoPlatform, follow=False, state=tmp_path)
    await engine.start()
    pruning = await prune.planned(engine, await engine.find("web-02"), Policy(last=1))
    assert len(pruning.doomed) > 1
    job = prune.begin(engine, [pruning])
    engine.groups.cancel(job.id)
    ended = await engine.groups.wait(job.id)
    assert ended.outcome == f"0 of {len(pruning.doomed)} deleted"
    [member] = ended.members
    assert (member.state, NOT_BEGUN in member.words) == (JobState.CANCELLED, True)
    facts = await engine.facts(pruning.vm.ref)
    assert {each.id for each in pruning.doomed} <= {each.id for each in facts.snapshots}
    await engine.stop()
