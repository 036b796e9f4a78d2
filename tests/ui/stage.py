"""The whole app on demo sites, driven by keys and looked at as lines of text."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textual import events
from textual._context import visible_screen_stack
from textual.widgets import Footer

from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.platforms.demo.platform import DemoPlatform
from vmsnap_tui.platforms.demo.sites import demo_sites
from vmsnap_tui.ui.app import VmsnapApp
from vmsnap_tui.ui.screens.main import MainScreen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from textual.message_pump import MessagePump
    from textual.pilot import Pilot

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Site, VmRef
    from vmsnap_tui.platforms.demo.world import World
    from vmsnap_tui.platforms.protocol import Platform
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm

NOW = datetime(2026, 3, 14, 15, 0, tzinfo=UTC)
"""When the demo worlds begin, and what the app's clock says throughout."""
PATIENCE = 30.0
WIDE, NARROW = (120, 36), (80, 24)


class Stage:
    """An app that runs, with the demo worlds behind it."""

    def __init__(self, app: VmsnapApp, pilot: Pilot[int], platforms: dict[str, DemoPlatform]) -> None:
        self.app = app
        self.pilot = pilot
        self.platforms = platforms

    @property
    def main(self) -> MainScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    def world(self, site: str = "kvm-rack7") -> World:
        return self.platforms[site].world

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        # What a dialogue lets shine through is found here, and kept by whoever draws it first, the app or this.
        visible_screen_stack.set(self.app._background_screens)
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def toasts(self) -> str:
        """All that was told by itself."""
        return "\n".join(f"{note.title} {note.message}" for note in self.app._notifications)

    async def press(self, *keys: str) -> None:
        """Press keys, by Textual's names, one after the other."""
        for key in keys:
            await self._key(key, key if len(key) == 1 else None)

    async def type(self, text: str) -> None:
        names = {"-": "minus", ":": "colon", ".": "full_stop", "/": "slash", " ": "space"}
        for char in text:
            await self._key(names.get(char, char), char)

    async def _key(self, key: str, char: str | None) -> None:
        self.app.post_message(events.Key(key, char))
        await self.settled()

    async def settled(self) -> None:
        """Wait until all messages are handled, those too that came of them.

        Textual's pilot waits instead for a processor that is idle, which on a busy machine is a second for each key,
        and for answers of widgets that may be taken away meanwhile, which is half a minute.
        """
        end = time.monotonic() + PATIENCE
        while True:
            waiting: set[MessagePump] = set()
            one_more = asyncio.Event()

            def handled(node: MessagePump, waiting: set[MessagePump] = waiting, one: asyncio.Event = one_more) -> None:
                waiting.discard(node)
                one.set()

            for node in self._nodes:
                if node.call_later(handled, node):
                    waiting.add(node)
            while any(node.is_running for node in waiting):
                assert time.monotonic() < end, f"still busy: {waiting}"
                one_more.clear()
                with suppress(TimeoutError):  # one that is taken away does not answer
                    await asyncio.wait_for(one_more.wait(), 0.05)
            if all(node._message_queue.empty() for node in self._nodes):
                return

    @property
    def _nodes(self) -> list[MessagePump]:
        """All that handles messages now."""
        return [self.app, *self.app.screen.walk_children(with_self=True)]

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait until something is so, and what follows from it is on the screen."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"never came: {what}\n{self.text}\n{self.toasts}")
            await asyncio.sleep(0.01)
        await self.settled()

    async def see(self, *words: str) -> None:
        """Wait until these words are on the screen."""
        await self.until(lambda: all(word in self.text for word in words), f"{words}")

    async def still(self) -> None:
        """Wait until the screen has stopped changing.

        Looks are counted, not time: a machine that lets the app wait for long would make any screen look still.
        """
        seen, same = "", 0
        end = time.monotonic() + PATIENCE
        while same < 10 or not all(footer.children for footer in self.app.screen.query(Footer)):
            await self.settled()
            await asyncio.sleep(0.02)
            seen, same = self.text, same + 1 if self.text == seen else 0
            assert time.monotonic() < end, "the screen never stops changing"

    async def go_to(self, name: str) -> VmRef:
        """Choose a vm as the palette does."""
        ref = (await self.app.engine.find(name)).ref
        self.main.go_to_vm(ref)
        await self.until(lambda: self.main.graph.border_title and name in str(self.main.graph.border_title), name)
        return ref

    def snapshots(self, ref: VmRef) -> Sequence[Snapshot]:
        return self.app.engine.store.snapshots(ref) or ()


@asynccontextmanager
async def stage(
    state: Path,
    *,
    size: tuple[int, int] = WIDE,
    speed: float = 200.0,
    sites: Sequence[Site] | None = None,
    read_only: bool = False,
    theme: str = "",
    keys: dict[str, str] | None = None,
    confirm: Confirm = "type",
    wait: bool = True,
    prepare: Callable[[dict[str, DemoPlatform]], None] | None = None,
) -> AsyncIterator[Stage]:
    """Start the app on demo sites. `prepare` sets the worlds up before the engine asks them anything."""
    sites = demo_sites(now=NOW, speed=speed) if sites is None else sites
    platforms = {site.name: DemoPlatform(site) for site in sites}
    if prepare:
        prepare(platforms)

    def platform(site: Site) -> Platform:
        return platforms[site.name]

    engine = Engine(sites, state=state, read_only=read_only, platform=platform)
    app = VmsnapApp(engine, theme=theme, keys=keys, confirm=confirm, now=lambda: NOW)
    async with app.run_test(size=size, notifications=True) as pilot:
        it = Stage(app, pilot, platforms)
        if wait:
            await engine.loaded(snapshots=True)
            store = engine.store
            await it.until(lambda: it.main.inventory.shown == sum(len(store.vms(name)) for name in store.sites))
        yield it
