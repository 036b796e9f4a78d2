"""The application: themes, keys, and the engine's life."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.ui import themes
from vmsnap_tui.ui.bindings import APP
from vmsnap_tui.ui.clock import utc_now
from vmsnap_tui.ui.commands import Commands
from vmsnap_tui.ui.screens.main import MainScreen
from vmsnap_tui.ui.screens.quit import QuitScreen
from vmsnap_tui.ui.screens.themes import ThemeScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from textual.binding import Binding
    from textual.dom import DOMNode
    from textual.screen import Screen

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm


class VmsnapApp(App[int]):
    """Starts the engine and shows the main screen."""

    TITLE = "vmsnap"
    CSS_PATH = "app.tcss"
    BINDINGS = APP
    COMMANDS: ClassVar = {Commands}

    def __init__(
        self,
        engine: Engine,
        *,
        notice: str = "",
        theme: str = "",
        keys: Mapping[str, str] | None = None,
        confirm: Confirm = "type",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`keys` maps ids of bindings to keys, with commas between them."""
        super().__init__()
        self.engine = engine
        self._notice = notice
        self._keys = dict(keys or {})
        self._confirm: Confirm = confirm
        self._now = now
        found, self._broken = themes.load()
        for each in found.values():
            self.register_theme(each)
        self.theme_names: Sequence[str] = sorted(found)
        self._unknown_theme = theme if theme and theme not in self.available_themes else ""
        self.theme = theme if theme and not self._unknown_theme else themes.DEFAULT

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.fallbacks(self.current_theme)

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(self.engine, self._now, notice=self._notice, confirm=self._confirm)

    def on_mount(self) -> None:
        self.set_keymap(self._keys)
        for broken in self._broken:
            self.notify(str(broken), title="Theme not loaded", severity="warning", timeout=12, markup=False)
        if self._unknown_theme:
            words = f"There is no theme “{self._unknown_theme}”; there are {', '.join(self.theme_names)}."
            self.notify(words, severity="warning", timeout=12, markup=False)
        self._start()

    @work
    async def _start(self) -> None:
        """The screen is there before the first site is asked."""
        try:
            await self.engine.start()
        except VmsnapError as error:
            self.notify(str(error), severity="error", timeout=30, markup=False)

    async def on_unmount(self) -> None:
        await self.engine.stop()

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        del node
        names = ", ".join(sorted(binding.id or binding.action for binding in clashed_bindings))
        self.notify(f"Keys of the config file leave no key for: {names}.", severity="warning", markup=False)

    def action_log(self) -> None:
        from vmsnap_tui.ui.screens.log import LogScreen

        self.push_screen(LogScreen(self.engine))

    def action_help(self) -> None:
        from vmsnap_tui.ui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def action_themes(self) -> None:
        self.push_screen(ThemeScreen(self.theme_names))

    @work
    async def action_quit(self) -> None:  # type: ignore[override]  # a worker, since it may have to ask
        running = [job for job in self.engine.jobs.all() if not job.state.is_over]
        if not running or await self.push_screen_wait(QuitScreen(running)):
            self.exit(0)
