"""Rename a snapshot or describe it anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from vmsnap_tui.model.plan import Edit
from vmsnap_tui.ui.screens.dialogue import SnapshotDialogue, label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.widget import Widget


class EditScreen(SnapshotDialogue):
    """Name and description."""

    verb = "Save"

    def heading(self) -> str:
        """Which snapshot of which vm."""
        return f"Edit {self.snapshot.name} of {self.vm.name}"

    def options(self) -> Iterator[Widget]:
        """As they are now."""
        yield label("Name", first=True)
        yield Input(self.snapshot.name, id="name", compact=True, max_length=240)
        yield label("Description")
        yield Input(self.snapshot.description, id="description", compact=True)

    def request(self) -> Edit:
        """Only what was changed."""
        name = self.query_one("#name", Input).value.strip()
        description = self.query_one("#description", Input).value.strip()
        return Edit(
            self.snapshot.ref,
            name=None if name == self.snapshot.name else name,
            description=None if description == self.snapshot.description else description,
        )
