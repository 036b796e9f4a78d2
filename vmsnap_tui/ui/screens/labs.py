"""Labs: the vms of one as cards, and the keys that put them back to their baselines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen

from vmsnap_tui.engine import labs
from vmsnap_tui.engine.drift import drift
from vmsnap_tui.engine.job import JobState
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.present import marks
from vmsnap_tui.present.card import Card, lab_names, none_fits, sentence, unseen_words
from vmsnap_tui.present.graph import Piece
from vmsnap_tui.ui.screens.baseline import BaselineScreen
from vmsnap_tui.ui.screens.group import GroupScreen
from vmsnap_tui.ui.screens.lab_name import LabNameScreen
from vmsnap_tui.ui.screens.reset import AgreeScreen, ResetScreen
from vmsnap_tui.ui.several import prune_several, take_several
from vmsnap_tui.ui.widgets.cards import CardsView
from vmsnap_tui.ui.widgets.group import fraction
from vmsnap_tui.ui.widgets.key_line import KeyLine
from vmsnap_tui.ui.widgets.lamp import is_lit
from vmsnap_tui.ui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from textual.app import ComposeResult

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.engine.job import Job
    from vmsnap_tui.engine.store import Changes
    from vmsnap_tui.model.lab import Lab, Seat
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef
    from vmsnap_tui.ui.widgets.confirm_bar import Confirm

_RESET, _POWER = (Binding.Group(words, compact=True) for words in ("Reset", "Start/Stop"))
"""Keys that stand together in the footer."""
_RARE, _ROOMY = {"take", "protect", "make"}, 104
"""What a footer of fewer cells has no room for."""
_NONE = (
    ("", ""),
    ("There are no labs yet.", "foreground"),
    ("A lab is a set of VMs that are put back to a baseline together.", "foreground-muted"),
    ("Mark VMs on the main screen (space), come back here (b), and press n: it takes", "foreground-muted"),
    ("a baseline of each. Or write one into the config file: [[labs]].", "foreground-muted"),
)


class LabsScreen(Screen[None]):
    """All labs, one at a time. `marked` are vms that a new lab can be made from."""

    DEFAULT_CSS = """
    LabsScreen { background: $background; #cards { height: 1fr; padding: 0 1; } }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn(1)", "Lab", id="labs.next", tooltip="The next lab"),
        Binding("shift+tab", "turn(-1)", "Lab before", id="labs.previous", show=False, tooltip="The lab before"),
        Binding("r", "reset(False)", "Reset", id="labs.reset", group=_RESET,
                tooltip="Put the marked vms (or the chosen one) back"),
        Binding("R", "reset(True)", "Reset all", id="labs.reset-all", group=_RESET,
                tooltip="Put all vms of the lab back"),
        Binding("b", "baseline", "Baseline", id="labs.baseline",
                tooltip="Take a new baseline of the marked vms, or of all"),
        Binding("s", "power(True)", "Start", id="labs.start", group=_POWER, tooltip="Start the marked vms, or all"),
        Binding("x", "power(False)", "Stop", id="labs.stop", group=_POWER,
                tooltip="Have the guests of the marked vms, or of all, shut down"),
        Binding("m", "take", "Snapshot", id="labs.take",
                tooltip="Take a snapshot of the marked vms, or of all, as one moment"),
        Binding("P", "prune", "Prune", id="labs.prune", show=False,
                tooltip="Delete the snapshots of the marked vms, or of all, that the lab does not keep"),
        Binding("p", "protect", "Protect", id="labs.protect",
                tooltip="Protect the baselines, or take that away where all are"),
        Binding("n", "make", "New", id="labs.new", tooltip="Make a lab of the vms that are marked on the main screen"),
        Binding("u", "read", "Refresh", id="refresh", show=False, tooltip="Read the sites anew"),
        Binding("escape", "back", "Back", id="labs.back", tooltip="Back to the main screen"),
    ]  # fmt: skip

    def __init__(self, engine: Engine, marked: Sequence[Vm], *, confirm: Confirm, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._engine = engine
        self._from = marked
        self._confirm: Confirm = confirm
        self._now = now
        self._labs: tuple[Lab, ...] = ()
        self._lab_name = ""
        self._latest: GroupJob | None = None
        self._written: dict[VmRef, int] = {}
        self._weighed = ""
        self._leave: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """The names of the labs, the cards, and the keys."""
        yield Lines(3, id="labs", classes="pane")
        yield CardsView(id="cards")
        yield KeyLine(_RARE, wide=_ROOMY)

    def on_mount(self) -> None:
        """Show what is known, and hear of what changes."""
        self._cards = self.query_one(CardsView)
        self._cards.focus()
        self._leave = self._engine.store.subscribe(self._hear)
        self._show()

    def on_resize(self) -> None:
        """Room for more names of labs, or fewer."""
        if self._labs:
            self._head(self._lab)

    def on_unmount(self) -> None:
        """Hear no more."""
        if self._leave:
            self._leave()

    def _hear(self, _changes: Changes) -> None:
        if self.is_attached:
            self._show()

    @property
    def _lab(self) -> Lab | None:
        return next((lab for lab in self._labs if lab.name == self._lab_name), None)

    def _show(self) -> None:
        self._labs = labs.all_labs(self._engine, self._engine.lab_rules)
        if self._lab is None and self._labs:
            self._lab_name = self._labs[0].name
        lab = self._lab
        if lab is not None and lab.name != self._weighed and all(seat.known for seat in lab.seats):
            self._weighed = lab.name
            self._weigh()
        jobs = {job.plan.request.vm: job for job in self._engine.jobs.all()}
        group = self._engine.groups.get(self._latest.id) if self._latest else None
        now = self._now()
        seats = lab.seats if lab else ()
        words = _NONE if lab is None else _empty(lab)
        self._cards.show([self._card(seat, jobs.get(seat.vm.ref), group, now) for seat in seats], words)
        self._head(lab)

    def _card(self, seat: Seat, job: Job | None, group: GroupJob | None, now: datetime) -> Card:
        freeze = self._engine.store.freeze(seat.vm.ref)
        lit = freeze if is_lit(freeze) else None
        member = next((each for each in group.members if each.vm == seat.vm.ref), None) if group else None
        card = Card(seat, now, lit, written=self._written.get(seat.vm.ref))
        if member and group and not group.ended and not member.state.is_over:
            return replace(card, fraction=fraction(member, job), doing=member.words or _at_work(job))
        if job and not job.state.is_over:
            part = job.progress.fraction if job.progress and job.progress.fraction else 0.0
            return replace(card, fraction=part, doing=job.plan.title)
        if member:
            return replace(card, doing=member.words, trouble=member.state is JobState.FAILED)
        return card

    @property
    def _knows_all(self) -> bool:
        """Whether a vm that is not there is nowhere: all sites have told all they have."""
        views = self._engine.store.sites.values()
        return all(view.status is SiteStatus.ONLINE and not view.loading for view in views)

    def _head(self, lab: Lab | None) -> None:
        lines = self.query_one("#labs", Lines)
        lines.border_title = Content(f"Labs {len(self._labs)}")
        if lab is None:
            lines.show([(), (), ()])
            return
        names = [each.name for each in self._labs]
        tabs = lab_names(names, names.index(lab.name), self.size.width)
        up = sum(seat.vm.state.is_active for seat in lab.seats)
        off = sum(seat.is_off_baseline for seat in lab.seats)
        bare = sum(seat.baseline is None and seat.known for seat in lab.seats)
        marked = len(self._cards.marked)
        doubt = unseen_words(labs.unseen(self._engine))
        if not doubt and lab.seats and self._knows_all:
            doubt = none_fits(lab)
        lines.show(
            [
                tabs,
                (
                    Piece(f" {len(lab.seats)} VM{'s' * (len(lab.seats) != 1)}", "foreground"),
                    Piece(f"  {up} up", "foreground-muted"),
                    Piece(f"  {off or 'none'} away from the baseline", "warning" if off else "success"),
                    Piece(f"  {bare} without one" if bare else "", "warning"),
                    Piece(f"  {marks.CAUTION.glyph} {doubt}" if doubt else "", "warning"),
                    Piece(f"  {marks.MARKED.glyph} {marked} marked" if marked else "", "accent"),
                ),
                sentence(self._cards.card) if self._cards.card else (),
            ]
        )

    @on(CardsView.Marked)
    @on(CardsView.Highlighted)
    def _show_marks(self) -> None:
        self._head(self._lab)

    @work(group="drift", exclusive=True)
    async def _weigh(self) -> None:
        """How much was written since the baselines, where the storage tells. That may take it a while."""
        lab = self._lab
        if lab is not None:
            self._written |= await drift(self._engine, lab.seats)
            self._show()

    # Keys

    def _chosen(self, lab: Lab) -> tuple[Seat, ...]:
        """The marked ones; all where none is."""
        marked = self._cards.marked
        return tuple(seat for seat in lab.seats if seat.vm.ref in marked) or lab.seats

    def _may_change(self) -> bool:
        if self._engine.read_only:
            self.notify("Read-only: vmsnap was started so that it changes nothing.", severity="warning")
        elif self._lab is None:
            self.notify("There is no lab yet: mark VMs on the main screen, then n here.", severity="warning")
        elif not self._lab.seats:
            self.notify("This lab has no VMs.", severity="warning")
        else:
            return True
        return False

    def action_turn(self, step: int) -> None:
        """Another lab."""
        names = [lab.name for lab in self._labs]
        if names:
            self._lab_name = names[(names.index(self._lab_name) + step) % len(names)]
            self._cards.marked = frozenset()
            self._show()

    @work(group="lab")
    async def action_reset(self, everything: bool) -> None:
        """One plan, one yes; then it goes by itself, and those that failed can be tried again."""
        lab = self._lab
        if not self._may_change() or lab is None:
            return
        if everything:
            seats = lab.seats
        else:
            here = self._cards.marked or ({self._cards.vm} if self._cards.vm else set())
            seats = tuple(seat for seat in lab.seats if seat.vm.ref in here)
        while seats:
            plans = await self.app.push_screen_wait(ResetScreen(self._engine, lab.name, seats, confirm=self._confirm))
            if plans is None:
                return
            job = labs.reset(self._engine, lab.name, plans)
            seats = await self._follow(job)

    async def _follow(self, job: GroupJob) -> tuple[Seat, ...]:
        """Show how it goes. The seats that are to be tried again."""
        self._latest = job
        again = await self.app.push_screen_wait(GroupScreen(self._engine, job, self._now, retry=True))
        self._written.clear()
        self._weighed = ""
        self._show()
        ended, lab = self._engine.groups.get(job.id), self._lab
        undone: frozenset[VmRef] = frozenset(ended.undone if ended else ())
        return tuple(seat for seat in lab.seats if seat.vm.ref in undone) if again and lab else ()

    @work(group="lab")
    async def action_baseline(self) -> None:
        """A new one of the marked, or of all."""
        lab = self._lab
        if not self._may_change() or lab is None:
            return
        await self._take_baseline(lab.name, [(seat.vm, seat.baseline) for seat in self._chosen(lab)])

    async def _take_baseline(self, name: str, pairs: Sequence[tuple[Vm, Snapshot | None]]) -> None:
        vms = [vm for vm, _ in pairs]
        if await self.app.push_screen_wait(BaselineScreen(self._engine, name, vms)):
            await self._follow(labs.baseline(self._engine, name, pairs))
            self._lab_name = name
            self._show()

    async def _agreed(self, title: str, words: str, names: Sequence[str]) -> bool:
        answer: bool | None = await self.app.push_screen_wait(AgreeScreen(title, words, names))
        return answer is True

    @work(group="lab")
    async def action_take(self) -> None:
        """Of the marked, or of all."""
        lab = self._lab
        if self._may_change() and lab is not None:
            await take_several(self._engine, self.app, [seat.vm for seat in self._chosen(lab)], self._now)

    @work(group="lab")
    async def action_prune(self) -> None:
        """What the lab's [labs.keep] does not keep, or what somebody chooses there."""
        lab = self._lab
        if self._may_change() and lab is not None:
            rule = next((rule for rule in self._engine.lab_rules if rule.name == lab.name), None)
            policy = rule.keep if rule and rule.keep.keeps_any else None
            vms = [seat.vm for seat in self._chosen(lab)]
            await prune_several(self._engine, self.app, vms, confirm=self._confirm, now=self._now, policy=policy)

    @work(group="lab")
    async def action_power(self, on: bool) -> None:
        """Start them, or have them shut down."""
        lab = self._lab
        if not self._may_change() or lab is None:
            return
        seats = self._chosen(lab)
        verb, words = ("Start", "Those that are off are started.")
        if not on:
            verb, words = ("Shut down", "Their guests are asked to shut down, which may take them a while.")
        if await self._agreed(f"{verb} {lab.name}", words, [seat.vm.name for seat in seats]):
            await self._follow(labs.power(self._engine, lab.name, seats, on=on))

    @work(group="lab")
    async def action_protect(self) -> None:
        """All, or where all are already, none."""
        lab = self._lab
        if not self._may_change() or lab is None:
            return
        seats = [seat for seat in self._chosen(lab) if seat.baseline]
        if not seats:
            self.notify("There is no baseline yet: b takes one.", severity="warning")
            return
        on = not all(seat.baseline and seat.baseline.protected for seat in seats)
        verb, words = ("Protect", "Their baselines cannot be deleted by vmsnap until somebody takes that away.")
        if not on:
            verb, words = ("Unprotect", "Their baselines can be deleted and pruned then, and the labs with them.")
        if await self._agreed(f"{verb} the baselines of {lab.name}", words, [seat.vm.name for seat in seats]):
            await self._follow(labs.protect(self._engine, lab.name, seats, on=on))

    @work(group="lab")
    async def action_make(self) -> None:
        """Of the vms that are marked on the main screen."""
        if self._engine.read_only:
            self._may_change()
            return
        if not self._from:
            self.notify("Mark VMs on the main screen first (space), then come back.", severity="warning")
            return
        name = await self.app.push_screen_wait(LabNameScreen(len(self._from), [lab.name for lab in self._labs]))
        if name:
            known = {seat.vm.ref: seat.baseline for lab in self._labs if lab.name == name for seat in lab.seats}
            await self._take_baseline(name, [(vm, known.get(vm.ref)) for vm in self._from])

    def action_read(self) -> None:
        """Read all sites anew."""
        self._engine.refresh()
        self._weighed = ""
        self.notify("Reading anew.", timeout=2)

    def action_back(self) -> None:
        """Back to the main screen."""
        self.dismiss(None)


def _empty(lab: Lab) -> tuple[tuple[str, str], ...]:
    why = none_fits(lab)
    return (
        ("", ""),
        ("This lab has no VMs.", "foreground"),
        (f"{why[0].upper()}{why[1:]}, as far as the sites have told." if why else "None are named for it.", "warning"),
        ("Its names are in the config file: [[labs]]. Or mark VMs on the main screen", "foreground-muted"),
        ("(space), come back here (b), and press n: with its name it grows.", "foreground-muted"),
    )


def _at_work(job: Job | None) -> str:
    if job is None or job.state is JobState.WAITING:
        return "waiting"
    return job.progress.phase if job.progress and job.progress.phase else job.plan.title
