"""What all plan dialogues share: facts are read once, and each change of an option shows the plan anew."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on, work
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Input, Static

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.plan import Plan
from vmsnap_tui.model.text import clean
from vmsnap_tui.ui.clock import utc_now
from vmsnap_tui.ui.widgets.choice import Choice
from vmsnap_tui.ui.widgets.confirm_bar import Confirm, ConfirmBar
from vmsnap_tui.ui.widgets.plan_view import PlanView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from textual.app import ComposeResult
    from textual.widget import Widget

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.plan import Facts, Request
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm


ResultT = TypeVar("ResultT")


class Frame(ModalScreen[ResultT | None]):
    """The frame of a dialogue: heading, options beside what they come to, and the foot where one confirms."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]

    DEFAULT_CSS = """
    Frame {
        align: center middle;
        #frame {
            width: 92%;
            max-width: 132;
            height: 28;
            max-height: 94%;
            border: round $border;
            border-title-color: $text-primary;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
            background: $surface;
        }
        #halves { height: 1fr; }
        #options, #plan, #halves { scrollbar-size-vertical: 1; }
        #options { padding: 0 1; }
        .label { color: $text-muted; margin-top: 1; }
        .label.first { margin-top: 0; }
        ConfirmBar { dock: bottom; }
    }
    Frame.-wide {
        #halves { layout: horizontal; }
        #options { width: 1fr; height: 100%; }
        #plan { width: 1fr; height: 100%; border-left: solid $panel-lighten-1; }
    }
    Frame.-narrow {
        #frame { width: 100%; max-width: 100%; height: 100%; max-height: 100%; }
        #halves { layout: vertical; overflow-y: auto; }
        #options { height: auto; }
        #plan { height: auto; border-top: solid $panel-lighten-1; }
        .label { margin-top: 0; }
    }
    """

    BINDINGS = [
        Binding("escape", "leave", "Back", id="dialogue.leave", tooltip="Leave without doing anything"),
        Binding("enter", "go", "Go", show=False, id="dialogue.go", tooltip="Go, where nothing is lost by it"),
        Binding("ctrl+y", "go_deliberately", "Go", show=False, id="dialogue.sure", tooltip="Go, whatever is lost"),
    ]

    verb: ClassVar[str] = "Go"

    def __init__(self, *, confirm: Confirm = "type") -> None:
        super().__init__()
        self._confirm: Confirm = confirm

    def compose(self) -> ComposeResult:
        """Heading, halves and foot."""
        with Vertical(id="frame") as frame:
            frame.border_title = Content(clean(self.heading(), limit=100))
            frame.border_subtitle = "esc back · tab next"
            with Horizontal(id="halves"):
                yield VerticalScroll(id="options", can_focus=False)
                with VerticalScroll(id="plan"):
                    yield self.body()
            yield ConfirmBar(self.verb, confirm=self._confirm)

    @abstractmethod
    def heading(self) -> str:
        """What stands in the border."""

    @abstractmethod
    def body(self) -> Widget:
        """Where it is shown what the options come to."""

    @property
    @abstractmethod
    def result(self) -> ResultT | None:
        """What was confirmed."""

    @on(ConfirmBar.Go)
    def _go(self) -> None:
        if self.query_one(ConfirmBar).ready:
            self.dismiss(self.result)

    @on(ConfirmBar.Leave)
    def action_leave(self) -> None:
        """Nothing is done."""
        self.dismiss(None)

    @on(Choice.Entered)
    @on(Input.Submitted)
    def action_go(self) -> None:
        """Enter: enough where nothing is lost, else it leads to where one confirms."""
        bar = self.query_one(ConfirmBar)
        if bar.ready and not bar.wants_key:
            self.dismiss(self.result)
        else:
            bar.attend()

    def action_go_deliberately(self) -> None:
        """The deliberate key."""
        if self.query_one(ConfirmBar).wants_key:
            self._go()


class SummaryFrame(Frame[ResultT]):
    """One about several vms: a part for each of them, once their facts are read."""

    DEFAULT_CSS = """
    SummaryFrame #summary { height: auto; padding: 0 1; }
    """

    AUTO_FOCUS = ""  # once there is a plan, the focus goes to where one goes on

    def body(self) -> Widget:
        """A part for each vm."""
        return Static(id="summary", markup=False)

    def reading(self, count: int) -> None:
        """There is nothing to confirm yet."""
        self.query_one(ConfirmBar).ask(None)
        self.show_summary(
            [Content.styled(f"Reading what is so on {count} VM{'s' * (count != 1)} now …", "$text-muted")]
        )

    def show_summary(self, lines: Iterable[Content]) -> None:
        """What it comes to."""
        self.query_one("#summary", Static).update(Content("\n").join(lines))


class PlanFrame(Frame[Plan]):
    """One that asks for a plan."""

    def __init__(self, *, confirm: Confirm = "type") -> None:
        super().__init__(confirm=confirm)
        self.plan: Plan | None = None

    def body(self) -> Widget:
        """The plan."""
        return PlanView()

    @property
    def result(self) -> Plan | None:
        """The plan that was confirmed."""
        return self.plan

    def show(self, plan: Plan, *, before: Plan | None = None) -> None:
        """Show a plan and ask for what it needs."""
        self.plan = plan
        self.query_one(PlanView).show(plan, before=before)
        self.query_one(ConfirmBar).show(plan)


class Dialogue(PlanFrame):
    """One that reads a vm's facts and asks for options. Returns the confirmed plan, or None."""

    BINDINGS = [Binding("f5", "read", "Read again", show=False, id="dialogue.read", tooltip="Read the facts anew")]

    def __init__(
        self, engine: Engine, vm: Vm, *, confirm: Confirm = "type", now: Callable[[], datetime] = utc_now
    ) -> None:
        """`now` is the clock that default names are made by."""
        super().__init__(confirm=confirm)
        self.engine = engine
        self.now = now
        self.vm = vm
        self._facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        """What was read. Only to be asked once options are on the screen."""
        if self._facts is None:
            raise RuntimeError("facts are not read yet")
        return self._facts

    @abstractmethod
    def options(self) -> Iterable[Widget]:
        """The fields, made from the facts."""

    @abstractmethod
    def request(self) -> Request:
        """What the fields say now."""

    def on_mount(self) -> None:
        """Read the facts."""
        self.action_read()

    @work(exclusive=True)
    async def action_read(self) -> None:
        """Read the facts and build the fields from them."""
        view = self.query_one(PlanView)
        view.say(f"Reading what is so on {clean(self.vm.name, limit=40)} now …")
        self.query_one(ConfirmBar).show(None)
        try:
            self._facts = await self.engine.facts(self.vm.ref)
        except VmsnapError as error:
            view.say(error.words, f"{error.hint}\n\nf5 tries again, esc leaves.".strip(), style="$text-error")
            return
        column = self.query_one("#options")
        await column.remove_children()
        fields = list(self.options())
        await column.mount_all(fields)
        for field in fields:
            if field.focusable:
                field.focus()
                break
        self.replan()

    @on(Choice.Chosen)
    @on(Input.Changed)
    @on(Checkbox.Changed)
    def replan(self) -> None:
        """Show what the fields would do. Pure, so it is done at each key."""
        if self._facts is not None:
            self.show(self._facts.plan(self.request()))


class SnapshotDialogue(Dialogue):
    """One about a snapshot that is there."""

    def __init__(
        self,
        engine: Engine,
        vm: Vm,
        snapshot: Snapshot,
        *,
        confirm: Confirm = "type",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(engine, vm, confirm=confirm, now=now)
        self.snapshot = snapshot


def label(text: str, *, first: bool = False) -> Static:
    """What stands above a field."""
    return Static(text, classes="label first" if first else "label", markup=False)
