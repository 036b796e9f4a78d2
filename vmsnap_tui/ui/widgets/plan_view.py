"""A plan in words: what is refused, what goes away, what it is worth, and the steps."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from vmsnap_tui.model.plan import Restore
from vmsnap_tui.present import marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult

    from vmsnap_tui.model.plan import Plan


NEW = "+"
"""Stands before what was not in an earlier plan."""


class _Section(Enum):
    """Heading and its style, in the order in which one must read them."""

    SAID = ("", "$text-muted")
    REFUSED = (f"{marks.REFUSED.glyph} Refused", "$text-error")
    LOST = ("What will be lost", "$text-error")
    WORTH = ("What it is worth", "$text-primary")
    MIND = (f"{marks.CAUTION.glyph} Mind", "$text-warning")
    STEPS = ("Steps", "$text-primary")
    NOTES = ("Notes", "$text-muted")
    GONE = ("No longer so", "$text-muted")


class PlanView(Vertical):
    """Shows a plan; with `before` it marks what was not in that earlier plan."""

    DEFAULT_CSS = """
    PlanView {
        height: auto;
        padding: 0 1;
        Static { height: auto; display: none; }
        .body { padding-left: 2; margin-bottom: 1; }
    }
    """

    def compose(self) -> ComposeResult:
        """A heading and a body for each section, empty until there is a plan."""
        for section in _Section:
            yield Static(Content.styled(section.value[0], f"bold {section.value[1]}"), id=f"{section.name}-title")
            yield Static(id=f"{section.name}-body", classes="body")

    def show(self, plan: Plan, *, before: Plan | None = None) -> None:
        """Put `plan` on the screen."""
        lines = list(_lines(plan))
        earlier = lines if before is None else list(_lines(before))
        for section in _Section:
            mine = [line for at, line in lines if at is section]
            shown = [
                Content(line) if (section, line) in earlier else Content.styled(f"{NEW} {line}", "bold $text-warning")
                for line in mine
            ]
            if section is _Section.GONE:
                shown = [Content.styled(line, "strike $text-muted") for at, line in earlier if (at, line) not in lines]
            self._fill(section, shown)

    def say(self, words: str, hint: str = "", *, style: str = "$text-muted") -> None:
        """Put words in the plan's place: while facts are read, or why they could not be."""
        for section in _Section:
            self._fill(section, [])
        self._fill(_Section.SAID, [Content.styled(words, style), *([Content(f"\n{hint}")] if hint else [])])

    def _fill(self, section: _Section, lines: Sequence[Content]) -> None:
        title = self.query_one(f"#{section.name}-title", Static)
        body = self.query_one(f"#{section.name}-body", Static)
        title.display = bool(lines) and bool(section.value[0])
        body.display = bool(lines)
        body.update(Content("\n").join(lines))


def _lines(plan: Plan) -> Iterator[tuple[_Section, str]]:
    for refusal in plan.refusals:
        yield _Section.REFUSED, refusal.why
        if refusal.instead:
            yield _Section.REFUSED, f"→ {refusal.instead}"
    for loss in plan.losses:
        line = f"{loss.what}: {loss.detail}" if loss.detail else loss.what
        yield _Section.LOST, f"{marks.mark(loss.kind).glyph} {line}"
    if plan.consistency is not None and not plan.refusals:
        what = "the safety snapshot is " if isinstance(plan.request, Restore) else ""
        yield _Section.WORTH, f"{what}{marks.mark(plan.consistency).text}: {marks.meaning(plan.consistency)}"
    yield from ((_Section.MIND, caution) for caution in plan.cautions)
    if not plan.refusals:
        yield from ((_Section.STEPS, f"{number}. {step.label}") for number, step in enumerate(plan.steps, start=1))
    yield from ((_Section.NOTES, note) for note in plan.notes)
