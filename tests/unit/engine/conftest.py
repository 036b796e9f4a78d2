"""Engines on fake worlds, stopped when the test ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.fake import World, site
from vmsnap_tui.engine import follow
from vmsnap_tui.engine.engine import Engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from vmsnap_tui.model.vm import Site

    Begin = Callable[..., Awaitable[Engine]]


@pytest.fixture
def world() -> Iterator[World]:
    """A world, whose gates are all opened at the end, so that no thread is left hanging."""
    one = World()
    yield one
    one.open_all()


@pytest.fixture
async def begin(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Begin]:
    """Starts an engine on the world. Pauses between attempts are short."""
    monkeypatch.setattr(follow, "SHORTEST", 0.02)
    engines: list[Engine] = []

    async def start(*sites: Site, follow: bool = True, read_only: bool = False) -> Engine:
        engine = Engine(sites or (site(),), state=tmp_path, platform=world.create, follow=follow, read_only=read_only)
        engines.append(engine)
        await engine.start()
        return engine

    yield start
    world.open_all()
    for engine in engines:
        await engine.stop()
