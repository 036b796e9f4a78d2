"""An engine on the demo's sites, and what a test reaches into behind its back."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.platforms.demo.platform import DemoPlatform
from vmsnap_tui.platforms.demo.sites import demo_sites

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from vmsnap_tui.model.vm import Site

platforms: dict[str, DemoPlatform] = {}
"""Those of the engine that was made last, by their sites' names."""


def remembered(site: Site) -> DemoPlatform:
    platforms[site.name] = DemoPlatform(site)
    return platforms[site.name]


@asynccontextmanager
async def demo_engine(state: Path, now: datetime, *, only: str = "", speed: float = 1000.0) -> AsyncIterator[Engine]:
    """`now` is when the demo's worlds begin; `only` is the one site that there is."""
    sites = [site for site in demo_sites(now=now, speed=speed) if only in {"", site.name}]
    found = Engine(sites, platform=remembered, follow=False, state=state)
    await found.start()
    try:
        yield found
    finally:
        await found.stop()
