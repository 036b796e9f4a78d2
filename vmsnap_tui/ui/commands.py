"""What the command palette finds: every action, any vm by its name, every theme."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Provider

from vmsnap_tui.ui.screens.main import MainScreen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.command import Hits
    from textual.types import IgnoreReturnCallbackType

    from vmsnap_tui.ui.app import VmsnapApp

_BREATH = 500
"""Names looked through before the keyboard gets its turn."""
_MOST = 50
"""Vms shown for one search."""


class Commands(Provider):
    """Everything that can be done or gone to."""

    @property
    def _app(self) -> VmsnapApp:
        from vmsnap_tui.ui.app import VmsnapApp

        if not isinstance(self.app, VmsnapApp):
            raise TypeError(f"commands belong to {VmsnapApp.__name__}")
        return self.app

    def _actions(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        """Name, help and what to call, for each binding that is possible now."""
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not binding.description or binding.id in seen or not active.enabled:
                continue
            if binding.action == "command_palette" or (binding.id or "").startswith("list."):
                continue
            seen.add(binding.id or "")
            key = self.app.get_key_display(binding)
            run = partial(self.app.run_action, binding.action, active.node)
            yield f"{binding.description}  ({key})", binding.tooltip, run
        for name in self._app.theme_names:
            yield f"Theme: {name}", "Use these colours", partial(setattr, self.app, "theme", name)

    async def discover(self) -> Hits:
        """Without a search: all actions."""
        for name, tooltip, run in self._actions():
            yield DiscoveryHit(name, run, help=tooltip)

    async def search(self, query: str) -> Hits:
        """Actions by fuzzy match, vms whose name has the query in it."""
        match = self.matcher(query)
        for name, tooltip, run in self._actions():
            if (score := match.match(name)) > 0:
                yield Hit(score, match.highlight(name), run, help=tooltip)
        main = next((screen for screen in self.app.screen_stack if isinstance(screen, MainScreen)), None)
        if main is None:
            return
        wanted, found = query.casefold(), 0
        store = self._app.engine.store
        names = [(vm.name, vm.ref) for site in store.sites for vm in store.vms(site)]
        for number, (name, ref) in enumerate(names):
            if number % _BREATH == 0:
                await asyncio.sleep(0)
            if wanted in name.casefold():
                run = partial(main.go_to_vm, ref)
                yield Hit(match.match(name), match.highlight(name), run, text=name, help=f"Go to this VM on {ref.site}")
                found += 1
                if found == _MOST:
                    return
