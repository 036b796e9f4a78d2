"""A plan shown by itself: when the world has moved since it was made, or before a thaw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

from vmsnap_tui.ui.screens.dialogue import PlanFrame
from vmsnap_tui.ui.widgets.plan_view import NEW

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm


class PlanScreen(PlanFrame):
    """Asks once more for a plan. With `before`, the plan as it was confirmed, it shows what has changed."""

    DEFAULT_CSS = """
    PlanScreen.-wide #plan { border-left: none; }
    PlanScreen #options.-empty { display: none; }
    """

    verb = "Go on"

    def __init__(self, plan: Plan, *, before: Plan | None = None, confirm: Confirm = "type") -> None:
        super().__init__(confirm=confirm)
        self._first = plan
        self._before = before

    def heading(self) -> str:
        """The plan's own title."""
        return self._first.title

    async def on_mount(self) -> None:
        """Show the plan, and what is new in it."""
        column = self.query_one("#options")
        column.set_class(self._before is None, "-empty")
        if self._before is not None:
            words = f"The world has moved since you confirmed, so nothing was done.\n\n{NEW} marks what is new."
            await column.mount(Static(words, markup=False))
        self.show(self._first, before=self._before)
