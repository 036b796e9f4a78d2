"""Rename a snapshot, describe it anew, or protect it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Checkbox, Input

from vmsnap_tui.model.plan import Edit
from vmsnap_tui.ui.screens.dialogue import SnapshotDialogue, label
from vmsnap_tui.ui.widgets.tick import Tick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.widget import Widget


class EditScreen(SnapshotDialogue):
    """Name, description and protection."""

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
        protect = Content("protected: vmsnap deletes it for nobody")
        yield Tick(protect, self.snapshot.protected, id="protected")

    def request(self) -> Edit:
        """Only what was changed."""
        name = self.query_one("#name", Input).value.strip()
        description = self.query_one("#description", Input).value.strip()
        protected = self.query_one("#protected", Checkbox).value
        return Edit(
            self.snapshot.ref,
            name=None if name == self.snapshot.name else name,
            description=None if description == self.snapshot.description else description,
            protected=None if protected is self.snapshot.protected else protected,
        )
