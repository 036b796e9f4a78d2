"""One plan to put several vms back: what each goes back to, what is lost in all, who is left alone and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from textual import on, work
from textual.content import Content
from textual.widgets import Checkbox, Static

from vmsnap_tui.engine import group, labs
from vmsnap_tui.model.moment import is_group, spread
from vmsnap_tui.model.order import waves
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, when
from vmsnap_tui.present.losses import in_all
from vmsnap_tui.present.order import in_words
from vmsnap_tui.ui.plan_lines import plan_lines
from vmsnap_tui.ui.screens.dialogue import SummaryFrame, label
from vmsnap_tui.ui.widgets.confirm_bar import ConfirmBar, Question
from vmsnap_tui.ui.widgets.tick import Tick

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.group import Part
    from vmsnap_tui.model.moment import Pick
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm

Confirmed = tuple[tuple["Part", ...], bool]
"""What is to be done, and whether all or nothing."""


class BackScreen(SummaryFrame[Confirmed]):
    """Reads the facts of all, and ends with what was confirmed."""

    verb = "Put back"

    def __init__(self, engine: Engine, moment: datetime, picks: Sequence[Pick], *, confirm: Confirm) -> None:
        super().__init__(confirm=confirm)
        self._engine = engine
        self._moment = moment
        self._picks = picks
        self._parts: tuple[Part, ...] | None = None

    def heading(self) -> str:
        """Where to."""
        return f"Back to {when.full(self._moment)}"

    @property
    def result(self) -> Confirmed | None:
        """What was planned."""
        return None if self._parts is None else (self._parts, self._is_on("all-or-nothing"))

    async def on_mount(self) -> None:
        """Options that hold for all."""
        column = self.query_one("#options")
        found = [pick for pick in self._picks if pick.snapshot]
        await column.mount(
            label("VMs", first=True),
            Static(Content("\n").join(self._about(found))),
            label("What is there now"),
            Tick(Content("take a safety snapshot of each first"), id="safety"),
            label("If one fails"),
            Tick(Content("all go back to how they are now"), id="all-or-nothing"),
        )
        self._plan()

    def _about(self, found: Sequence[Pick]) -> Iterator[Content]:
        yield Content(f"{len(found)} of {len(self._picks)} have a snapshot for it")
        width = spread(found)
        if len(found) > 1 and is_group(found):
            yield Content(f"{marks.mark(marks.Flag.GROUP).glyph} they were taken together, as one moment")
        elif width is not None and len(found) > 1:
            yield Content(f"oldest and newest are {when.span(width)} apart")
        order = in_words(waves([pick.vm for pick in found], labs.ranks(self._engine)))
        if order:
            yield Content(f"in order: {order}")
        yield Content.styled("as many at a time as each site allows", "$text-muted")
        for site, count in sorted(Counter(pick.vm.ref.site for pick in found).items()):
            jobs = self._engine.store.sites[site].site.jobs
            yield Content.styled(f"{site}: {count} VM{'s' * (count != 1)}, {jobs} at a time", "$text-muted")

    def _is_on(self, name: str) -> bool:
        return self.query_one(f"#{name}", Checkbox).value

    @on(Checkbox.Changed)
    @work(exclusive=True)
    async def _plan(self) -> None:
        """Plan anew for these options, on fresh facts."""
        bar = self.query_one(ConfirmBar)
        self._parts = None
        self.reading(len(self._picks))
        all_or_nothing = self._is_on("all-or-nothing")
        # All or nothing takes safety snapshots of its own, before anything is restored.
        parts = await group.planned(self._engine, self._picks, safety=self._is_on("safety") and not all_or_nothing)
        self._parts = parts
        self.show_summary(_lines(parts, all_or_nothing=all_or_nothing))
        able = sum(part.can_run for part in parts)
        possible = bool(able) and (not all_or_nothing or able == len(parts))
        destructive = any(part.plan.is_destructive for part in parts if part.plan and part.can_run)
        bar.ask(Question((parts, all_or_nothing), possible, destructive, f"restore {able}"))
        if self.focused is None:
            bar.attend()


def _lines(parts: Sequence[Part], *, all_or_nothing: bool) -> Iterator[Content]:
    able = [part for part in parts if part.can_run]
    left = len(parts) - len(able)
    yield Content.styled(f"{len(able)} go back" + (f", {left} are left as they are" if left else ""), "bold")
    lost = in_all(part.plan for part in able if part.plan)
    yield Content.assemble(("Lost in all: ", "bold $text-error"), lost) if lost else Content("Nothing is lost.")
    if left and all_or_nothing:
        yield Content.styled("All or nothing: so nothing can be done.", "$text-error")
    elif all_or_nothing:
        yield Content("First a safety snapshot of each is taken; if one VM fails, all go back to theirs.")
    bare = [part for part in parts if part.pick.snapshot is None]
    if bare:
        names = ", ".join(clean(part.pick.vm.name) for part in bare)
        yield Content()
        yield Content.assemble((f"{marks.CAUTION.glyph} no snapshot that fits: ", "$text-warning"), names)
    # What cannot go on is said first.
    for part in sorted(parts, key=lambda each: each.can_run):
        snapshot, name = part.pick.snapshot, clean(part.pick.vm.name)
        if snapshot is None:
            continue
        yield Content()
        worth = marks.mark(snapshot.consistency)
        yield Content.assemble(
            (name, "bold"),
            f" → {clean(snapshot.name)}  ",
            (worth.text, f"${worth.style}"),
            (f"  {when.off(part.pick)}", "$text-muted"),
        )
        if part.plan is None:
            yield Content.styled(f"  {marks.REFUSED.glyph} {clean(part.problem)}", "$text-error")
        else:
            yield from (Content.assemble("  ", line) for line in plan_lines(part.plan))
