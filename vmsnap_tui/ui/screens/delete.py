"""Delete a snapshot, or more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.widgets import Checkbox, Static

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.forest import Forest
from vmsnap_tui.model.plan import Delete, Scope
from vmsnap_tui.model.reclaim import NOTHING, reclaim
from vmsnap_tui.present.reclaim import in_words
from vmsnap_tui.ui.screens.dialogue import SnapshotDialogue, label
from vmsnap_tui.ui.widgets.choice import Choice
from vmsnap_tui.ui.widgets.tick import Tick

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.widget import Widget

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import Plan

_SCOPES = {
    Scope.ONE: "this snapshot alone",
    Scope.TREE: "this one and all that hang under it",
    Scope.CHILDREN: "only those that hang under it",
}


class DeleteScreen(SnapshotDialogue):
    """Which ones go, each named."""

    verb = "Delete"
    _layers: Sequence[Layer] | None = None

    def heading(self) -> str:
        """Which snapshot of which vm."""
        return f"Delete {self.snapshot.name} of {self.vm.name}"

    def options(self) -> Iterator[Widget]:
        """A leaf has no children to choose."""
        self._layers = None  # read anew with the facts
        has_children = any(snapshot.parent == self.snapshot.id for snapshot in self.facts.snapshots)
        scopes = _SCOPES if has_children else {Scope.ONE: _SCOPES[Scope.ONE]}
        yield label("Delete", first=True)
        yield Choice([(scope.value, Content(text)) for scope, text in scopes.items()], Scope.ONE.value, id="scope")
        yield label("Data")
        yield Static("What this frees is being worked out…", id="frees", markup=False)
        yield Tick(Content("forget the record only, leave the data"), id="metadata")

    def show(self, plan: Plan, *, before: Plan | None = None) -> None:
        """With the plan, what it frees."""
        super().show(plan, before=before)
        self._estimate()

    @work(exclusive=True, group="frees")
    async def _estimate(self) -> None:
        # Not knowing it hinders nobody.
        try:
            if self._layers is None:
                survey = await self.engine.survey(self.vm.ref.site, (self.vm.ref,))
                held = survey.holdings.get(self.vm.ref)
                self._layers = held.layers if held else ()
        except VmsnapError as error:
            words = f"What this frees is not known: {error.words}"
        else:
            freed = NOTHING if self.request().metadata_only else reclaim(self._layers, self._doomed())
            words = f"This {in_words(freed)}."
        for line in self.query("#frees").results(Static):
            line.update(words)

    def _doomed(self) -> frozenset[str]:
        """The snapshots that go."""
        forest = Forest(self.facts.snapshots)
        scope = self.request().scope
        under = frozenset(forest.descendants(self.snapshot.id)) if scope is not Scope.ONE else frozenset()
        return under if scope is Scope.CHILDREN else under | {self.snapshot.id}

    def request(self) -> Delete:
        """As the fields stand."""
        return Delete(
            self.snapshot.ref,
            scope=Scope(self.query_one("#scope", Choice).chosen),
            metadata_only=self.query_one("#metadata", Checkbox).value,
        )
