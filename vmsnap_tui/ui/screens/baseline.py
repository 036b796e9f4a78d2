"""One plan for the new baseline of a lab: what it will be worth on each vm, and who refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.widgets import Static

from vmsnap_tui.engine import labs
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks
from vmsnap_tui.ui.screens.dialogue import SummaryFrame, label
from vmsnap_tui.ui.widgets.confirm_bar import ConfirmBar, Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.model.vm import Vm

_WORDS = (
    "A snapshot of each is taken now, by its best method. It is protected, and marked on the platform, so that "
    "everybody sees it. The baseline before stays as a snapshot like any other."
)


class BaselineScreen(SummaryFrame[bool]):
    """Reads the facts of all, and ends with whether it was confirmed."""

    verb = "Take it"

    def __init__(self, engine: Engine, name: str, vms: Sequence[Vm]) -> None:
        super().__init__()
        self._engine = engine
        self._lab_name = name
        self._vms = vms

    def heading(self) -> str:
        """Of which lab."""
        return f"New baseline of {self._lab_name}"

    @property
    def result(self) -> bool | None:
        """Yes."""
        return True

    async def on_mount(self) -> None:
        """Say what it is."""
        count = len(self._vms)
        await self.query_one("#options").mount(
            label(f"{count} VM{'s' * (count != 1)}", first=True), Static(_WORDS, markup=False)
        )
        self._plan()

    @work(exclusive=True)
    async def _plan(self) -> None:
        bar = self.query_one(ConfirmBar)
        self.reading(len(self._vms))
        plans = await labs.baseline_planned(self._engine, self._lab_name, self._vms)
        self.show_summary(_lines(self._vms, plans))
        able = any(not isinstance(each, str) and not each.refusals for each in plans)
        bar.ask(Question(self.heading(), able, False, ""))
        bar.attend()


def _lines(vms: Sequence[Vm], plans: Sequence[Plan | str]) -> Iterator[Content]:
    able = sum(not isinstance(each, str) and not each.refusals for each in plans)
    left = len(plans) - able
    yield Content.styled(f"{able} get a new one" + (f", {left} cannot" if left else ""), "bold")
    yield Content()
    for vm, plan in zip(vms, plans, strict=True):
        name = (clean(vm.name), "bold")
        why = plan if isinstance(plan, str) else plan.refusals[0].why if plan.refusals else ""
        if isinstance(plan, str) or why:
            yield Content.assemble(name, (f"  {marks.REFUSED.glyph} {clean(why)}", "$text-error"))
            continue
        worth = marks.mark(plan.consistency) if plan.consistency else None
        yield Content.assemble(name, "  ", (worth.text, f"${worth.style}") if worth else "")
        for caution in plan.cautions:
            yield Content.assemble((f"  {marks.CAUTION.glyph} ", "$warning"), clean(caution))
