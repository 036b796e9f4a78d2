"""The foot of a plan dialogue: a deliberate yes for what destroys, one key for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Button, Input, Static

from vmsnap_tui.model.naming import word_to_type

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from vmsnap_tui.model.plan import Plan

Confirm = Literal["type", "key"]
"""How a plan that destroys is confirmed: the vm's name typed, or ctrl+y."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be confirmed: a yes to one `subject` is no yes to another. `word` is what one types."""

    subject: object
    possible: bool
    destructive: bool
    word: str
    idle: str = ""
    """What is said instead of a refusal, where there is simply nothing to do."""


def _question(plan: Plan) -> Question:
    word = word_to_type(plan.vm_name, plan.request.vm.id)
    return Question(plan, not plan.refusals, plan.is_destructive, word)


class ConfirmBar(Horizontal):
    """Says what to do to go on, and posts `Go` once that was done."""

    DEFAULT_CSS = """
    ConfirmBar {
        height: auto;
        padding: 0 1;
        align-vertical: middle;
        border-top: solid $panel-lighten-1;
        Static { width: auto; max-width: 60%; }
        Input { width: 1fr; min-width: 12; margin: 0 1; }
        #gap { width: 1fr; }
        Button { margin-left: 1; min-width: 10; }
    }
    """

    ready = reactive(False)

    class Go(Message):
        """The plan was confirmed."""

    class Leave(Message):
        """It was not."""

    def __init__(self, verb: str, *, confirm: Confirm = "type") -> None:
        super().__init__()
        self._verb = verb
        self._confirm = confirm
        self._word = ""
        self._question: Question | None = None

    def compose(self) -> ComposeResult:
        """Words, the field to type in, and two buttons."""
        yield Static("", id="ask", markup=False)
        yield Input(id="word", compact=True, placeholder="type it here")
        yield Static("", id="gap")
        yield Button(self._verb, id="go", compact=True, disabled=True)
        yield Button("Cancel", id="leave", compact=True)

    def show(self, plan: Plan | None) -> None:
        """Ask for what this plan needs. None while there is no plan."""
        self.ask(None if plan is None else _question(plan))

    def ask(self, question: Question | None) -> None:
        """Ask for a yes to this. None while there is nothing to ask."""
        destructive = question is not None and question.destructive and question.possible
        before = self._question.subject if self._question else None
        changed = (question.subject if question else None) != before
        self._question = question
        self._word = question.word if question and destructive and self._confirm == "type" else ""
        field = self.query_one("#word", Input)
        field.display = bool(self._word)
        self.query_one("#gap").display = not self._word
        if changed and field.value:
            field.value = ""  # a yes to one plan is no yes to another
        self.query_one("#go", Button).variant = "error" if destructive else "primary"
        self.query_one("#ask", Static).update(self._words(destructive=destructive))
        self._check()

    def _words(self, *, destructive: bool) -> Content:
        if self._question is None:
            return Content("")
        if self._question.idle:
            return Content.styled(self._question.idle, "$text-muted")
        if not self._question.possible:
            return Content.styled("Not possible: see why above", "$text-error")
        if self._word:
            return Content.assemble("Type ", (self._word, "bold $text-error"))
        if destructive:
            return Content.assemble(("ctrl+y", "bold $text-error"), f" {self._verb.lower()}")
        return Content.assemble(("enter", "bold $text-primary"), f" {self._verb.lower()}")

    def _check(self) -> None:
        question = self._question
        typed = self.query_one("#word", Input).value.strip()
        self.ready = question is not None and question.possible and (not self._word or typed == self._word)

    def watch_ready(self, ready: bool) -> None:
        """The button follows."""
        self.query_one("#go", Button).disabled = not ready

    @property
    def wants_key(self) -> bool:
        """Whether enter alone is too little."""
        return self._question is not None and self._question.destructive and not self._word

    def attend(self) -> None:
        """Put the focus where one goes on from here."""
        field = self.query_one("#word", Input)
        (field if field.display else self.query_one("#go", Button)).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Each letter may be the last."""
        event.stop()
        self._check()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field."""
        event.stop()
        if self.ready:
            self.post_message(self.Go())

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The two buttons."""
        event.stop()
        self.post_message(self.Go() if event.button.id == "go" else self.Leave())
