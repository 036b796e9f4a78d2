"""The whole app on a site of any size."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from tests.bench.scale import SITE, ScalePlatform
from tests.bench.sink import SIZE, Sink
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.ui.app import VmsnapApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.app import App

AppT = TypeVar("AppT", bound="App[int] | App[None]")


@asynccontextmanager
async def running(app: AppT) -> AsyncIterator[AppT]:
    """Run an app until it has mounted, and then as long as wanted."""
    task = asyncio.create_task(app.run_async(size=SIZE))
    while not (app.is_running and app.screen_stack and app.screen.is_mounted):
        if task.done():
            task.result()
            raise RuntimeError("the app ended before it began")
        await asyncio.sleep(0.01)
    yield app
    app.exit()
    await task


@asynccontextmanager
async def whole_app(*, vms: int, snapshots: int, tall: int) -> AsyncIterator[VmsnapApp]:
    """vmsnap with a site read in full; the first vm has `tall` snapshots."""
    with TemporaryDirectory() as state:
        engine = Engine([SITE], state=Path(state), platform=lambda _: ScalePlatform(vms, snapshots, tall))
        async with running(VmsnapApp(engine)) as app:
            await engine.loaded(snapshots=True)
            yield app


def sink_of(app: App[int] | App[None]) -> Sink:
    """Where an app paints to."""
    driver = app._driver
    assert isinstance(driver, Sink)
    return driver
