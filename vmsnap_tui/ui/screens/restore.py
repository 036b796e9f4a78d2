"""Put a vm back to a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.widgets import Checkbox, Static

from vmsnap_tui.model.naming import fresh_name
from vmsnap_tui.model.plan import After, LossKind, Restore, usual_after
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.ui.screens.dialogue import SnapshotDialogue, label
from vmsnap_tui.ui.widgets.choice import Choice
from vmsnap_tui.ui.widgets.settings_form import SettingsForm
from vmsnap_tui.ui.widgets.tick import Tick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.widget import Widget

    from vmsnap_tui.model.plan import WayBack

_AFTER = {
    After.AS_TAKEN: "as it was when taken",
    After.RUNNING: "running",
    After.PAUSED: "paused",
    After.OFF: "off",
}


class RestoreScreen(SnapshotDialogue):
    """How the vm ends, whether what is there now is kept, and what goes away."""

    verb = "Restore"

    _safety = ""
    """The name that a safety snapshot would get."""

    def heading(self) -> str:
        """Which vm and where to."""
        return f"Restore {self.vm.name} to {self.snapshot.name}"

    def options(self) -> Iterator[Widget]:
        """A safety snapshot is offered where there is something to keep and it can be taken."""
        now = self.now().astimezone()
        mark = marks.mark(self.snapshot.consistency)
        yield label("Back to", first=True)
        yield Static(
            Content.assemble(
                (self.snapshot.name, "bold"),
                f"\n{sizes.moment(self.snapshot.created)}, {sizes.ago(self.snapshot.created, now)}\n",
                (mark.text, f"${mark.style}"),
                (f"  {marks.meaning(self.snapshot.consistency)}", "$text-muted"),
            )
        )
        ways = self.facts.ways_back(self.snapshot.ref)
        if ways:
            best = next((way for way in ways if way.recommended), ways[0])
            yield label("How")
            yield Choice([(way.id, _described(way)) for way in ways], best.id, id="how")
            yield SettingsForm(best.settings)
        yield label("Afterwards the vm is")
        usual = usual_after(self.facts.vm, self.snapshot)
        yield Choice([(after.value, Content(text)) for after, text in _AFTER.items()], usual.value, id="after")
        taken = {snapshot.name for snapshot in self.facts.snapshots}
        self._safety = fresh_name(now, taken, prefix="before-restore-")
        yield label("What is there now")
        yield Tick(Content("take a safety snapshot first"), self._is_safety_wise(), id="safety")

    @on(Choice.Chosen, "#how")
    def offer(self, event: Choice.Chosen) -> None:
        """Show what may be set of the way, and whether it loses what a safety snapshot would keep."""
        way = next(way for way in self.facts.ways_back(self.snapshot.ref) if way.id == event.value)
        self.query_one(SettingsForm).show(way.settings)
        self.query_one("#safety", Checkbox).value = self._is_safety_wise(way.id)

    def _is_safety_wise(self, how: str = "") -> bool:
        """Whether something would be lost that a safety snapshot, which can be taken, would keep."""
        bare = self.facts.plan(Restore(self.snapshot.ref, how=how))
        if not any(loss.kind in {LossKind.CHANGES, LossKind.MEMORY} for loss in bare.losses):
            return False
        return not self.facts.plan(Restore(self.snapshot.ref, safety=self._safety, how=how)).refusals

    def request(self) -> Restore:
        """As the fields stand."""
        forms = self.query(SettingsForm).results()
        return Restore(
            self.snapshot.ref,
            after=After(self.query_one("#after", Choice).chosen),
            safety=self._safety if self.query_one("#safety", Checkbox).value else "",
            how=next((choice.chosen for choice in self.query("#how").results(Choice)), ""),
            settings=next((form.said for form in forms), ()),
        )


def _described(way: WayBack) -> Content:
    detail = "not possible now" if way.refusals else way.detail
    return Content.assemble(way.label, (f"\n{detail}" if detail else "", "$text-muted"))
