"""What a policy keeps of several vms' snapshots, why, and what goes: judged anew at each key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on, work
from textual.containers import Horizontal
from textual.content import Content
from textual.validation import Integer
from textual.widgets import Input, Static

from vmsnap_tui.engine import prune
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.retention import Policy
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.present.reclaim import in_words
from vmsnap_tui.ui.screens.dialogue import Frame, label
from vmsnap_tui.ui.widgets.confirm_bar import ConfirmBar, Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.widget import Widget

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.prune import Pruning
    from vmsnap_tui.model.survey import Holdings
    from vmsnap_tui.model.vm import Vm
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm

_FIELDS = {
    "last": "newest",
    "hourly": "hours",
    "daily": "days",
    "weekly": "weeks",
    "monthly": "months",
    "yearly": "years",
}
_USUAL = Policy(last=3, daily=7, weekly=4)
_HINT = (
    "The newest of each of so many hours, days, … stays; periods without any do not count. Protected ones stay, "
    "baselines of labs, those that other VMs were started from, and those that are not ready."
)


class PruneScreen(Frame["tuple[Pruning, ...]"]):
    """Reads what there is once, and ends with what is to go."""

    DEFAULT_CSS = """
    PruneScreen {
        #verdicts { height: auto; padding: 0 1; }
        .count { height: 1; Static { width: 10; color: $text-muted; } Input { width: 8; } }
        #hint { color: $text-muted; margin-top: 1; }
    }
    """

    AUTO_FOCUS = "#last"
    verb = "Delete"

    def __init__(self, engine: Engine, vms: Sequence[Vm], *, confirm: Confirm, policy: Policy | None = None) -> None:
        """`policy` is what the fields begin with."""
        super().__init__(confirm=confirm)
        self._engine = engine
        self._vms = vms
        self._policy = policy or _USUAL
        self._held: list[tuple[Vm, Holdings | None]] | None = None
        self._problems: list[str] = []
        self._prunings: tuple[Pruning, ...] = ()

    def heading(self) -> str:
        """Whose snapshots."""
        return f"Prune {self._vms[0].name}" if len(self._vms) == 1 else f"Prune {len(self._vms)} VMs"

    def body(self) -> Widget:
        """A line for each snapshot."""
        return Static(id="verdicts", markup=False)

    @property
    def result(self) -> tuple[Pruning, ...]:
        """Those of which something goes."""
        return tuple(each for each in self._prunings if each.doomed)

    async def on_mount(self) -> None:
        """The policy's fields."""
        rows: list[Widget] = [label("What is kept of each VM", first=True)]
        for name, word in _FIELDS.items():
            field = Input(
                str(getattr(self._policy, name)),
                id=name,
                type="integer",
                compact=True,
                max_length=4,
                validators=[Integer(0)],
            )
            rows.append(Horizontal(Static(word, markup=False), field, classes="count"))
        await self.query_one("#options").mount(*rows, Static(_HINT, id="hint", markup=False))
        self.query_one("#last", Input).focus()
        self._read()

    @work(exclusive=True)
    async def _read(self) -> None:
        self.query_one("#verdicts", Static).update(Content.styled("Reading the snapshots…", "$text-muted"))
        self.query_one(ConfirmBar).ask(None)
        answers = await asyncio.gather(*map(self._ask, self._vms))
        self._held = [answer for answer in answers if answer is not None]
        self._judge()

    async def _ask(self, vm: Vm) -> tuple[Vm, Holdings | None] | None:
        try:
            return vm, await prune.read(self._engine, vm)
        except VmsnapError as error:
            self._problems.append(f"{vm.name}: {error}")
            return None

    @on(Input.Changed)
    def _judge(self) -> None:
        """What these numbers come to. Pure, so it is done at each key."""
        if self._held is None:
            return
        counts = {name: self.query_one(f"#{name}", Input).value for name in _FIELDS}
        policy = Policy(**{name: int(text) if text.isdecimal() else 0 for name, text in counts.items()})
        self._prunings = tuple(prune.pruning_of(vm, held, policy, self._engine.lab_rules) for vm, held in self._held)
        doomed = sum(len(each.doomed) for each in self._prunings)
        self.query_one("#verdicts", Static).update(Content("\n").join(self._lines(policy, doomed)))
        possible = bool(doomed) and policy.keeps_any
        idle = "Nothing to delete" if policy.keeps_any and not doomed and not self._problems else ""
        self.query_one(ConfirmBar).ask(Question(self.result, possible, True, f"delete {doomed}", idle))

    def _lines(self, policy: Policy, doomed: int) -> Iterator[Content]:
        for problem in self._problems:
            yield Content.styled(f"{marks.REFUSED.glyph} {clean(problem)}", "$text-error")
        if not policy.keeps_any:
            yield Content.styled(f"{marks.REFUSED.glyph} Keep something: else all would go.", "$text-error")
        elif not doomed:
            yield Content.styled(f"{marks.READY.glyph} Nothing goes.", "$text-success")
        elif len(self.result) > 1:
            words = f"{doomed} snapshots of {len(self.result)} VMs go, which {in_words(prune.freed(self.result))}"
            yield Content.styled(words, "bold")
        for pruning in self._prunings:
            yield Content()
            freed = f"  {len(pruning.doomed)} go, which {in_words(pruning.freed)}" if pruning.doomed else "  all stay"
            yield Content.assemble((clean(pruning.vm.name), "bold"), (freed, "$text-muted"))
            for verdict in pruning.verdicts:
                when = sizes.moment(verdict.snapshot.created)[:16]
                name = clean(verdict.snapshot.name)
                if verdict.is_kept:
                    why = ", ".join(verdict.reasons)
                    yield Content.assemble((f"  {when}  ", "$text-muted"), name, (f"  {why}", "$text-muted"))
                else:
                    yield Content.assemble((f"  {when}  ", "$text-muted"), (f"{name}  goes", "$text-error"))
