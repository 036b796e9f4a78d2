"""A plan in words: what it is worth, what goes away, what is refused, and the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from vmsnap_tui.present import marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Plan


class PlanView(Static):
    """Shows a plan; with `before` it marks what was not in that earlier plan."""

    DEFAULT_CSS = """
    PlanView { height: auto; padding: 0 1; }
    """

    def show(self, plan: Plan, *, before: Plan | None = None) -> None:
        """Put `plan` on the screen."""
        known = None if before is None else {line for _, line, _ in _lines(before)}
        parts: list[Content] = []
        heading = ""
        for section, line, style in _lines(plan):
            if section != heading:
                parts.append(Content.assemble(*(["\n"] if parts else []), (section, f"bold {style}")))
                heading = section
            fresh = known is not None and line not in known
            parts.append(Content.assemble(("▌ " if fresh else "  ", "bold $warning"), (line, "$foreground")))
        if before is not None:
            now = {line for _, line, _ in _lines(plan)}
            gone = [line for _, line, _ in _lines(before) if line not in now]
            if gone:
                parts.append(Content.assemble("\n", ("No longer so", "bold $text-muted")))
                parts.extend(Content.assemble("  ", (line, "strike $text-muted")) for line in gone)
        self.update(Content("\n").join(parts))

    def say(self, text: str, detail: str = "", *, style: str = "$text-muted") -> None:
        """Put words in the plan's place: while facts are read, or why they could not be."""
        self.update(Content.assemble((text, style), *([f"\n\n{detail}"] if detail else [])))


def _lines(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Section, line and the section's style, in the order in which one must read them."""
    refused = f"{marks.REFUSED.glyph} Refused"
    for refusal in plan.refusals:
        yield refused, refusal.why, "$text-error"
        if refusal.instead:
            yield refused, f"→ {refusal.instead}", "$text-error"
    for loss in plan.losses:
        line = f"{loss.what}: {loss.detail}" if loss.detail else loss.what
        yield "What will be lost", f"{marks.mark(loss.kind).glyph} {line}", "$text-error"
    if plan.consistency is not None and not plan.refusals:
        mark = marks.mark(plan.consistency)
        yield (
            "What it is worth",
            f"{mark.text}: {marks.meaning(plan.consistency)}",
            "$text-primary",
        )
    yield from ((f"{marks.CAUTION.glyph} Mind", caution, "$text-warning") for caution in plan.cautions)
    if not plan.refusals:
        yield from (
            ("Steps", f"{number}. {step.label}", "$text-primary") for number, step in enumerate(plan.steps, start=1)
        )
    yield from (("Notes", note, "$text-muted") for note in plan.notes)
