"""One plan for the reset of a lab, and one yes; and the plain yes that other keys of a lab ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.widgets import Static

from vmsnap_tui.engine import labs
from vmsnap_tui.model.order import waves
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks
from vmsnap_tui.present.card import unseen_words
from vmsnap_tui.present.losses import in_all
from vmsnap_tui.present.order import in_words
from vmsnap_tui.ui.plan_lines import plan_lines
from vmsnap_tui.ui.screens.dialogue import SummaryFrame, label
from vmsnap_tui.ui.widgets.confirm_bar import ConfirmBar, Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.labs import SeatPlan
    from vmsnap_tui.model.lab import Seat
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm

Plans = tuple["SeatPlan", ...]


class ResetScreen(SummaryFrame[Plans]):
    """Reads the facts of all, and ends with the plans that were confirmed."""

    verb = "Reset"

    def __init__(self, engine: Engine, name: str, seats: Sequence[Seat], *, confirm: Confirm) -> None:
        super().__init__(confirm=confirm)
        self._engine = engine
        self._lab_name = name
        self._seats = seats
        self._plans: Plans | None = None

    def heading(self) -> str:
        """Which lab, and how many of it."""
        return f"Reset {self._lab_name}: {len(self._seats)} VM{'s' * (len(self._seats) != 1)}"

    @property
    def result(self) -> Plans | None:
        """What was planned."""
        return self._plans

    async def on_mount(self) -> None:
        """Say what a reset is."""
        sites = sorted({seat.vm.ref.site for seat in self._seats})
        limits = [f"{site}: {self._engine.store.sites[site].site.jobs} at a time" for site in sites]
        rank = labs.rank_in(self._engine, self._lab_name)
        order = in_words(waves([seat.vm for seat in self._seats], rank))
        await self.query_one("#options").mount(
            label("What is done", first=True),
            Static(
                "Each VM goes back to its baseline and is started. Then its guest agent is waited for, or where there "
                "is none, the platform's word that it runs. A failure stops only its own VM.",
                markup=False,
            ),
            label("As many as the sites allow"),
            Static("\n".join(limits), markup=False),
            *self._doubt(),
            *((label("In what order"), Static(order, markup=False)) if order else ()),
        )
        self._plan()

    def _doubt(self) -> Iterator[Static]:
        words = unseen_words(labs.unseen(self._engine))
        if words:
            yield label("What may be missing")
            yield Static(Content.styled(f"{marks.CAUTION.glyph} {words}", "$text-warning"))

    @work(exclusive=True)
    async def _plan(self) -> None:
        bar = self.query_one(ConfirmBar)
        self.reading(len(self._seats))
        self._plans = plans = await labs.planned(self._engine, self._seats)
        self.show_summary(_lines(plans))
        able = [each for each in plans if each.can_run]
        destructive = any(each.plan.is_destructive for each in able if each.plan)
        bar.ask(Question(plans, bool(able), destructive, f"reset {len(able)}"))
        bar.attend()


def _lines(plans: Plans) -> Iterator[Content]:
    able = [each for each in plans if each.can_run]
    left = len(plans) - len(able)
    yield Content.styled(f"{len(able)} go back" + (f", {left} cannot" if left else ""), "bold")
    lost = in_all(each.plan for each in able if each.plan)
    yield Content.assemble(("Lost in all: ", "bold $text-error"), lost) if lost else Content("Nothing is lost.")
    for each in sorted(plans, key=lambda each: each.can_run):
        yield Content()
        target = each.seat.baseline
        worth = marks.mark(target.consistency) if target else None
        yield Content.assemble(
            (clean(each.seat.vm.name), "bold"),
            f" → {clean(target.name)}  " if target else "  ",
            (worth.text if worth else "", f"${worth.style}" if worth else ""),
        )
        if each.plan is None:
            yield Content.styled(f"  {marks.REFUSED.glyph} {clean(each.why_not)}", "$text-error")
        else:
            yield from (Content.assemble("  ", line) for line in plan_lines(each.plan))


class AgreeScreen(SummaryFrame[bool]):
    """A plain yes to something that destroys nothing."""

    verb = "Do it"

    def __init__(self, title: str, words: str, names: Sequence[str]) -> None:
        super().__init__()
        self._heading = title
        self._words = words
        self._vm_names = names

    def heading(self) -> str:
        """What is to be done."""
        return self._heading

    @property
    def result(self) -> bool | None:
        """Yes."""
        return True

    async def on_mount(self) -> None:
        """Ask."""
        count = len(self._vm_names)
        await self.query_one("#options").mount(
            label(f"{count} VM{'s' * (count != 1)}", first=True), Static(self._words, markup=False)
        )
        self.show_summary(Content(clean(name)) for name in self._vm_names)
        bar = self.query_one(ConfirmBar)
        bar.ask(Question(self._heading, bool(count), False, ""))
        bar.attend()
