"""A snapshot of several vms: as one moment, or each by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on, work
from textual.content import Content
from textual.widgets import Input, Static

from vmsnap_tui.engine import taking
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.together import LIMIT
from vmsnap_tui.present import marks
from vmsnap_tui.ui.plan_lines import plan_lines
from vmsnap_tui.ui.screens.dialogue import SummaryFrame, label
from vmsnap_tui.ui.widgets.choice import Choice
from vmsnap_tui.ui.widgets.confirm_bar import ConfirmBar, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.taking import Share
    from vmsnap_tui.model.vm import Vm

_TOGETHER, _APART = "together", "apart"
_HOW = {
    _TOGETHER: ("as one moment", "all are frozen, cut, and thawed together"),
    _APART: ("each by itself", "each by its best method, with memory where that is it"),
}
_HINT = (
    "After so many seconds all are thawed, whatever is not cut yet: then it is not one moment, and worth no more than "
    "after a power cut. Windows thaws by itself after 10."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be taken, and for how many seconds guests may stand frozen."""

    title: str
    shares: tuple[Share, ...]
    limit: float


class TogetherScreen(SummaryFrame[Chosen]):
    """Reads the facts of all once, plans at each key, and ends with what was confirmed."""

    DEFAULT_CSS = """
    TogetherScreen {
        #hint { color: $text-muted; margin-top: 1; }
        #limit { width: 8; }
    }
    """

    verb = "Take"

    def __init__(self, engine: Engine, vms: Sequence[Vm], now: Callable[[], datetime]) -> None:
        super().__init__()
        self._engine = engine
        self._vms = vms
        self._now = now
        self._group = taking.fresh_id()
        self._known: taking.Known = ()
        self._shares: tuple[Share, ...] = ()

    def heading(self) -> str:
        """Of how many."""
        return f"Snapshot of {len(self._vms)} VMs"

    @property
    def result(self) -> Chosen | None:
        """As the fields stand."""
        return Chosen(f"Snapshot “{self._text('name')}” of {len(self._shares)} VMs", self._shares, self._limit or LIMIT)

    def on_mount(self) -> None:
        """Read."""
        self._read()

    @work(exclusive=True)
    async def _read(self) -> None:
        self.reading(len(self._vms))
        known = await taking.read(self._engine, self._vms)
        name = taking.fresh_title(known, self._now().astimezone())
        await self.query_one("#options").mount(
            label("Name", first=True),
            Input(name, id="name", compact=True, max_length=240),
            label("Description"),
            Input(id="description", compact=True, placeholder="what for, for those who come after you"),
            label("How"),
            Choice([(key, _row(*words)) for key, words in _HOW.items()], _TOGETHER, id="how"),
            label("Frozen for at most (seconds)"),
            Input(f"{LIMIT:g}", id="limit", compact=True, type="number", max_length=4),
            Static(_HINT, id="hint", markup=False),
        )
        self._known = known
        self.query_one("#name", Input).focus()
        self._replan()

    def _text(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value.strip()

    @property
    def _limit(self) -> float | None:
        try:
            limit = float(self._text("limit"))
        except ValueError:
            return None
        return limit if 1 <= limit <= taking.LONGEST else None

    @on(Choice.Chosen)
    @on(Input.Changed)
    def _replan(self) -> None:
        """Pure, so it is done at each key."""
        if not self._known:
            return
        together = self.query_one("#how", Choice).chosen == _TOGETHER
        self.query_one("#limit", Input).disabled = not together
        group = self._group if together else ""
        self._shares = taking.planned(self._known, self._text("name"), self._text("description"), group=group)
        able = sum(share.can_run for share in self._shares)
        self.show_summary(self._lines(together=together))
        possible = bool(able) and (not together or self._limit is not None)
        self.query_one(ConfirmBar).ask(Question(self._shares, possible, False, ""))

    def _lines(self, *, together: bool) -> Iterator[Content]:
        able = [share for share in self._shares if share.can_run]
        left = len(self._shares) - len(able)
        frozen = sum(share.freezes for share in able)
        head = f"{len(able)} take{'s' * (len(able) == 1)} part" + (f", {left} cannot" if left else "")
        yield Content.styled(head, "bold")
        if together and self._limit is None:
            words = f"{marks.REFUSED.glyph} The limit is a number of seconds from 1 to {taking.LONGEST:g}."
            yield Content.styled(words, "$text-error")
        elif together:
            stand = f"{frozen} stand{'s' * (frozen == 1)} frozen until all are cut."
            yield Content(stand if frozen else "No guest is frozen.")
            for doubt in taking.doubts(able):
                yield Content.assemble((f"{marks.CAUTION.glyph} ", "$warning"), clean(doubt))
        for share in sorted(self._shares, key=lambda share: share.can_run):
            yield Content()
            worth = marks.mark(share.plan.consistency) if share.plan and share.plan.consistency else None
            yield Content.assemble(
                (clean(share.vm.name), "bold"),
                (f"  {clean(share.vm.ref.site)}  ", "$text-muted"),
                (worth.text if worth and share.can_run else "", f"${worth.style}" if worth else ""),
            )
            if share.plan is None:
                yield Content.styled(f"  {marks.REFUSED.glyph} {clean(share.why_not)}", "$text-error")
            else:
                steps = "; ".join(step.label for step in share.plan.steps)
                if share.can_run:
                    yield Content.styled(f"  {clean(steps, limit=200)}", "$text-muted")
                yield from (Content.assemble("  ", line) for line in plan_lines(share.plan, bare=True))


def _row(name: str, words: str) -> Content:
    return Content.assemble(f"{name}  ", (words, "$text-muted"))
