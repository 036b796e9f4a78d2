"""Delete a snapshot, or more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Checkbox

from vmsnap_tui.model.plan import Delete, Scope
from vmsnap_tui.ui.screens.dialogue import SnapshotDialogue, label
from vmsnap_tui.ui.widgets.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.widget import Widget

_SCOPES = {
    Scope.ONE: "this snapshot alone",
    Scope.TREE: "this one and all that hang under it",
    Scope.CHILDREN: "only those that hang under it",
}


class DeleteScreen(SnapshotDialogue):
    """Which ones go, each named."""

    verb = "Delete"

    def heading(self) -> str:
        """Which snapshot of which vm."""
        return f"Delete {self.snapshot.name} of {self.vm.name}"

    def options(self) -> Iterator[Widget]:
        """A leaf has no children to choose."""
        has_children = any(snapshot.parent == self.snapshot.id for snapshot in self.facts.snapshots)
        scopes = _SCOPES if has_children else {Scope.ONE: _SCOPES[Scope.ONE]}
        yield label("Delete", first=True)
        yield Choice([(scope.value, Content(text)) for scope, text in scopes.items()], Scope.ONE.value, id="scope")
        yield label("Data")
        yield Checkbox(Content("forget the record only, leave the data"), id="metadata", compact=True)

    def request(self) -> Delete:
        """As the fields stand."""
        return Delete(
            self.snapshot.ref,
            scope=Scope(self.query_one("#scope", Choice).chosen),
            metadata_only=self.query_one("#metadata", Checkbox).value,
        )
