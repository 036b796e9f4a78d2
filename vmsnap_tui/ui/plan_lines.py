"""A plan in a few coloured lines: what is refused, what is lost, what to mind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.plan import Plan


def plan_lines(plan: Plan, *, bare: bool = False) -> Iterator[Content]:
    """The gravest first. One line says so where nothing is lost, unless that goes without saying (`bare`)."""
    for refusal in plan.refusals:
        instead = f" → {clean(refusal.instead)}" if refusal.instead else ""
        yield Content.assemble((f"{marks.REFUSED.glyph} {clean(refusal.why)}", "$text-error"), (instead, "$text-muted"))
    if plan.refusals:
        return
    for loss in plan.losses:
        shown = marks.mark(loss.kind)
        detail = f": {clean(loss.detail)}" if loss.detail else ""
        yield Content.assemble((f"{shown.glyph} {clean(loss.what)}", f"${shown.style}"), detail)
    if not plan.losses and not bare:
        yield Content.styled(f"{marks.READY.glyph} nothing is lost", "$success")
    for caution in plan.cautions:
        yield Content.assemble((f"{marks.CAUTION.glyph} ", "$warning"), clean(caution))
