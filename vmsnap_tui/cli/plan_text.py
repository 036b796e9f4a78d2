"""A plan as a person reads it: what will be done, what is lost, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vmsnap_tui.cli.output import painted, shape
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks
from vmsnap_tui.present.marks import mark, meaning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Plan


def plan_lines(plan: Plan) -> Iterator[str]:
    """The plan, line by line."""
    yield clean(plan.title)
    for number, step in enumerate(plan.steps, 1):
        yield f"  {number}. {clean(step.label)}"
    if plan.consistency is not None:
        shown = mark(plan.consistency)
        yield f"  {painted(shown.text, shown.style)}: {meaning(plan.consistency)}"
    yield from (f"  {line}" for line in loss_lines(plan))
    yield from (f"  {line}" for line in caution_lines(plan))
    for text in plan.notes:
        yield f"    {clean(text)}"
    for refusal in plan.refusals:
        yield f"  {painted(f'{marks.REFUSED.text} [{refusal.code}]:', marks.REFUSED.style)} {clean(refusal.why)}"
        if refusal.instead:
            yield f"      instead: {clean(refusal.instead)}"


def loss_lines(plan: Plan) -> Iterator[str]:
    """What goes away."""
    for loss in plan.losses:
        shown = mark(loss.kind)
        detail = f" ({clean(loss.detail)})" if loss.detail else ""
        yield f"{painted(f'{shown.glyph} lost, {shown.word}:', shown.style)} {clean(loss.what)}{detail}"


def caution_lines(plan: Plan) -> Iterator[str]:
    """What to know before."""
    for caution in plan.cautions:
        yield f"{painted(marks.CAUTION.glyph, marks.CAUTION.style)} {clean(caution)}"


def plan_shape(plan: Plan) -> dict[str, Any]:
    """The plan for JSON: its fields, the action's name, and whether anything is lost."""
    return {"action": type(plan.request).__name__.lower(), "destructive": plan.is_destructive, **shape(plan)}
